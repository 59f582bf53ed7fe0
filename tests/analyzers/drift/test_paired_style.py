from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from driftline_analyzers.drift.paired import PAIRED_STYLE_STATISTICS, PairedDriftDetector
from driftline_analyzers.drift.statistics.paired_rank_shift import PairedRankShift
from driftline_analyzers.drift.statistics.paired_top_shift import PairedTopShift, signed_scores
from driftline_core.errors import InputError, TooFewSamples

_Rows = NDArray[np.float64]


def pairs(n_sessions: int, *, seed: int, shift: float = 0.0) -> tuple[_Rows, _Rows, NDArray[np.int64]]:
    """Two answers to three prompts a session: prompts differ far more than answers, and a session sways its answers together."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_sessions), 3)
    prompts = 5 * rng.normal(size=(len(groups), 6))
    sides = [
        prompts + 0.3 * rng.normal(size=(n_sessions, 6))[groups] + 0.3 * rng.normal(size=prompts.shape)
        for _ in range(2)
    ]
    sides[1][:, 2] += shift
    return sides[0], sides[1], groups


def test_scores_are_signed_and_ranked_by_size() -> None:
    scores = signed_scores(torch.tensor([[-2.0], [0.0], [1.0], [2.0], [5.0]], dtype=torch.float64))[:, 0]
    assert scores[1] == 0
    assert scores[0] == -scores[3]
    assert 0 < scores[2] < scores[3] < scores[4]


def test_shifts_have_mean_zero_and_deviation_one_over_all_swaps() -> None:
    reference, current, _ = pairs(3, seed=0)
    units = torch.arange(9)
    prepared = PairedTopShift().prepare(torch.from_numpy(reference), torch.from_numpy(current), units)
    signs = torch.tensor(list(product((-1.0, 1.0), repeat=9))).T
    shifts = prepared.shifts(signs)
    torch.testing.assert_close(shifts.mean(1), torch.zeros(6, dtype=torch.float64))
    torch.testing.assert_close(shifts.pow(2).mean(1), torch.ones(6, dtype=torch.float64))


def test_without_ridge_the_statistic_is_a_quadratic_form_of_the_signed_scores() -> None:
    reference, current, _ = pairs(10, seed=4)
    rows = torch.from_numpy(reference), torch.from_numpy(current)
    value = PairedRankShift(ridge=0).prepare(*rows, torch.arange(30)).of_swaps(torch.ones(30, 1))
    scores = signed_scores(rows[1] - rows[0]).numpy()
    total = scores.sum(0)
    assert float(value[0]) == pytest.approx(total @ np.linalg.solve(scores.T @ scores, total))


def test_swapping_the_sides_changes_nothing() -> None:
    reference, current, groups = pairs(20, seed=1, shift=0.2)
    forth = PairedDriftDetector(PAIRED_STYLE_STATISTICS).fit(reference, groups=groups).score(current)
    back = PairedDriftDetector(PAIRED_STYLE_STATISTICS).fit(current, groups=groups).score(reference)
    assert forth.statistic == pytest.approx(back.statistic)
    assert forth.p_value == back.p_value


def test_false_alarms_with_sessions_stay_at_their_rate() -> None:
    alarms, trials = 0, 200
    for trial in range(trials):
        reference, current, groups = pairs(20, seed=trial)
        detector = PairedDriftDetector(PAIRED_STYLE_STATISTICS, n_permutations=99, max_permutations=99, seed=trial)
        alarms += detector.fit(reference, groups=groups).score(current).p_value <= 0.05
    assert abs(alarms / trials - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / trials)


def test_a_small_shift_beneath_the_spread_of_prompts_is_found() -> None:
    hits = 0
    for trial in range(20):
        reference, current, groups = pairs(40, seed=trial, shift=0.5)
        result = (
            PairedDriftDetector(PAIRED_STYLE_STATISTICS, n_permutations=199, max_permutations=199)
            .fit(reference, groups=groups)
            .score(current)
        )
        hits += result.p_value <= 0.05
    assert hits >= 19
    assert set(result.parts) == {"paired_top_shift_3", "paired_rank_shift"}
    assert result.n_effective == 40


def test_equal_answers_are_no_drift() -> None:
    reference, _, groups = pairs(20, seed=2)
    result = PairedDriftDetector(PAIRED_STYLE_STATISTICS).fit(reference, groups=groups).score(reference)
    assert result.p_value == 1
    assert not result.is_drift


def test_too_few_pairs_or_sessions_are_refused() -> None:
    reference, current, groups = pairs(20, seed=3)
    with pytest.raises(TooFewSamples, match="need at least 20 pairs, got 9"):
        PairedDriftDetector(PAIRED_STYLE_STATISTICS).fit(reference[:9])
    with pytest.raises(TooFewSamples, match="need at least 12 independent pairs, got 10"):
        PairedDriftDetector(PAIRED_STYLE_STATISTICS).fit(reference[:30], groups=groups[:30])
    with pytest.raises(InputError, match="expected 60 rows, one a pair, got 57"):
        PairedDriftDetector(PAIRED_STYLE_STATISTICS).fit(reference, groups=groups).score(current[3:])
    with pytest.raises(InputError, match="expected 6 dimensions as in the reference, got 5"):
        PairedDriftDetector(PAIRED_STYLE_STATISTICS).fit(reference, groups=groups).score(current[:, :5])
