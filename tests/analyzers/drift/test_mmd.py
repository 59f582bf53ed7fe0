"""The statistics against their definitions, term by term."""

import numpy as np
import pytest
import torch
from torch import Tensor

from driftline_analyzers.drift.mmd import (
    BlockGram,
    block_gram,
    median_bandwidth,
    mmd2_of_splits,
    mmd2_of_swaps,
    paired_gram,
    rbf_kernel,
)

WIDTHS = [0.7, 1.3]


def data(n: int, *, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 5)))


def k(a: Tensor, b: Tensor) -> float:
    return float(np.mean([np.exp(-float(((a - b) ** 2).sum()) / (2 * width**2)) for width in WIDTHS]))


def split(n_reference: int, n: int) -> Tensor:
    return (torch.arange(n) < n_reference)[:, None]


def test_without_blocks_it_is_the_unbiased_mmd_of_gretton() -> None:
    x, y = data(7, seed=1), data(5, seed=2)
    gram = block_gram(torch.cat([x, y]), torch.arange(12), bandwidths=WIDTHS)
    expected = (
        sum(k(x[i], x[j]) for i in range(7) for j in range(7) if i != j) / (7 * 6)
        + sum(k(y[i], y[j]) for i in range(5) for j in range(5) if i != j) / (5 * 4)
        - 2 * sum(k(a, b) for a in x for b in y) / (7 * 5)
    )
    assert float(mmd2_of_splits(gram, split(7, 12))[0]) == pytest.approx(expected, abs=1e-12)


def test_pairs_inside_a_block_never_enter() -> None:
    z, blocks = data(9, seed=3), torch.tensor([0, 0, 1, 1, 1, 2, 3, 3, 4])
    gram = block_gram(z, blocks, bandwidths=WIDTHS)
    reference = [i for i in range(9) if blocks[i] < 3]
    current = [i for i in range(9) if blocks[i] >= 3]

    def within(rows: list[int]) -> float:
        pairs = [(i, j) for i in rows for j in rows if blocks[i] != blocks[j]]
        return sum(k(z[i], z[j]) for i, j in pairs) / len(pairs)

    across = sum(k(z[i], z[j]) for i in reference for j in current) / (len(reference) * len(current))
    expected = within(reference) + within(current) - 2 * across
    assert float(mmd2_of_splits(gram, split(3, 5))[0]) == pytest.approx(expected, abs=1e-12)


def test_many_splits_at_once_equal_one_at_a_time() -> None:
    gram = block_gram(data(30, seed=4), torch.arange(30) // 3, bandwidths=WIDTHS)
    splits = torch.rand(10, 8, generator=torch.Generator().manual_seed(0)).argsort(0) < 4
    together = mmd2_of_splits(gram, splits)
    for column in range(8):
        assert float(together[column]) == pytest.approx(float(mmd2_of_splits(gram, splits[:, column : column + 1])[0]))


def test_swapping_a_pair_only_turns_its_sign() -> None:
    x, y = data(6, seed=5), data(6, seed=6)
    signs = torch.ones(6, 1, dtype=torch.float64)
    signs[[1, 4]] = -1
    swapped_x, swapped_y = x.clone(), y.clone()
    swapped_x[[1, 4]], swapped_y[[1, 4]] = y[[1, 4]], x[[1, 4]]
    units = torch.arange(6)
    by_sign = mmd2_of_swaps(paired_gram(x, y, units, bandwidths=WIDTHS), signs)
    by_swap = mmd2_of_swaps(
        paired_gram(swapped_x, swapped_y, units, bandwidths=WIDTHS), torch.ones(6, 1, dtype=torch.float64)
    )
    assert float(by_sign[0]) == pytest.approx(float(by_swap[0]), abs=1e-12)


def test_the_bandwidth_is_the_median_distance_and_one_for_equal_rows() -> None:
    x = data(40, seed=7)
    distances = torch.pdist(x)
    assert median_bandwidth(x) == pytest.approx(float(distances.median()))
    assert median_bandwidth(torch.ones(5, 3)) == 1.0


def test_equal_texts_everywhere_give_zero() -> None:
    gram = block_gram(torch.ones(8, 3), torch.arange(8), bandwidths=[1.0])
    assert isinstance(gram, BlockGram)
    assert float(mmd2_of_splits(gram, split(4, 8))[0]) == 0.0


def test_the_kernel_is_one_on_equal_rows() -> None:
    x = data(4, seed=8)
    assert rbf_kernel(x, x, bandwidths=WIDTHS).diagonal().tolist() == pytest.approx([1.0] * 4)
