"""Distance to the nearest reference texts, less what is usual around them. The default."""

import torch
from torch import Tensor

from driftline_analyzers.outliers.detector import MIN_REFERENCE
from driftline_analyzers.outliers.neighbour_detector import NeighbourDetector
from driftline_analyzers.outliers.neighbours import NeighbourGraph, Neighbours, RowStatistic
from driftline_core.errors import ConfigError


class LocalKnnOutliers(NeighbourDetector):
    """score = mean distance to the k nearest - weight * mean over the n_around nearest of their own mean distance to n_around neighbours.

    A distance that is nothing in a loose corner of the traffic is much in a dense one; LOF divides by that, this subtracts half of it,
    which is calmer where the reference is thin. weight 0 is kNN. The subtraction is CSLS's (Conneau et al. 2018, section 2.3).
    """

    name = "local_knn"

    def __init__(
        self,
        *,
        k: int = 5,
        n_around: int = 10,
        weight: float = 0.5,
        fdr: float = 0.1,
        min_samples: int = MIN_REFERENCE,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
    ) -> None:
        super().__init__(fdr=fdr, min_samples=min_samples, device=device, dtype=dtype, seed=seed)
        self.k = k
        self.n_around = n_around
        self.weight = weight

    def _check(self) -> None:
        super()._check()
        if self.k < 1 or self.n_around < 1 or not 0 <= self.weight <= 1:
            raise ConfigError(
                f"expected k >= 1, n_around >= 1 and weight from 0 to 1, got k={self.k}, n_around={self.n_around}, "
                f"weight={self.weight}"
            )

    @property
    def _n_near(self) -> int:
        return max(self.k, self.n_around)

    def _prepare(self, graph: NeighbourGraph) -> None:
        self._around = RowStatistic(graph, k=self.n_around, value=lambda distances: distances.mean(-1))

    def _measure(self, near: Neighbours, *, without: Tensor | None) -> tuple[Tensor, ...]:
        usual = self._around.at(near.rows[:, : self.n_around], without=without).mean(1)  # (c,)
        return (near.distances[:, : self.k].mean(1) - self.weight * usual,)
