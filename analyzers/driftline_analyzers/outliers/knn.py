"""Outliers: texts far from everything in the reference, with conformal p-values and a bounded share of false flags."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from driftline_analyzers.correction import benjamini_hochberg
from driftline_analyzers.drift.mmd import squared_distances
from driftline_analyzers.vectors import Groups, Vectors, as_groups, as_vectors
from driftline_core.errors import ConfigError, InputError, TooFewSamples

_ROWS_PER_CHUNK = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlierResult:
    """One row a text. scores: (n,) mean distance to the k nearest reference texts; p_values: (n,) conformal, never 0;
    is_flagged: (n,) after Benjamini-Hochberg; neighbours: (n, k) row numbers in the reference, nearest first; distances: (n, k).
    """

    scores: NDArray[np.float64]
    p_values: NDArray[np.float64]
    is_flagged: NDArray[np.bool_]
    neighbours: NDArray[np.int64]
    distances: NDArray[np.float64]
    fdr: float


class KnnOutliers:
    """Mean Euclidean distance to the k nearest reference texts, ranked among the reference's own leave-one-group-out distances.

    p_i = (1 + #{reference scores >= score_i}) / (1 + m): a text from where the reference came from has p <= u with probability about u.
    Texts of the same group (session) are left out of each other's neighbours in the reference, as a new text has none of its session there.
    fdr: expected share of false flags among the flagged of one call. min_samples: reference texts; p-values cannot be below 1 / (1 + m).
    """

    def __init__(
        self,
        *,
        k: int = 5,
        fdr: float = 0.1,
        min_samples: int = 20,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.k = k
        self.fdr = fdr
        self.min_samples = min_samples
        self.device = device
        self.dtype = dtype

    def fit(self, reference: Vectors, *, groups: Groups | None = None) -> Self:
        """Keep the reference: (m, d), groups: (m,), and score it. Raises TooFewSamples; InputError on NaN or a wrong shape."""
        if self.k < 1 or not 0 < self.fdr < 1:
            raise ConfigError(f"expected k >= 1 and fdr between 0 and 1, got k={self.k}, fdr={self.fdr}")
        vectors = as_vectors(reference, device=self.device, dtype=self.dtype)
        needed = max(self.min_samples, self.k + 1)
        if len(vectors) < needed:
            raise TooFewSamples(what="embeddings in the reference", needed=needed, got=len(vectors))
        blocks = as_groups(groups, n_rows=len(vectors)).to(self.device)
        largest = int(torch.bincount(blocks).max())
        if len(vectors) - largest < self.k:
            raise TooFewSamples(
                what="reference embeddings outside the largest group", needed=self.k, got=len(vectors) - largest
            )
        self._reference = vectors
        scores = []
        for start in range(0, len(vectors), _ROWS_PER_CHUNK):
            chunk = slice(start, start + _ROWS_PER_CHUNK)
            distances = squared_distances(vectors[chunk], vectors)  # (c, m)
            distances.masked_fill_(blocks[chunk][:, None] == blocks[None, :], torch.inf)
            scores.append(_nearest(distances, self.k)[0].mean(1))
        self._reference_scores = torch.cat(scores).sort().values  # (m,)
        return self

    def score(self, current: Vectors) -> OutlierResult:
        """Score current: (n, d). Raises TooFewSamples when it is empty; InputError on NaN or a wrong shape."""
        vectors = as_vectors(current, device=self.device, dtype=self.dtype)
        if len(vectors) == 0:
            raise TooFewSamples(what="embeddings in current", needed=1, got=0)
        if vectors.shape[1] != self._reference.shape[1]:
            raise InputError(
                f"expected {self._reference.shape[1]} dimensions as in the reference, got {vectors.shape[1]}"
            )
        parts = [
            _nearest(squared_distances(vectors[start : start + _ROWS_PER_CHUNK], self._reference), self.k)
            for start in range(0, len(vectors), _ROWS_PER_CHUNK)
        ]
        distances = torch.cat([part[0] for part in parts])  # (n, k)
        scores = distances.mean(1)
        m = len(self._reference_scores)
        n_smaller = torch.searchsorted(self._reference_scores, scores - 1e-6, right=False)  # ties count as reaching
        p_values = ((1 + m - n_smaller).double() / (1 + m)).cpu().numpy()
        return OutlierResult(
            scores=scores.double().cpu().numpy(),
            p_values=p_values,
            is_flagged=benjamini_hochberg(p_values) <= self.fdr,
            neighbours=torch.cat([part[1] for part in parts]).cpu().numpy(),
            distances=distances.double().cpu().numpy(),
            fdr=self.fdr,
        )


def _nearest(squared: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Distances and columns of the k smallest of each row: (c, m) -> (c, k), (c, k)."""
    found = squared.topk(k, dim=1, largest=False, sorted=True)
    return found.values.sqrt(), found.indices
