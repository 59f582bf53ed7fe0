"""Distance to the nearest reference texts."""

import torch
from torch import Tensor

from driftline_analyzers.outliers.neighbour_detector import NeighbourDetector
from driftline_analyzers.outliers.neighbours import NeighbourGraph, Neighbours
from driftline_analyzers.outliers.result import OutlierResult
from driftline_core.errors import ConfigError

__all__ = ["KnnOutliers", "OutlierResult"]


class KnnOutliers(NeighbourDetector):
    """Mean Euclidean distance to the k nearest reference texts. The distances are of use without any p-value, so few texts will do."""

    name = "knn"

    def __init__(
        self,
        *,
        k: int = 5,
        fdr: float = 0.1,
        min_samples: int = 20,
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

    @property
    def _n_evidence(self) -> int:
        return self.k

    def _prepare(self, graph: NeighbourGraph) -> None:
        """Distances to the reference are all it needs."""

    def _measure(self, near: Neighbours, *, without: Tensor | None) -> tuple[Tensor, ...]:
        return (near.distances.mean(1),)
