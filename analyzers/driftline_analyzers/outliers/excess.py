"""Are there more outliers in a window than its reference leads one to expect? A test over whole sessions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline_analyzers.vectors import Groups, as_groups
from driftline_core.errors import ConfigError, InputError, TooFewSamples

TAILS = (0.05, 0.01)
_SIZES = (1, 2, 4, 8, 16)
"""Upper ends of the strata of block sizes; the last one has all that are larger."""
_POOR = 4
"""A stratum with fewer reference blocks for each of the window's is merged with its neighbour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlierExcess:
    """shares: of the window's texts with p at most the level, by level; expected: the same over the reference and the window together.

    p_value: (1 + redrawn windows with as large an excess) / (1 + n_draws), never 0. effect_size: the larger z of the levels,
    (share - mean) / standard deviation over the redrawn windows. n_texts, n_blocks: of the window, repeats inside a block counted once;
    n_tested: texts that were compared, fewer where the reference is not reference_ratio windows large.
    """

    p_value: float
    effect_size: float
    shares: Mapping[float, float]
    expected: Mapping[float, float]
    n_texts: int
    n_blocks: int
    n_tested: int
    n_draws: int


def outlier_excess(
    p_values: ArrayLike,
    reference_p_values: ArrayLike,
    *,
    groups: Groups | None = None,
    reference_groups: Groups | None = None,
    is_repeat: ArrayLike | None = None,
    levels: Sequence[float] = TAILS,
    reference_ratio: float = 8.0,
    n_draws: int = 9_999,
    seed: int = 0,
) -> OutlierExcess:
    """One-sided permutation test of the tail share, over blocks. p_values: (n,) of a window, reference_p_values: (r,), both of one detector
    (`OutlierResult.p_values`, `OutlierDetector.reference_p_values`, `.reference_groups`); groups: (n,) sessions; is_repeat: (n,) texts said
    before in their group.

    Windows of as many blocks of like sizes are redrawn from reference and window together; the statistic is the larger z of the levels.
    A session is one block: twenty attacks of one person are one piece of evidence. The rate of false alarms is a mean over references; one
    frozen reference strays by sqrt(n / r), so of a window larger than r / reference_ratio whole blocks, drawn under the seed, are tested.
    Raises TooFewSamples on an empty side; InputError on lengths that differ or p-values outside (0, 1]; ConfigError.
    """
    if n_draws < 1 or reference_ratio <= 0 or not levels or not all(0 < level < 1 for level in levels):
        raise ConfigError(
            f"expected n_draws >= 1, reference_ratio > 0 and levels between 0 and 1, got n_draws={n_draws}, "
            f"reference_ratio={reference_ratio}, levels={list(levels)}"
        )
    window = _blocks(p_values, groups, is_repeat, levels, side="current")
    reference = _blocks(reference_p_values, reference_groups, None, levels, side="the reference")
    rng = np.random.default_rng(seed)
    tested = _sample(window, n_texts=reference[:, 0].sum() / reference_ratio, rng=rng)
    drawn = np.zeros((n_draws, 1 + len(levels)))
    for in_window, in_reference in _strata(tested, reference):
        kinds, of_block = np.unique(np.concatenate([in_window, in_reference]), axis=0, return_inverse=True)
        available = np.bincount(of_block.ravel(), minlength=len(kinds))
        counts = rng.multivariate_hypergeometric(available, len(in_window), size=n_draws, method="marginals")
        drawn += counts @ kinds
    null = drawn[:, 1:] / drawn[:, :1]  # (n_draws, levels)
    total = window.sum(0)
    shares = total[1:] / total[0]
    mean, spread = null.mean(0), null.std(0)
    spread[spread == 0] = 1.0
    n_tested = int(tested[:, 0].sum())
    observed = float(((tested[:, 1:].sum(0) / n_tested - mean) / spread).max())
    redrawn = ((null - mean) / spread).max(1)
    pooled = total + reference.sum(0)
    return OutlierExcess(
        p_value=(1 + int((redrawn >= observed - 1e-9).sum())) / (1 + n_draws),
        effect_size=observed,
        shares=dict(zip(levels, shares.tolist(), strict=True)),
        expected=dict(zip(levels, (pooled[1:] / pooled[0]).tolist(), strict=True)),
        n_texts=int(total[0]),
        n_blocks=len(window),
        n_tested=n_tested,
        n_draws=n_draws,
    )


def _blocks(
    p_values: ArrayLike, groups: Groups | None, is_repeat: ArrayLike | None, levels: Sequence[float], *, side: str
) -> NDArray[np.int64]:
    """(s, 1 + levels): texts of each block, and how many of them are in each tail."""
    p = np.asarray(p_values, dtype=np.float64)
    if len(p) == 0:
        raise TooFewSamples(what=f"p-values in {side}", needed=1, got=0)
    if not ((p > 0) & (p <= 1)).all():
        raise InputError(f"expected p-values above 0 and at most 1 in {side}, got {p.min():g} to {p.max():g}")
    numbers = as_groups(groups, n_rows=len(p)).numpy()
    if is_repeat is not None:
        keep = ~np.asarray(is_repeat, dtype=bool)
        if len(keep) != len(p):
            raise InputError(f"expected one is_repeat for each of {len(p)} rows, got {len(keep)}")
        p, numbers = p[keep], as_groups(numbers[keep], n_rows=int(keep.sum())).numpy()
    columns = [np.bincount(numbers)] + [np.bincount(numbers, weights=p <= level) for level in levels]
    return np.stack(columns, axis=1).astype(np.int64)


def _sample(blocks: NDArray[np.int64], *, n_texts: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Whole blocks with at most n_texts texts together, one at least."""
    if blocks[:, 0].sum() <= n_texts:
        return blocks
    order = rng.permutation(len(blocks))
    n_kept = int((blocks[order, 0].cumsum() <= n_texts).sum())
    return blocks[order[: max(1, n_kept)]]


def _strata(
    window: NDArray[np.int64], reference: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Blocks of like sizes of both sides; from the largest down, a stratum with too few reference blocks takes in the next smaller one."""
    sizes = np.searchsorted(_SIZES, window[:, 0]), np.searchsorted(_SIZES, reference[:, 0])
    strata: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    pending = window[:0], reference[:0]
    for size in range(len(_SIZES), -1, -1):
        pending = (
            np.concatenate([pending[0], window[sizes[0] == size]]),
            np.concatenate([pending[1], reference[sizes[1] == size]]),
        )
        if len(pending[1]) >= _POOR * len(pending[0]):
            if len(pending[0]):
                strata.append(pending)
            pending = window[:0], reference[:0]
    if len(pending[0]):  # nothing smaller is left: join the next larger ones
        last = strata.pop() if strata else (window[:0], reference[:0])
        strata.append((np.concatenate([last[0], pending[0]]), np.concatenate([last[1], pending[1]])))
    return strata
