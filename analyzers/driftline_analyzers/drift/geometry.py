"""Distances within a pooled sample, reduced to what statistics of splits need: sums between blocks and lists of nearest neighbours.

The part inside a reference is computed once (`reference_geometry`) and each window only adds its rows (`with_current`).
Euclidean; rows are centred first, which changes nothing but the rounding. Distances below rounding noise count as zero, and among texts
at distance zero (repeats in different sessions) a random but fixed order decides who is whose neighbour: row order would favour one side.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_ROWS_PER_CHUNK = 1024
_LEAST_FLOOR = 1e-30
_NOISE = 2e-6
"""Rounding of a squared distance in float32, relative to the squared lengths of the two rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """One pooled sample, or several side by side along leading dimensions.

    sums: (..., s, s) sum of the distances, less a typical one, over the texts of two blocks, 0 on the diagonal; (..., 0, 0) if not asked
    for. A constant less changes no energy distance, and float32 keeps its digits.
    sizes: (..., s) float64, texts in a block. blocks: (..., n) int64 block of each row.
    neighbours, distances: (..., n, k) the nearest rows of other blocks, nearest first; distance inf where there are fewer than k.
    Side by side, short samples are padded with rows of a last block of size 0, which is on the reference's side of every split.
    """

    sums: Tensor
    sizes: Tensor
    blocks: Tensor
    neighbours: Tensor
    distances: Tensor

    def select(self, samples: Tensor) -> "Geometry":
        """Of samples side by side, (l, ...), those of these numbers: (l',) int64."""
        return Geometry(
            sums=self.sums[samples],
            sizes=self.sizes[samples],
            blocks=self.blocks[samples],
            neighbours=self.neighbours[samples],
            distances=self.distances[samples],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceGeometry:
    """The reference's part. rows: (m, d) less centre: (d,); keys: (m,) order among repeats; floor: squared distances below are noise.

    typical: the distance that sums are less by. squared, neighbours: (m, k); sums: (s, s).
    """

    rows: Tensor
    centre: Tensor
    blocks: Tensor
    keys: Tensor
    floor: float
    typical: float
    sums: Tensor
    squared: Tensor
    neighbours: Tensor


def reference_geometry(
    reference: Tensor, blocks: Tensor, *, n_neighbours: int, has_sums: bool, seed: int
) -> ReferenceGeometry:
    """reference: (m, d); blocks: (m,) int64, 0..s-1, each used."""
    centre = reference.mean(0)
    rows = reference - centre
    lengths = (rows * rows).sum(1)
    floor = noise_floor(lengths)
    keys = repeat_keys(len(rows), seed=seed).to(rows)
    n_blocks = int(blocks.max()) + 1
    typical = typical_distance(lengths)
    sums = rows.new_zeros(n_blocks if has_sums else 0, n_blocks if has_sums else 0)
    k = min(n_neighbours, len(rows))
    squared = rows.new_empty(len(rows), k)
    neighbours = blocks.new_empty(len(rows), k)
    for start in range(0, len(rows), _ROWS_PER_CHUNK):
        chunk = slice(start, start + _ROWS_PER_CHUNK)
        found = _squared(rows[chunk], rows, keys[chunk], keys, floor=floor)  # (c, m)
        if has_sums:
            _add_sums(sums, _distances(found, floor=floor) - typical, blocks[chunk], blocks)
        if k:
            found.masked_fill_(blocks[chunk, None] == blocks, torch.inf)
            squared[chunk], neighbours[chunk] = found.topk(k, dim=1, largest=False)
    return ReferenceGeometry(
        rows=rows,
        centre=centre,
        blocks=blocks,
        keys=keys,
        floor=floor,
        typical=typical,
        sums=sums.fill_diagonal_(0),
        squared=squared,
        neighbours=neighbours,
    )


def with_current(reference: ReferenceGeometry, current: Tensor, blocks: Tensor, *, seed: int) -> Geometry:
    """Add current: (n, d), blocks: (n,) int64, 0..t-1, each used. They become rows m.. and blocks s.. of the pooled sample."""
    m, k = reference.squared.shape
    rows = current - reference.centre
    n = len(rows)
    keys = repeat_keys(n, seed=seed + 1).to(rows)
    n_reference_blocks = int(reference.blocks.max()) + 1
    pooled_blocks = torch.cat([reference.blocks, blocks + n_reference_blocks])
    sizes = torch.bincount(pooled_blocks).to(torch.float64)
    n_blocks = len(sizes) if len(reference.sums) else 0
    sums = rows.new_zeros(n_blocks, n_blocks)
    squared, neighbours = reference.squared, reference.neighbours  # (m, k)
    own_squared, own_neighbours = rows.new_empty(n, k), blocks.new_empty(n, k)
    pooled, pooled_keys = torch.cat([reference.rows, rows]), torch.cat([reference.keys, keys])
    for start in range(0, n, _ROWS_PER_CHUNK):
        chunk = slice(start, start + _ROWS_PER_CHUNK)
        found = _squared(rows[chunk], pooled, keys[chunk], pooled_keys, floor=reference.floor)  # (c, m + n)
        if n_blocks:
            distances = _distances(found, floor=reference.floor) - reference.typical
            _add_sums(sums, distances, blocks[chunk] + n_reference_blocks, pooled_blocks)
        if k:
            found.masked_fill_(pooled_blocks[m:][chunk, None] == pooled_blocks, torch.inf)
            own_squared[chunk], own_neighbours[chunk] = found.topk(k, dim=1, largest=False)
            near = found[:, :m].T.topk(min(k, len(found)), dim=1, largest=False)
            best = torch.cat([squared, near.values], dim=1).topk(k, dim=1, largest=False)
            neighbours = torch.cat([neighbours, near.indices + m + start], dim=1).gather(1, best.indices)
            squared = best.values
    if n_blocks:
        sums[:n_reference_blocks, :n_reference_blocks] = reference.sums
        sums[:n_reference_blocks, n_reference_blocks:] = sums[n_reference_blocks:, :n_reference_blocks].T
        sums.fill_diagonal_(0)
    squared, neighbours = torch.cat([squared, own_squared]), torch.cat([neighbours, own_neighbours])
    return Geometry(
        sums=sums,
        sizes=sizes,
        blocks=pooled_blocks,
        neighbours=neighbours,
        distances=_distances(squared, floor=reference.floor),
    )


def pooled_geometry(pooled: Tensor, blocks: Tensor, *, n_neighbours: int, has_sums: bool, seed: int = 0) -> Geometry:
    """The geometry of pooled: (n, d), blocks: (n,) int64, 0..s-1, each used, computed whole."""
    whole = reference_geometry(pooled, blocks, n_neighbours=n_neighbours, has_sums=has_sums, seed=seed)
    return Geometry(
        sums=whole.sums,
        sizes=torch.bincount(blocks).to(torch.float64),
        blocks=blocks,
        neighbours=whole.neighbours,
        distances=_distances(whole.squared, floor=whole.floor),
    )


def repeat_keys(n_rows: int, *, seed: int) -> Tensor:
    """Random numbers that order repeats: (n,)."""
    return torch.rand(n_rows, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def noise_floor(lengths: Tensor) -> float:
    """Squared distances below this are rounding. lengths: (m,) squared, of the centred reference."""
    return max(2 * _NOISE * float(lengths.median()), _LEAST_FLOOR)


def typical_distance(lengths: Tensor) -> float:
    """Root mean square distance of two texts. lengths: (m,) squared, of the centred reference."""
    return float((2 * lengths.mean()).sqrt())


def _squared(x: Tensor, y: Tensor, x_keys: Tensor, y_keys: Tensor, *, floor: float) -> Tensor:
    """Squared distances (n, m); those of repeats are random numbers below the floor, the same from both sides."""
    squares = (x * x).sum(1)[:, None] + (y * y).sum(1)
    squared = torch.addmm(squares, x, y.T, alpha=-2)
    is_repeat = squared <= floor
    if bool(is_repeat.any()):
        squared = torch.where(is_repeat, (x_keys[:, None] + y_keys).frac_() * floor, squared)
    return squared


def _distances(squared: Tensor, *, floor: float) -> Tensor:
    return torch.threshold(squared, floor, 0.0).sqrt_()


def _add_sums(sums: Tensor, distances: Tensor, row_blocks: Tensor, column_blocks: Tensor) -> None:
    """Add the distances between rows and columns, (c, m), to the sums of their blocks."""
    by_column = distances.new_zeros(len(distances), sums.shape[1]).index_add_(1, column_blocks, distances)  # (c, s)
    sums.index_add_(0, row_blocks, by_column)
