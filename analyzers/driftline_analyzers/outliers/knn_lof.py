"""kNN distance and local outlier factor together."""

import torch
from torch import Tensor

from driftline_analyzers.outliers.detector import MIN_REFERENCE
from driftline_analyzers.outliers.lof import LocalReachability
from driftline_analyzers.outliers.neighbour_detector import NeighbourDetector
from driftline_analyzers.outliers.neighbours import NeighbourGraph, Neighbours
from driftline_core.errors import ConfigError


class KnnLofOutliers(NeighbourDetector):
    """score = z(mean distance to the k nearest) + 0.5 z(log LOF), z over the reference's own leave-one-group-out scores."""

    name = "knn_lof"
    weights = (1.0, 0.5)

    def __init__(
        self,
        *,
        k: int = 5,
        lof_k: int = 20,
        fdr: float = 0.1,
        min_samples: int = MIN_REFERENCE,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
    ) -> None:
        super().__init__(fdr=fdr, min_samples=min_samples, device=device, dtype=dtype, seed=seed)
        self.k = k
        self.lof_k = lof_k

    def _check(self) -> None:
        super()._check()
        if self.k < 1 or self.lof_k < 1:
            raise ConfigError(f"expected k >= 1 and lof_k >= 1, got k={self.k}, lof_k={self.lof_k}")

    @property
    def _n_near(self) -> int:
        return max(self.k, self.lof_k)

    def _prepare(self, graph: NeighbourGraph) -> None:
        self._reachability = LocalReachability(graph, k=self.lof_k)

    def _measure(self, near: Neighbours, *, without: Tensor | None) -> tuple[Tensor, ...]:
        return near.distances[:, : self.k].mean(1), self._reachability.factors(near, without=without).log()
