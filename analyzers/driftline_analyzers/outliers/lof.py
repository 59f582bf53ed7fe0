"""Local outlier factor: how much thinner the reference is around a text than around its neighbours. Breunig et al. 2000."""

import torch
from torch import Tensor

from driftline_analyzers.outliers.detector import MIN_REFERENCE
from driftline_analyzers.outliers.neighbour_detector import NeighbourDetector
from driftline_analyzers.outliers.neighbours import NeighbourGraph, Neighbours, RowStatistic
from driftline_core.errors import ConfigError

_TINY = 1e-10
"""scikit-learn's guard against a division by 0."""


class LocalReachability:
    """Densities of the reference for LOF of new texts: as scikit-learn's LocalOutlierFactor(novelty=True) where each text is its own group.

    With groups, a reference text's neighbourhood has none of its own session.
    """

    def __init__(self, graph: NeighbourGraph, *, k: int) -> None:
        self.k = k
        self._graph = graph
        self._k_distances = RowStatistic(graph, k=k, value=lambda distances: distances[..., -1])
        first = Neighbours(distances=graph.near.distances[:, :k], rows=graph.near.rows[:, :k])
        self._densities = self._density(first.distances, self._k_distances.at(first.rows, without=None))  # (u,)

    def factors(self, near: Neighbours, *, without: Tensor | None) -> Tensor:
        """LOF_k(x) = mean_j lrd(j) / lrd(x) over the k nearest j. near: (c, >= k); without: (c,) -> (c,)."""
        distances, rows = near.distances[:, : self.k], near.rows[:, : self.k]
        density = self._density(distances, self._k_distances.at(rows, without=without))
        if without is None:
            around = self._densities[rows]
        else:
            lists = self._graph.lists(rows, k=self.k, without=without[:, None])  # (c, k, 1, k)
            second = lists.rows[:, :, 0]
            around = self._density(lists.distances[:, :, 0], self._k_distances.at(second, without=without))
        return around.mean(1) / density

    @staticmethod
    def _density(distances: Tensor, k_distances: Tensor) -> Tensor:
        """lrd(x) = 1 / mean_j max(k-distance(j), |x - j|): (..., k), (..., k) -> (...)."""
        return 1 / (torch.maximum(distances, k_distances).mean(-1) + _TINY)


class LofOutliers(NeighbourDetector):
    """Local outlier factor of k neighbours."""

    name = "lof"

    def __init__(
        self,
        *,
        k: int = 20,
        fdr: float = 0.1,
        min_samples: int = MIN_REFERENCE,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
    ) -> None:
        super().__init__(fdr=fdr, min_samples=min_samples, device=device, dtype=dtype, seed=seed)
        self.k = k

    def _check(self) -> None:
        super()._check()
        if self.k < 1:
            raise ConfigError(f"expected k >= 1, got k={self.k}")

    @property
    def _n_near(self) -> int:
        return self.k

    def _prepare(self, graph: NeighbourGraph) -> None:
        self._reachability = LocalReachability(graph, k=self.k)

    def _measure(self, near: Neighbours, *, without: Tensor | None) -> tuple[Tensor, ...]:
        return (self._reachability.factors(near, without=without),)
