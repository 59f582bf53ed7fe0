from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.stats import norm, rankdata

from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.statistics.top_mean_shift import TopMeanShift, normal_scores


def test_normal_scores_are_the_quantiles_of_mid_ranks() -> None:
    values = np.array([[3.0, 0], [1, 0], [2, 1], [2, 0], [9, 0]])
    scores = normal_scores(torch.from_numpy(values)).numpy()
    expected = norm.ppf((rankdata(values, axis=0) - 0.5) / 5)
    np.testing.assert_allclose(scores, expected - expected.mean(0), atol=1e-9)


def test_shifts_have_mean_zero_and_deviation_one_over_all_splits_of_the_blocks() -> None:
    rng = np.random.default_rng(0)
    blocks = torch.arange(9).repeat_interleave(3)
    rows = torch.from_numpy(np.repeat(rng.normal(size=(9, 4)), 3, axis=0) + 0.3 * rng.normal(size=(27, 4)))
    chosen = list(combinations(range(9), 3))
    splits = torch.zeros(9, len(chosen), dtype=torch.bool)
    for column, members in enumerate(chosen):
        splits[list(members), column] = True
    shifts = TopMeanShift().prepare(rows, blocks).shifts(splits)
    torch.testing.assert_close(shifts.mean(1), torch.zeros(4, dtype=torch.float64))
    torch.testing.assert_close(shifts.pow(2).mean(1), torch.ones(4, dtype=torch.float64))


def test_the_statistic_is_the_sum_of_the_largest_squares() -> None:
    rows = torch.from_numpy(np.random.default_rng(1).normal(size=(30, 5)))
    split = (torch.arange(30) < 10)[:, None]
    prepared = TopMeanShift(n_columns=2).prepare(rows, torch.arange(30))
    squares = sorted(prepared.shifts(split)[:, 0].pow(2).tolist())
    assert float(prepared.of_splits(split)[0]) == pytest.approx(squares[-1] + squares[-2])


def test_a_column_of_one_value_counts_for_nothing() -> None:
    prepared = TopMeanShift().prepare(torch.ones(30, 2), torch.arange(30))
    split = (torch.arange(30) < 10)[:, None]
    assert float(prepared.of_splits(split)[0]) == 0


def test_one_huge_text_moves_nothing() -> None:
    rng = np.random.default_rng(2)
    reference, current = rng.normal(size=(400, 4)), rng.normal(size=(50, 4))
    current[0] = 1e9
    detector = DriftDetector(statistics=(TopMeanShift(),), n_permutations=199, max_permutations=199)
    assert detector.fit(reference).score(current).p_value > 0.05


def test_small_shifts_of_three_columns_add_up() -> None:
    rng = np.random.default_rng(3)
    shift = np.array([0.35, -0.35, 0.35, *np.zeros(10)])
    hits = 0
    for trial in range(20):
        detector = DriftDetector(statistics=(TopMeanShift(),), n_permutations=99, max_permutations=99, seed=trial)
        result = detector.fit(rng.normal(size=(800, 13))).score(rng.normal(size=(100, 13)) + shift)
        hits += result.p_value <= 0.05
    assert hits >= 19


def test_false_alarms_with_sessions_stay_at_their_rate() -> None:
    alarms, trials = 0, 150
    for trial in range(trials):
        rng = np.random.default_rng(trial)
        rows = np.repeat(rng.normal(size=(120, 3)), 4, axis=0) + 0.5 * rng.normal(size=(480, 3))
        groups = np.repeat(np.arange(120), 4)
        detector = DriftDetector(statistics=(TopMeanShift(),), n_permutations=99, max_permutations=99, seed=trial)
        result = detector.fit(rows[:420], groups=groups[:420]).score(rows[420:], groups=groups[420:])
        alarms += result.p_value <= 0.05
    assert abs(alarms / trials - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / trials)
