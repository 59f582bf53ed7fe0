"""How far a window's texts lie from all other texts: sees diffuse novelty that no mean difference shows."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from driftline_analyzers.drift.geometry import Geometry, pooled_geometry
from driftline_analyzers.drift.statistics.neighbours_in_window import over_windows
from driftline_analyzers.drift.statistics.window_rows import WindowRows

_TIE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class KnnNovelty:
    """Mean of -2 ln p over the window's texts (Fisher), p the conformal rank of a text's mean distance to its k nearest texts.

    Neighbours are texts outside its block and outside the window; the rank is among the same distances of all texts with nobody's window
    left out. n_neighbours: length of the lists; where fewer than k of them are outside the window, the farthest stands in for the rest.
    """

    name: ClassVar[str] = "knn_novelty"
    has_sums: ClassVar[bool] = False
    k: int = 5
    n_neighbours: int = 24

    def prepare(self, pooled: Tensor, blocks: Tensor) -> "PreparedKnnNovelty":
        """See `Statistic.prepare`."""
        return self.prepare_geometry(pooled_geometry(pooled, blocks, n_neighbours=self.n_neighbours, has_sums=False))

    def prepare_geometry(self, geometry: Geometry) -> "PreparedKnnNovelty":
        """See `PairwiseStatistic.prepare_geometry`."""
        distances = geometry.distances[..., : self.n_neighbours]
        is_there = distances.isfinite()
        farthest = distances.masked_fill(~is_there, 0).amax(-1)  # (..., n)
        filled = torch.where(is_there, distances, farthest[..., None])
        is_real = is_there[..., 0]  # (..., n); False for padding
        scores = filled[..., : self.k].mean(-1)
        ranked = scores.masked_fill(~is_real, torch.inf).sort(-1).values
        n_real = is_real.sum(-1, keepdim=True)  # (..., 1)
        places = torch.arange(ranked.shape[-1] + 1, device=ranked.device)
        p_values = (1 + n_real - places).clamp_min(1).double() / (1 + n_real)  # (..., n + 1)
        return PreparedKnnNovelty(
            k=self.k,
            blocks=geometry.blocks,
            neighbours=geometry.neighbours[..., : self.n_neighbours],
            distances=filled,
            farthest=farthest,
            ranked=ranked,
            weights=self._weights(p_values),
        )

    def _weights(self, p_values: Tensor) -> Tensor:
        """What a text of that p-value adds; 0 for p = 1."""
        return -2 * p_values.log()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnnTail(KnnNovelty):
    """The share of the window's texts with p <= most, p as in `KnnNovelty`: sees a few texts unlike anything else."""

    name: ClassVar[str] = "knn_tail"
    most: float = 0.02

    def _weights(self, p_values: Tensor) -> Tensor:
        return (p_values <= self.most).double()


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedKnnNovelty:
    """Waits for splits. ranked: (..., n) scores of all texts, ascending; weights: (..., n + 1) by rank, 0 at rank 0."""

    k: int
    blocks: Tensor
    neighbours: Tensor
    distances: Tensor
    farthest: Tensor
    ranked: Tensor
    weights: Tensor

    def of_splits(self, is_current: Tensor) -> Tensor:
        """(..., s, p) bool -> (..., p) float64."""
        return over_windows(self.blocks, self.neighbours, is_current, self._of_windows)

    def _of_windows(self, windows: WindowRows, in_window: Tensor) -> Tensor:
        distances = self.distances.flatten(0, -2)[windows.rows]  # (t, k')
        is_outside = ~in_window
        is_counted = is_outside & (is_outside.cumsum(1, dtype=torch.int16) <= self.k)
        n_missing = self.k - is_counted.sum(1)
        total = (distances * is_counted).sum(1) + n_missing * self.farthest.flatten()[windows.rows]
        scores = windows.padded(total / self.k, fill=0.0).reshape(windows.n_samples, -1)  # (l, p longest)
        ranks = torch.searchsorted(self.ranked.reshape(windows.n_samples, -1), scores * (1 - _TIE))
        weights = self.weights.reshape(windows.n_samples, -1).gather(1, ranks)
        return weights.reshape(len(windows.counts), -1).sum(1) / windows.counts  # padding has rank 0: p = 1
