"""The geometry of several small pooled samples side by side, padded to the largest."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from driftline_analyzers.drift.geometry import Geometry, noise_floor, repeat_keys, typical_distance


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """reference: (m, d); current: (n, d); blocks: (m + n,) int64, 0..s-1, each used."""

    reference: Tensor
    current: Tensor
    blocks: Tensor


def geometry_of_many(samples: Sequence[Pooled], *, n_neighbours: int, has_sums: bool, seed: int) -> Geometry:
    """What `reference_geometry` and `with_current` give for each sample, to rounding: tensors of shape (l, ...).

    Holds all distances of all samples at once. Every reference has n_neighbours rows or more.
    """
    n_rows = max(len(sample.blocks) for sample in samples)
    n_blocks = max(int(sample.blocks.max()) + 1 for sample in samples) + 1  # the last is padding
    template = samples[0].reference
    rows = template.new_zeros(len(samples), n_rows, template.shape[1])
    keys = template.new_zeros(len(samples), n_rows)
    floors, typical = template.new_zeros(len(samples), 1, 1), template.new_zeros(len(samples), 1, 1)
    blocks = samples[0].blocks.new_full((len(samples), n_rows), n_blocks - 1)
    for i, sample in enumerate(samples):
        m, n = len(sample.reference), len(sample.current)
        centre = sample.reference.mean(0)
        rows[i, :m], rows[i, m : m + n] = sample.reference - centre, sample.current - centre
        keys[i, :m], keys[i, m : m + n] = repeat_keys(m, seed=seed).to(keys), repeat_keys(n, seed=seed + 1).to(keys)
        lengths = (rows[i, :m] ** 2).sum(1)
        floors[i], typical[i] = noise_floor(lengths), typical_distance(lengths)
        blocks[i, : m + n] = sample.blocks
    is_padding = blocks == n_blocks - 1  # (l, n)
    sizes = torch.stack([torch.bincount(row, minlength=n_blocks) for row in blocks]).to(torch.float64)
    sizes[:, -1] = 0
    squares = (rows * rows).sum(2)
    squared = torch.baddbmm(squares[:, :, None] + squares[:, None, :], rows, rows.mT, alpha=-2)  # (l, n, n)
    is_repeat = squared <= floors
    order = (keys[:, :, None] + keys[:, None, :]).frac_() * floors
    squared = torch.where(is_repeat, order, squared)
    sums = squared.new_zeros(len(samples), 0, 0)
    if has_sums:
        distances = torch.where(is_repeat, 0.0, squared).sqrt_() - typical
        distances.masked_fill_(is_padding[:, :, None] | is_padding[:, None, :], 0)
        sums = _block_sums(distances, blocks, n_blocks=n_blocks)
    is_apart = (blocks[:, :, None] != blocks[:, None, :]) & ~is_padding[:, :, None] & ~is_padding[:, None, :]
    squared.masked_fill_(~is_apart, torch.inf)
    found = squared.topk(n_neighbours, dim=2, largest=False)
    return Geometry(
        sums=sums,
        sizes=sizes,
        blocks=blocks,
        neighbours=found.indices,
        distances=torch.where(found.values <= floors, 0.0, found.values).sqrt_(),
    )


def _block_sums(distances: Tensor, blocks: Tensor, *, n_blocks: int) -> Tensor:
    """(l, n, n), (l, n) -> (l, s, s), 0 on the diagonal."""
    n_samples, n_rows = blocks.shape
    by_column = distances.new_zeros(n_samples, n_rows, n_blocks)
    by_column.scatter_add_(2, blocks[:, None, :].expand(-1, n_rows, -1), distances)
    sums = distances.new_zeros(n_samples, n_blocks, n_blocks)
    sums.scatter_add_(1, blocks[:, :, None].expand(-1, -1, n_blocks), by_column)
    sums.diagonal(dim1=1, dim2=2).zero_()
    return sums
