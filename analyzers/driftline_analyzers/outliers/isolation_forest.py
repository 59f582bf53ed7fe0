"""How few random cuts set a text apart. Liu, Ting & Zhou 2008."""

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from driftline_analyzers.outliers.detector import MIN_REFERENCE
from driftline_analyzers.outliers.folds import FoldedDetector, Scorer
from driftline_core.errors import ConfigError


class IsolationForestOutliers(FoldedDetector):
    """Isolation forest. Cuts along single axes say little about sentence embeddings; it is here for numbers and for comparison."""

    name = "isolation_forest"

    def __init__(
        self,
        *,
        n_trees: int = 100,
        n_folds: int = 5,
        fdr: float = 0.1,
        min_samples: int = MIN_REFERENCE,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
    ) -> None:
        super().__init__(n_folds=n_folds, fdr=fdr, min_samples=min_samples, device=device, dtype=dtype, seed=seed)
        self.n_trees = n_trees

    def _check(self) -> None:
        super()._check()
        if self.n_trees < 1:
            raise ConfigError(f"expected n_trees >= 1, got n_trees={self.n_trees}")

    def _fit_model(self, vectors: NDArray[np.float32]) -> Scorer:
        forest = IsolationForest(n_estimators=self.n_trees, random_state=self.seed).fit(vectors)

        def strangeness(new: NDArray[np.float32]) -> NDArray[np.float64]:
            return -np.asarray(forest.score_samples(new), dtype=np.float64)

        return strangeness
