import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.statistics import kolmogorov_smirnov
from driftline_analyzers.drift.statistics.kolmogorov_smirnov import KolmogorovSmirnov


def mixed_columns(n: int, *, seed: int) -> NDArray[np.float32]:
    """A continuous, a two-valued, a rounded and a constant column."""
    rng = np.random.default_rng(seed)
    columns = [rng.normal(size=n), rng.random(n) < 0.1, rng.integers(4, size=n), np.full(n, 3)]
    return np.stack(columns, axis=1).astype(np.float32)


def random_splits(n_blocks: int, n_current: int, count: int, *, seed: int) -> torch.Tensor:
    """(n_blocks, count) bool."""
    keys = torch.rand(count, n_blocks, generator=torch.Generator().manual_seed(seed))
    splits = torch.zeros(count, n_blocks, dtype=torch.bool)
    return splits.scatter_(1, keys.topk(n_current, dim=1).indices, True).T


def test_distances_are_those_of_scipy() -> None:
    rows = mixed_columns(60, seed=0)
    blocks = torch.arange(20).repeat_interleave(3)
    splits = random_splits(20, 6, 5, seed=0)
    distances = KolmogorovSmirnov().prepare(torch.from_numpy(rows), blocks).distances(splits)
    for split in range(5):
        inside = splits[blocks, split].numpy()
        for column in range(4):
            expected = ks_2samp(rows[inside, column], rows[~inside, column]).statistic
            assert float(distances[column, split]) == pytest.approx(expected, abs=1e-6)


def test_chunks_of_splits_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, blocks = torch.from_numpy(mixed_columns(50, seed=1)), torch.arange(50)
    splits = random_splits(50, 20, 30, seed=1)
    whole = KolmogorovSmirnov().prepare(rows, blocks).of_splits(splits)
    monkeypatch.setattr(kolmogorov_smirnov, "_ELEMENTS_PER_CHUNK", 7 * 50)
    torch.testing.assert_close(KolmogorovSmirnov().prepare(rows, blocks).of_splits(splits), whole)


def test_every_column_has_the_same_say() -> None:
    prepared = KolmogorovSmirnov().prepare(torch.from_numpy(mixed_columns(400, seed=2)), torch.arange(400))
    splits = random_splits(400, 50, 2000, seed=2)
    standardised = prepared.standardised(splits)
    assert standardised.mean(1).abs().max() < 0.25
    assert standardised[:3].std(1).sub(1).abs().max() < 0.25
    assert standardised[3].abs().max() == 0
    winners = torch.bincount(standardised.argmax(0), minlength=4) / 2000
    assert winners[:3].min() > 0.2


def test_a_shift_of_a_rare_flag_is_not_hidden_by_other_columns() -> None:
    rng = np.random.default_rng(3)

    def side(n: int, share: float) -> NDArray[np.float32]:
        flags = np.arange(n) < share * n
        return np.column_stack([rng.normal(size=(n, 12)), flags]).astype(np.float32)

    detector = DriftDetector(statistics=(KolmogorovSmirnov(),), n_permutations=199, max_permutations=199)
    result = detector.fit(side(1000, 0.02)).score(side(100, 0.15))
    assert result.p_value == 1 / 200


def test_false_alarms_with_sessions_stay_at_their_rate() -> None:
    alarms, trials = 0, 120
    for trial in range(trials):
        rng = np.random.default_rng(trial)
        habits = np.repeat(rng.normal(size=(120, 3)), 4, axis=0)
        rows = np.column_stack([habits + 0.5 * rng.normal(size=habits.shape), habits[:, 0] > 1.2]).astype(np.float32)
        groups = np.repeat(np.arange(120), 4)
        detector = DriftDetector(statistics=(KolmogorovSmirnov(),), n_permutations=99, max_permutations=99, seed=trial)
        result = detector.fit(rows[:420], groups=groups[:420]).score(rows[420:], groups=groups[420:])
        alarms += result.p_value <= 0.05
    assert abs(alarms / trials - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / trials)
