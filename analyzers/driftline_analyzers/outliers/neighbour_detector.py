"""Detectors that look at neighbours: calibrated exactly, by leaving each reference text's own session out."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from driftline_analyzers.outliers.detector import OutlierDetector, count_below
from driftline_analyzers.outliers.duplicates import DistinctRows
from driftline_analyzers.outliers.neighbours import NeighbourGraph, Neighbours, blocks_of_rows, nearest
from driftline_core.errors import TooFewSamples


class NeighbourDetector(OutlierDetector):
    """A score made of distances to, and around, the nearest reference texts.

    Calibration: each reference text is scored against the reference without its group, as a new text has none of its session there.
    A detector of several parts adds them up by `weights`, each in units of its standard deviation over the reference.
    """

    weights: ClassVar[tuple[float, ...]] = (1.0,)

    def _fit(self, rows: DistinctRows) -> NDArray[np.float64]:
        sizes = torch.unique(rows.owners, return_counts=True)[1].sort(descending=True).values
        outside = len(rows.vectors) - int(sizes[:2].sum())
        if outside < self._n_near:
            raise TooFewSamples(what="reference texts outside the two largest groups", needed=self._n_near, got=outside)
        graph = NeighbourGraph(rows.vectors, rows.owners, k=self._n_near)
        self._prepare(graph)
        self._cells_per_row = 2 * self._n_near * max(self._n_near**2, graph.near.rows.shape[1])
        near = nearest(
            rows.vectors[rows.texts],
            rows.vectors,
            k=self._n_near,
            query_groups=rows.groups,
            reference_groups=rows.owners,
        )
        parts = self._parts(near, without=rows.groups)
        self._centre, self._spread = parts.mean(0), parts.std(0, correction=0)
        scores = self._add_up(parts)
        self._ordered = np.sort(scores)
        return scores

    def _score(self, vectors: Tensor) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        scores = self._add_up(self._parts(nearest(vectors, self._rows.vectors, k=self._n_near), without=None))
        return scores, len(self._ordered) - count_below(self._ordered, scores)

    def _parts(self, near: Neighbours, *, without: Tensor | None) -> Tensor:
        """(n, k) -> (n, s) float64, in blocks: looking two steps away makes k^3 numbers of a text."""
        parts = [
            torch.stack(self._measure(near.block(block), without=None if without is None else without[block]), dim=1)
            for block in blocks_of_rows(len(near.rows), cells_per_row=self._cells_per_row)
        ]
        return torch.cat(parts).double()

    def _add_up(self, parts: Tensor) -> NDArray[np.float64]:
        if len(self.weights) == 1:
            return parts[:, 0].cpu().numpy()
        weights = torch.tensor(self.weights, dtype=parts.dtype, device=parts.device)
        spread = torch.where(self._spread > 0, self._spread, 1.0)
        return ((parts - self._centre) / spread @ weights).cpu().numpy()

    @property
    @abstractmethod
    def _n_near(self) -> int:
        """Neighbours that the score looks at."""

    @abstractmethod
    def _prepare(self, graph: NeighbourGraph) -> None:
        """Keep what is needed of the reference itself."""

    @abstractmethod
    def _measure(self, near: Neighbours, *, without: Tensor | None) -> tuple[Tensor, ...]:
        """near: (c, k) neighbours outside the groups without: (c,) -> the parts, (c,) each."""
