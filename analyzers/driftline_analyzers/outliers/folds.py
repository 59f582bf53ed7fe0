"""Detectors that fit a model: calibrated by cross-fitting, whole groups at a time."""

from abc import abstractmethod
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from driftline_analyzers.outliers.detector import MIN_REFERENCE, OutlierDetector, count_below
from driftline_analyzers.outliers.duplicates import DistinctRows
from driftline_core.errors import ConfigError, TooFewSamples

Scorer = Callable[[NDArray[np.float32]], NDArray[np.float64]]
"""(n, d) -> (n,), larger is stranger."""


class FoldedDetector(OutlierDetector):
    """A model for each fold of groups, fitted on the others; a new text's score is the mean over the models.

    Cross-conformal p (Vovk 2015): p_i = (1 + sum_f #{j in fold f: s_f(j) >= s_f(i)}) / (1 + m), s_f the model fitted without fold f.
    Where the folds' models differ much (k-means, random trees) the average rank errs to larger p-values.
    """

    def __init__(
        self,
        *,
        n_folds: int = 5,
        fdr: float = 0.1,
        min_samples: int = MIN_REFERENCE,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
    ) -> None:
        super().__init__(fdr=fdr, min_samples=min_samples, device=device, dtype=dtype, seed=seed)
        self.n_folds = n_folds

    def _check(self) -> None:
        super()._check()
        if self.n_folds < 2:
            raise ConfigError(f"expected n_folds >= 2, got n_folds={self.n_folds}")

    def _fit(self, rows: DistinctRows) -> NDArray[np.float64]:
        vectors = rows.vectors[rows.texts].cpu().numpy().astype(np.float32)  # (r, d)
        folds = group_folds(rows.groups.cpu().numpy(), n_folds=self.n_folds, seed=self.seed)  # (r,)
        scores = np.empty(len(vectors))
        self._models: list[tuple[Scorer, NDArray[np.float64]]] = []
        for fold in range(self.n_folds):
            model = self._fit_model(vectors[folds != fold])
            scores[folds == fold] = model(vectors[folds == fold])
            self._models.append((model, np.sort(scores[folds == fold])))
        return scores

    def _score(self, vectors: Tensor) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        new = vectors.cpu().numpy().astype(np.float32)
        scores = np.zeros(len(new))
        n_reaching = np.zeros(len(new), dtype=np.int64)
        for model, ordered in self._models:
            of_fold = model(new)
            scores += of_fold / self.n_folds
            n_reaching += len(ordered) - count_below(ordered, of_fold)
        return scores, n_reaching

    @abstractmethod
    def _fit_model(self, vectors: NDArray[np.float32]) -> Scorer:
        """Fit on (n, d)."""


def group_folds(groups: NDArray[np.int64], *, n_folds: int, seed: int) -> NDArray[np.int64]:
    """(r,) group numbers -> (r,) fold of each, whole groups, of about equal size. Raises TooFewSamples: a fold needs a group."""
    names, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < 2 * n_folds:
        raise TooFewSamples(what="groups in the reference", needed=2 * n_folds, got=len(names))
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]  # large ones first, each to the emptiest fold
    filled = np.zeros(n_folds)
    fold_of_group = np.empty(len(names), dtype=np.int64)
    for group in order:
        fold_of_group[group] = np.argmin(filled)
        filled[fold_of_group[group]] += sizes[group]
    return fold_of_group[inverse]
