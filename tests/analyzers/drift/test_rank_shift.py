import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.statistics.rank_shift import RankShift
from driftline_analyzers.drift.statistics.top_mean_shift import TopMeanShift


def twins(n: int, *, seed: int, apart: float = 0.0) -> NDArray[np.float64]:
    """Two columns that go together, heavy-tailed, and three of noise; `apart` moves the twins against each other."""
    rng = np.random.default_rng(seed)
    together = rng.normal(size=n)
    pair = np.stack([together + 0.2 * rng.normal(size=n), together + 0.2 * rng.normal(size=n)], axis=1)
    rows: NDArray[np.float64] = np.exp(3 * np.column_stack([pair + np.array([-apart, apart]), rng.normal(size=(n, 3))]))
    return rows


def p_value(statistic: RankShift | TopMeanShift, reference: NDArray[np.float64], current: NDArray[np.float64]) -> float:
    detector = DriftDetector(statistics=(statistic,), n_permutations=199, max_permutations=199)
    return detector.fit(reference).score(current).p_value


def test_without_ridge_it_is_hotellings_t_squared_of_the_scores() -> None:
    rows = torch.from_numpy(twins(40, seed=0))
    split = (torch.arange(40) < 12)[:, None]
    value = float(RankShift(ridge=0).prepare(rows, torch.arange(40)).of_splits(split)[0])
    scores = TopMeanShift().prepare(rows, torch.arange(40)).sums.numpy()
    apart = scores[:12].mean(0) - scores[12:].mean(0)
    pooled_covariance = np.cov(scores.T)
    expected = apart @ np.linalg.solve(pooled_covariance * (1 / 12 + 1 / 28), apart)
    assert value == pytest.approx(expected)


def test_twins_that_part_are_seen_where_no_column_alone_shows_it() -> None:
    found = {"rank_shift": 0, "top_mean_shift": 0}
    for trial in range(20):
        reference, current = twins(400, seed=2 * trial), twins(50, seed=2 * trial + 1, apart=0.15)
        for statistic in (RankShift(), TopMeanShift()):
            found[statistic.name] += p_value(statistic, reference, current) <= 0.05
    assert found["rank_shift"] >= 19
    assert found["top_mean_shift"] <= 8


def test_a_column_of_one_value_changes_nothing() -> None:
    rows, split = torch.from_numpy(twins(40, seed=1)), (torch.arange(40) < 12)[:, None]
    with_constant = torch.cat([rows, torch.ones(40, 1)], dim=1)
    values = [RankShift().prepare(x, torch.arange(40)).of_splits(split) for x in (rows, with_constant)]
    torch.testing.assert_close(values[0], values[1])


def test_false_alarms_with_sessions_stay_at_their_rate() -> None:
    alarms, trials = 0, 120
    for trial in range(trials):
        rows = np.repeat(twins(120, seed=trial), 4, axis=0) * np.random.default_rng(trial).lognormal(size=(480, 5))
        groups = np.repeat(np.arange(120), 4)
        detector = DriftDetector(statistics=(RankShift(),), n_permutations=99, max_permutations=99, seed=trial)
        result = detector.fit(rows[:420], groups=groups[:420]).score(rows[420:], groups=groups[420:])
        alarms += result.p_value <= 0.05
    assert abs(alarms / trials - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / trials)
