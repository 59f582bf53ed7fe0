"""Where an observed value lies in its null."""

import pytest
import torch
from torch import Tensor

from driftline_analyzers.drift.permutation import PermutationNull, calibrate


def gaussian(count: int, generator: torch.Generator) -> Tensor:
    return torch.randn(2, count, generator=generator, dtype=torch.float64)


def test_the_p_value_counts_the_observed_split_and_is_never_zero() -> None:
    null = PermutationNull(torch.tensor([3.0]), n_permutations=4, max_permutations=4)
    null.add(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    assert null.n_wanted == 0
    assert null.calibration().p_value == 3 / 5
    far = PermutationNull(torch.tensor([9.0]), n_permutations=4, max_permutations=4)
    far.add(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    assert far.calibration().p_value == 1 / 5


def test_draws_go_on_in_the_tail_only() -> None:
    common = calibrate(torch.tensor([0.0, 0.0]), gaussian, n_permutations=99, max_permutations=3099, seed=0)
    tail = calibrate(torch.tensor([9.0, 0.0]), gaussian, n_permutations=99, max_permutations=3099, seed=0)
    assert common.n_permutations == 99
    assert tail.n_permutations == 3099
    assert tail.p_value == 1 / 3100
    assert tail.effect_size == pytest.approx(9, abs=0.5)


def test_one_telling_statistic_of_two_is_enough_and_an_opposite_one_does_not_undo_it() -> None:
    lifted = calibrate(torch.tensor([4.5, -5.0]), gaussian, n_permutations=999, max_permutations=999, seed=0)
    assert lifted.p_value <= 0.01
    assert lifted.part_p_values[0] == 1 / 1000
    assert lifted.part_p_values[1] == 1.0


def test_a_null_that_does_not_vary_gives_one() -> None:
    flat = calibrate(
        torch.ones(2), lambda count, _: torch.ones(2, count), n_permutations=99, max_permutations=999, seed=0
    )
    assert flat.p_value == 1.0
    assert flat.effect_size == 0.0
