"""Two answers to the same prompts."""

import numpy as np
import pytest
import torch

from driftline_analyzers.drift.paired import PairedDriftDetector
from driftline_analyzers.drift.statistics.paired_mean_shift import mean_shift_of_swaps
from driftline_core.errors import InputError, TooFewSamples


def test_the_mean_shift_of_swapped_pairs_is_that_of_turned_differences() -> None:
    rng = np.random.default_rng(0)
    differences, units = torch.from_numpy(rng.normal(size=(9, 3))), torch.tensor([0, 0, 1, 2, 2, 2, 3, 4, 4])
    signs = torch.tensor([[1.0, -1.0], [1.0, 1.0], [1.0, -1.0], [1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    sums = torch.zeros(5, 3, dtype=torch.float64).index_add_(0, units, differences)
    values = mean_shift_of_swaps(sums, torch.bincount(units).double(), signs)
    for column in range(2):
        turned = differences * signs[units, column][:, None]
        pairs = [float(turned[i] @ turned[j]) for i in range(9) for j in range(9) if units[i] != units[j]]
        assert float(values[column]) == pytest.approx(np.mean(pairs))


def test_a_small_move_of_every_answer_shows_where_the_prompts_differ_widely() -> None:
    rng = np.random.default_rng(0)
    prompts = rng.normal(size=(80, 16))
    before, after = (prompts + 0.2 * rng.normal(size=prompts.shape) for _ in range(2))
    moved = after + 0.1 * rng.normal(size=16)
    test = PairedDriftDetector(n_permutations=499, max_permutations=499).fit(before)
    assert test.score(moved).p_value <= 0.005
    assert test.score(after).p_value > 0.005
    assert list(test.score(after).parts) == ["paired_mmd", "paired_mean_shift"]


def test_equal_answers_are_no_drift() -> None:
    rows = np.random.default_rng(1).normal(size=(40, 5))
    assert PairedDriftDetector(n_permutations=99, max_permutations=99).fit(rows).score(rows).p_value == 1.0


def test_pairs_must_match_in_number_and_be_independent_enough() -> None:
    rows = np.random.default_rng(1).normal(size=(40, 5))
    with pytest.raises(InputError, match="expected 40 rows, one a pair, got 39"):
        PairedDriftDetector().fit(rows).score(rows[1:])
    with pytest.raises(TooFewSamples, match="need at least 12 independent pairs, got 10"):
        PairedDriftDetector().fit(rows, groups=np.arange(40) // 4)
