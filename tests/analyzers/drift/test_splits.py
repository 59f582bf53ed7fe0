"""Redrawn windows look like the observed one."""

import numpy as np
import pytest
import torch

from driftline_analyzers.drift.splits import SplitPlan, plan_splits
from driftline_core.errors import TooFewSamples


def plan(sizes: list[int], window_sizes: list[int], *, ratio: float = 8.0) -> SplitPlan:
    reference, current = (torch.from_numpy(np.repeat(np.arange(len(s)), s)) for s in (sizes, window_sizes))
    return plan_splits(reference, current, ratio=ratio, min_samples=5, min_blocks=3, seed=0)


def sizes_of(found: SplitPlan) -> tuple[list[int], list[int]]:
    return torch.bincount(found.reference_blocks).tolist(), torch.bincount(found.current_blocks).tolist()


def test_a_window_keeps_its_number_of_blocks_of_each_size() -> None:
    found = plan([1] * 100 + [3, 4] * 40 + [20] * 40, [1] * 10 + [4] * 5 + [18] * 3)
    assert found.n_current_blocks == 18
    reference, current = sizes_of(found)
    sizes = torch.tensor(reference + current)
    draws = found.draw(50, torch.Generator().manual_seed(0))
    for low, high, n in ((1, 1, 10), (3, 4, 5), (17, 32, 3)):
        of_size = (sizes >= low) & (sizes <= high)
        assert draws[of_size].sum(0).tolist() == [n] * 50
    assert not torch.equal(draws[:, 0], draws[:, 1])
    assert found.observed()[:, 0].nonzero()[:, 0].tolist() == list(range(len(reference), len(sizes)))


def test_of_a_window_too_large_for_its_reference_whole_blocks_are_compared() -> None:
    found = plan([2] * 200, [2] * 100)
    _, current = sizes_of(found)
    assert current == [2] * 25
    assert len(found.reference_rows) == 400


def test_sessions_longer_than_the_references_are_thinned_to_their_length() -> None:
    found = plan([2] * 300, [9] * 10)
    _, current = sizes_of(found)
    assert current == [2] * 10


def test_longer_sessions_of_the_reference_are_thinned_to_the_windows_length() -> None:
    found = plan([7] * 300, [2] * 10)
    reference, current = sizes_of(found)
    assert current == [2] * 10
    assert reference == [2] * 300


def test_one_odd_session_is_left_out_before_everything_is_cut_to_its_length() -> None:
    found = plan([8] * 100, [8] * 9 + [1])
    reference, current = sizes_of(found)
    assert current == [8] * 9
    assert reference == [8] * 100


def test_a_window_that_nothing_in_the_reference_matches_is_refused() -> None:
    with pytest.raises(
        TooFewSamples, match=r"need at least 3 sessions or blocks in current that the reference's 12 .* got 1"
    ):
        plan([3] * 12, [1] * 40)
