"""Reference and window as one pool of blocks, and windows redrawn from it as the drift tests redraw them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.vectors import Groups
from driftline_core.errors import InputError

_CELLS_PER_BATCH = 4_000_000
_ONE_EACH = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Texts of one side: texts[i], vectors[i] (n, d) unit length and groups[i] belong together. groups: sessions, users or
    time blocks, whose texts are not independent; None: every text is a block of its own.
    """

    texts: Sequence[str]
    vectors: NDArray[np.floating]
    groups: Groups | None = None

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.texts):
            raise InputError(f"expected {len(self.texts)} vectors of one length, got shape {self.vectors.shape}")
        if self.groups is not None and len(self.groups) != len(self.texts):
            raise InputError(f"expected one group for each of {len(self.texts)} texts, got {len(self.groups)}")

    def select(self, rows: NDArray[np.int64]) -> "Sample":
        """The texts of these numbers, in this order."""
        groups = None if self.groups is None else np.asarray(self.groups)[rows]
        return Sample(texts=[self.texts[int(i)] for i in rows], vectors=self.vectors[rows], groups=groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Blocks of both sides. blocks: (n,) block number of each text, reference first; n_reference: texts of the reference;
    block_sizes, block_is_current, strata: (s,), blocks of one stratum have like sizes and may stand for one another.
    """

    blocks: NDArray[np.int64]
    n_reference: int
    block_sizes: NDArray[np.int64]
    block_is_current: NDArray[np.bool_]
    strata: NDArray[np.int64]

    @property
    def is_current(self) -> NDArray[np.bool_]:
        """(n,) of each text: from the window."""
        return np.arange(len(self.blocks)) >= self.n_reference

    def profile(self, labels: NDArray[np.int64], n_labels: int) -> NDArray[np.int64]:
        """Texts of each label in each block: labels (n,) -> (s, n_labels)."""
        cells = self.blocks * n_labels + labels
        return np.bincount(cells, minlength=len(self.block_sizes) * n_labels).reshape(-1, n_labels)

    def redraw(self, profile: NDArray[np.int64], *, n_draws: int, seed: int) -> NDArray[np.int64]:
        """Label counts of windows redrawn from the pool: whole blocks, as many of each stratum as the window has.

        profile: (s, k) from `profile`. Returns (n_draws, k); a window's texts are its row's sum when labels partition them.
        """
        rng = np.random.default_rng(seed)
        counts = np.zeros((n_draws, profile.shape[1]), dtype=np.int64)
        for stratum in np.unique(self.strata):
            members = np.flatnonzero(self.strata == stratum)
            n_drawn = int(self.block_is_current[members].sum())
            if n_drawn == 0:
                continue
            if (self.block_sizes[members] == _ONE_EACH).all() and (profile[members].sum(1) == _ONE_EACH).all():
                colours = profile[members].sum(0)
                counts += rng.multivariate_hypergeometric(colours, n_drawn, size=n_draws, method="marginals")
            else:
                counts += _draw_blocks(profile[members], n_drawn, n_draws=n_draws, rng=rng)
        return counts


def pool_groups(reference: Groups | None, current: Groups | None, *, n_reference: int, n_current: int) -> Pool:
    """Number the blocks of both sides. A group name that occurs on both sides is two blocks: the window's and the reference's."""
    before, after = _numbers(reference, n_reference), _numbers(current, n_current)
    n_before = int(before.max()) + 1 if len(before) else 0
    blocks = np.concatenate([before, after + n_before])
    sizes = np.bincount(blocks) if len(blocks) else np.zeros(0, dtype=np.int64)
    is_current = np.arange(len(sizes)) >= n_before
    return Pool(
        blocks=blocks,
        n_reference=n_reference,
        block_sizes=sizes,
        block_is_current=is_current,
        strata=_strata(sizes, is_current),
    )


def pool_samples(reference: Sample, current: Sample) -> Pool:
    """The pool of two samples' groups."""
    return pool_groups(reference.groups, current.groups, n_reference=len(reference.texts), n_current=len(current.texts))


def _numbers(groups: Groups | None, n_rows: int) -> NDArray[np.int64]:
    if groups is None:
        return np.arange(n_rows, dtype=np.int64)
    if len(groups) != n_rows:
        raise InputError(f"expected one group for each of {n_rows} texts, got {len(groups)}")
    return np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64).reshape(-1)


def _strata(sizes: NDArray[np.int64], is_current: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Size classes 1, 2, 3-4, 5-8, 9-16, 17+; one with fewer blocks in the reference than in the window joins its neighbour below."""
    strata = np.minimum(np.ceil(np.log2(np.maximum(sizes, 1))), 5).astype(np.int64)
    present = sorted({int(stratum) for stratum in strata})
    for i in range(len(present) - 1, 0, -1):
        members = strata == present[i]
        if (members & ~is_current).sum() < (members & is_current).sum():
            strata[members] = present[i - 1]
    if len(present) > 1:
        members = strata == present[0]
        if (members & ~is_current).sum() < (members & is_current).sum() and not members.all():
            strata[members] = min(int(stratum) for stratum in strata[~members])
    return strata


def _draw_blocks(
    profile: NDArray[np.int64], n_drawn: int, *, n_draws: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Sums of n_drawn of these rows without replacement: (s, k) -> (n_draws, k)."""
    if n_drawn == len(profile):
        return np.broadcast_to(profile.sum(0), (n_draws, profile.shape[1]))
    values = profile.astype(np.float32)
    step = max(1, _CELLS_PER_BATCH // len(profile))
    parts = []
    for start in range(0, n_draws, step):
        keys = rng.random((min(step, n_draws - start), len(profile)), dtype=np.float32)
        chosen = np.argpartition(keys, n_drawn - 1, axis=1)[:, :n_drawn]
        window = np.zeros(keys.shape, dtype=np.float32)
        np.put_along_axis(window, chosen, 1.0, axis=1)
        parts.append(np.rint(window @ values).astype(np.int64))
    return np.concatenate(parts)
