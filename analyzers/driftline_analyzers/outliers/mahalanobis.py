"""Distances in units of the reference's own spread."""

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.covariance import ledoit_wolf

from driftline_analyzers.outliers.detector import MIN_REFERENCE
from driftline_analyzers.outliers.folds import FoldedDetector, Scorer
from driftline_core.errors import ConfigError

_TEXTS_PER_CLASS = 20


class MahalanobisOutliers(FoldedDetector):
    """Squared Mahalanobis distance to the reference's mean; the covariance is shrunk (Ledoit & Wolf 2004)."""

    name = "mahalanobis"

    def _fit_model(self, vectors: NDArray[np.float32]) -> Scorer:
        return _background(vectors)


class RelativeMahalanobisOutliers(FoldedDetector):
    """Squared distance to the nearest class mean under the shared within-class covariance, less that to the overall mean.

    The classes are k-means clusters, at most max_classes and 20 texts each, so no label is needed. Ren et al. 2021.
    """

    name = "relative_mahalanobis"

    def __init__(
        self,
        *,
        max_classes: int = 150,
        n_folds: int = 5,
        fdr: float = 0.1,
        min_samples: int = MIN_REFERENCE,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
    ) -> None:
        super().__init__(n_folds=n_folds, fdr=fdr, min_samples=min_samples, device=device, dtype=dtype, seed=seed)
        self.max_classes = max_classes

    def _check(self) -> None:
        super()._check()
        if self.max_classes < 1:
            raise ConfigError(f"expected max_classes >= 1, got max_classes={self.max_classes}")

    def _fit_model(self, vectors: NDArray[np.float32]) -> Scorer:
        n_classes = max(1, min(self.max_classes, len(vectors) // _TEXTS_PER_CLASS))
        classes = KMeans(n_clusters=n_classes, init="random", n_init=1, max_iter=20, random_state=self.seed).fit(
            vectors
        )
        whiten = _whitening(vectors - classes.cluster_centers_[classes.labels_], is_centred=True)
        centres = classes.cluster_centers_ @ whiten  # (c, d)
        background = _background(vectors)

        def relative(new: NDArray[np.float32]) -> NDArray[np.float64]:
            x = new @ whiten
            squared = (x**2).sum(1)[:, None] - 2 * x @ centres.T + (centres**2).sum(1)  # (n, c)
            return np.asarray(squared.min(1) - background(new), dtype=np.float64)

        return relative


def _background(vectors: NDArray[np.float32]) -> Scorer:
    whiten = _whitening(vectors, is_centred=False)
    centre = vectors.mean(0) @ whiten

    def distance(new: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(((new @ whiten - centre) ** 2).sum(1), dtype=np.float64)

    return distance


def _whitening(vectors: NDArray[np.float32], *, is_centred: bool) -> NDArray[np.float64]:
    """W of (d, d) with |x W|^2 = x' S^-1 x, S the shrunk covariance of (n, d)."""
    covariance, _ = ledoit_wolf(vectors.astype(np.float64), assume_centered=is_centred)
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)).T)
