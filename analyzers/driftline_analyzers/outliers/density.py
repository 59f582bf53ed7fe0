"""Distance to the reference's dense clusters, its stragglers left out."""

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN

from driftline_analyzers.outliers.detector import MIN_REFERENCE
from driftline_analyzers.outliers.folds import FoldedDetector, Scorer
from driftline_analyzers.outliers.neighbours import nearest
from driftline_core.errors import ConfigError


class DensityClusterOutliers(FoldedDetector):
    """Distance to the nearest text that HDBSCAN puts into a cluster (Campello et al. 2015); to any text where it finds no cluster.

    The clustering's time is square in the texts: it sees an even sample of at most max_texts.
    """

    name = "density_clusters"

    def __init__(
        self,
        *,
        min_cluster_size: int = 5,
        max_texts: int = 4000,
        n_folds: int = 5,
        fdr: float = 0.1,
        min_samples: int = MIN_REFERENCE,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
    ) -> None:
        super().__init__(n_folds=n_folds, fdr=fdr, min_samples=min_samples, device=device, dtype=dtype, seed=seed)
        self.min_cluster_size = min_cluster_size
        self.max_texts = max_texts

    def _check(self) -> None:
        super()._check()
        if self.min_cluster_size < 2 or self.max_texts < self.min_cluster_size:
            raise ConfigError(
                f"expected min_cluster_size >= 2 and max_texts at least that, got min_cluster_size={self.min_cluster_size}, "
                f"max_texts={self.max_texts}"
            )

    def _fit_model(self, vectors: NDArray[np.float32]) -> Scorer:
        if len(vectors) > self.max_texts:
            vectors = vectors[np.linspace(0, len(vectors) - 1, self.max_texts).round().astype(np.int64)]
        labels = HDBSCAN(min_cluster_size=self.min_cluster_size, algorithm="brute", copy=True).fit(vectors).labels_
        core = torch.from_numpy(vectors[labels >= 0] if (labels >= 0).any() else vectors)

        def distance(new: NDArray[np.float32]) -> NDArray[np.float64]:
            return nearest(torch.from_numpy(new), core, k=1).distances[:, 0].double().numpy()

        return distance
