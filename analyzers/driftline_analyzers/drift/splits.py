"""Which texts are compared, and how windows like the observed one are redrawn from reference and window together.

Whole blocks are redrawn, as many of like size as the window has: blocks of 1, 2, 3-4, 5-8, 9-16, ... texts are exchanged only among
themselves, so that a redrawn window is as large and as bursty as the real one. Where the reference has too few blocks of a size, they are
thinned to the next smaller one (a random part of their texts is left out), the next larger ones are thinned to theirs, or some of the
window's are left out, whichever costs fewest texts.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from driftline_core.errors import TooFewSamples

_BLOCKS_PER_BLOCK = 4.0
"""Reference blocks of a size for each of the window's; with fewer a redrawn window is too much like the real one."""

_Ints = NDArray[np.int64]


def blocks_per_block(ratio: float) -> float:
    """How many reference blocks each of the window's needs, when it needs ratio texts for each of the window's."""
    return min(ratio, _BLOCKS_PER_BLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPlan:
    """reference_rows: (m',), current_rows: (n',) row numbers that are compared, ascending; reference_blocks, current_blocks: their blocks,
    0.. without gaps. strata: block numbers (the reference's, then current's, which go on counting) and how many of them a window has.
    """

    reference_rows: Tensor
    current_rows: Tensor
    reference_blocks: Tensor
    current_blocks: Tensor
    strata: tuple[tuple[Tensor, int], ...]

    @property
    def n_reference_blocks(self) -> int:
        """Exchangeable blocks of the reference."""
        return int(self.reference_blocks.max()) + 1

    @property
    def n_current_blocks(self) -> int:
        """Exchangeable blocks of current."""
        return int(self.current_blocks.max()) + 1

    def observed(self) -> Tensor:
        """The real split: (s, 1) bool."""
        n_blocks = self.n_reference_blocks + self.n_current_blocks
        return (torch.arange(n_blocks) >= self.n_reference_blocks)[:, None]

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Redrawn windows: (s, count) bool on the CPU."""
        n_blocks = self.n_reference_blocks + self.n_current_blocks
        splits = torch.zeros(count, n_blocks, dtype=torch.bool)
        for members, n_chosen in self.strata:
            keys = torch.rand(count, len(members), generator=generator)
            chosen = keys.topk(n_chosen, dim=1, largest=False, sorted=False).indices
            splits.scatter_(1, members[chosen], True)
        return splits.T


def plan_splits(
    reference_blocks: Tensor, current_blocks: Tensor, *, ratio: float, min_samples: int, min_blocks: int, seed: int
) -> SplitPlan:
    """reference_blocks: (m,), current_blocks: (n,) int64 block of each text, 0.. without gaps.

    The window keeps at most m / ratio texts, and at most a quarter as many blocks as the reference has: whole blocks, chosen at random
    under the seed.
    Raises TooFewSamples when less than min_samples texts or min_blocks blocks of current can be compared.
    """
    rng = np.random.default_rng(seed)
    reference, current = reference_blocks.cpu().numpy(), current_blocks.cpu().numpy()
    order = rng.permutation(int(current.max()) + 1)
    sizes, window_sizes = np.bincount(reference), np.bincount(current)
    per_block = blocks_per_block(ratio)
    n_texts, usual = sizes.sum() / ratio, np.minimum(window_sizes, sizes.max())
    chosen = _sample(usual, order, n_texts=n_texts, n_blocks=int(len(sizes) / per_block))
    if len(chosen) == 0:
        raise _too_few("sessions or blocks", needed=min_blocks, got=0, n_blocks=len(sizes))
    limits, is_kept = _match(sizes, window_sizes[chosen], per_block=per_block)
    reference_kept = _thin(reference, limits[_level(sizes)], rng)
    most = np.zeros_like(window_sizes)
    most[chosen[is_kept]] = limits[_level(window_sizes[chosen[is_kept]])]
    current_kept = _thin(current, most, rng)
    thinned, window_thinned = np.bincount(reference[reference_kept]), np.minimum(window_sizes, most)
    again = chosen[is_kept]
    n_blocks = int(len(thinned) / per_block)
    chosen = _sample(window_thinned, again, n_texts=thinned.sum() / ratio, n_blocks=n_blocks)
    current_kept = current_kept[np.isin(current[current_kept], chosen)]
    if len(chosen) < min_blocks:
        raise _too_few("sessions or blocks", needed=min_blocks, got=len(chosen), n_blocks=len(sizes))
    if len(current_kept) < min_samples:
        raise _too_few("texts", needed=min_samples, got=len(current_kept), n_blocks=len(sizes))
    window_numbers = np.unique(current[current_kept], return_inverse=True)[1]
    levels, window_levels = _level(thinned), _level(np.bincount(window_numbers))
    strata = []
    for level in np.unique(window_levels):
        inside = np.flatnonzero(levels == level)
        of_window = np.flatnonzero(window_levels == level)
        strata.append((torch.from_numpy(np.concatenate([inside, of_window + len(thinned)])), len(of_window)))
    return SplitPlan(
        reference_rows=torch.from_numpy(reference_kept),
        current_rows=torch.from_numpy(current_kept),
        reference_blocks=torch.from_numpy(reference[reference_kept]),
        current_blocks=torch.from_numpy(window_numbers.astype(np.int64)),
        strata=tuple(strata),
    )


def _too_few(what: str, *, needed: int, got: int, n_blocks: int) -> TooFewSamples:
    return TooFewSamples(
        what=f"{what} in current that the reference's {n_blocks} sessions or blocks match in number and length",
        needed=needed,
        got=got,
    )


def _level(sizes: _Ints) -> _Ints:
    """0 for one text, 1 for two, 2 for 3-4, 3 for 5-8, ..."""
    return np.ceil(np.log2(np.maximum(sizes, 1))).astype(np.int64)


def _sample(sizes: _Ints, order: _Ints, *, n_texts: float, n_blocks: int) -> _Ints:
    """The blocks that fit, tried in the given order."""
    chosen: list[int] = []
    total = 0
    for block in order:
        if len(chosen) < n_blocks and total + sizes[block] <= n_texts:
            chosen.append(block)
            total += int(sizes[block])
    return np.asarray(chosen, dtype=np.int64)


def _match(sizes: _Ints, window_sizes: _Ints, *, per_block: float) -> tuple[_Ints, NDArray[np.bool_]]:
    """Make every level of the window rich in reference blocks, at the least cost in texts, a step at a time.

    (s,), (t,) block sizes, the window's in random order -> the most texts that a block of each level keeps, (levels,), and which of the
    window's blocks stay, (t,). The steps: thin the level to the next smaller one that the reference has, thin the next larger one to it,
    or leave out the window's blocks that are too many.
    """
    levels, window_levels = _level(sizes), _level(window_sizes)
    limits = 2 ** np.arange(max(levels.max(), window_levels.max()) + 1)
    is_kept = np.ones(len(window_sizes), dtype=np.bool_)
    while True:
        now, window_now = _level(limits)[levels], _level(limits)[window_levels]
        n_blocks = np.bincount(now, minlength=len(limits))
        n_window = np.bincount(window_now[is_kept], minlength=len(limits))
        poor = np.flatnonzero(n_blocks < per_block * n_window)
        if not len(poor):
            return limits, is_kept
        level = int(poor[-1])
        excess = np.flatnonzero(is_kept & (window_now == level))[int(n_blocks[level] / per_block) :]
        options = [(limits, is_kept & ~np.isin(np.arange(len(is_kept)), excess))]
        smaller = np.flatnonzero(n_blocks[:level])
        if len(smaller):
            options.append((np.where(limits == 2**level, 2 ** smaller[-1], limits), is_kept))
        larger = np.flatnonzero(n_blocks[level + 1 :]) + level + 1
        if len(larger):
            options.append((np.where(limits == 2 ** larger[0], 2**level, limits), is_kept))
        shares = [
            np.minimum(sizes, limit[levels]).sum() / sizes.sum()
            + (np.minimum(window_sizes, limit[window_levels]) * kept).sum() / window_sizes.sum()
            for limit, kept in options
        ]
        limits, is_kept = options[int(np.argmax(shares))]


def _thin(blocks: _Ints, most: _Ints, rng: np.random.Generator) -> _Ints:
    """Row numbers, ascending, of at most most[b] random texts of each block b. blocks: (n,); most: (s,)."""
    order = np.lexsort((rng.random(len(blocks)), blocks))
    sizes = np.bincount(blocks)
    place = np.arange(len(blocks)) - np.repeat(sizes.cumsum() - sizes, sizes)
    return np.sort(order[place < most[blocks[order]]])
