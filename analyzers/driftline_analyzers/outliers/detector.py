"""What all outlier detectors share: checking, conformal p-values, the bounded share of false flags, the nearest texts as evidence."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from driftline_analyzers.correction import benjamini_hochberg
from driftline_analyzers.outliers.duplicates import DistinctRows, distinct_rows
from driftline_analyzers.outliers.neighbours import nearest
from driftline_analyzers.outliers.result import OutlierResult
from driftline_analyzers.vectors import Groups, Vectors, as_groups, as_vectors
from driftline_core.errors import ConfigError, InputError, TooFewSamples

MIN_REFERENCE = 1000
"""With fewer calibration scores a single text among a few hundred can hardly be flagged: p is never below 1 / (1 + m)."""
_EVIDENCE = 5


class OutlierDetector(ABC):
    """Scores texts by how strange they are to the reference, and ranks each among the reference's own scores.

    p_i = (1 + #{calibration scores >= score_i}) / (1 + m): for a text of a session that comes from where the reference came from,
    P(p <= u) is about u. What the calibration scores are is told by the two families: neighbours (leave one group out) and folds.
    fdr: expected share of false flags among the flagged of one call: an average over references and windows, not a promise for each.
    min_samples: texts in the reference, each once a group. Raises TooFewSamples below it; InputError on NaN or a wrong shape;
    ConfigError on hyperparameters out of range.
    """

    name: ClassVar[str]

    def __init__(
        self,
        *,
        fdr: float = 0.1,
        min_samples: int = MIN_REFERENCE,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
    ) -> None:
        self.fdr = fdr
        self.min_samples = min_samples
        self.device = device
        self.dtype = dtype
        self.seed = seed

    def fit(self, reference: Vectors, *, groups: Groups | None = None) -> Self:
        """Keep the reference: (m, d), groups: (m,) session of each text, and score it; without groups each text is its own."""
        self._check()
        vectors = as_vectors(reference, device=self.device, dtype=self.dtype)
        blocks = as_groups(groups, n_rows=len(vectors))
        if len(vectors) == 0:
            raise TooFewSamples(what="embeddings in the reference", needed=self.min_samples, got=0)
        rows = distinct_rows(vectors, blocks)
        if len(rows.texts) < self.min_samples:
            raise TooFewSamples(what="embeddings in the reference", needed=self.min_samples, got=len(rows.texts))
        self._rows = rows
        self._calibration = self._fit(rows)
        return self

    def score(self, current: Vectors) -> OutlierResult:
        """Score current: (n, d), n >= 1."""
        vectors = as_vectors(current, device=self.device, dtype=self.dtype)
        if len(vectors) == 0:
            raise TooFewSamples(what="embeddings in current", needed=1, got=0)
        n_dims = self._rows.vectors.shape[1]
        if vectors.shape[1] != n_dims:
            raise InputError(f"expected {n_dims} dimensions as in the reference, got {vectors.shape[1]}")
        scores, n_reaching = self._score(vectors)
        m = len(self._calibration)
        p_values = (1 + n_reaching) / (1 + m)
        evidence = nearest(vectors, self._rows.vectors, k=min(self._n_evidence, len(self._rows.vectors)))
        return OutlierResult(
            scores=scores,
            p_values=p_values,
            is_flagged=benjamini_hochberg(p_values) <= self.fdr,
            neighbours=self._rows.first_rows[evidence.rows].cpu().numpy(),
            distances=evidence.distances.double().cpu().numpy(),
            fdr=self.fdr,
            n_calibration=m,
            note=_note(n=len(vectors), m=m, fdr=self.fdr),
        )

    @property
    def reference_p_values(self) -> NDArray[np.float64]:
        """(r,) where each reference text stands among the others: r u of them are <= u. Each text once a group."""
        ordered = np.sort(self._calibration)
        return (len(ordered) - count_below(ordered, self._calibration)) / len(ordered)

    @property
    def reference_groups(self) -> NDArray[np.int64]:
        """(r,) group numbers of `reference_p_values`."""
        return self._rows.groups.cpu().numpy()

    @property
    def _n_evidence(self) -> int:
        return _EVIDENCE

    def _check(self) -> None:
        if not 0 < self.fdr < 1:
            raise ConfigError(f"expected fdr between 0 and 1, got fdr={self.fdr}")

    @abstractmethod
    def _fit(self, rows: DistinctRows) -> NDArray[np.float64]:
        """Learn the reference. (r,) calibration scores of rows.texts, each made without the group in rows.groups."""

    @abstractmethod
    def _score(self, vectors: Tensor) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(n, d) -> scores: (n,); calibration scores that reach each of them: (n,)."""


def count_below(ordered: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many of ordered: (m,) ascending are below each score: (n,). Rounding noise counts as equal, which errs to the larger p-value."""
    tolerance = 1e-6 * max(1.0, float(np.abs(ordered).max()))
    return np.searchsorted(ordered, scores - tolerance, side="left")


def _note(*, n: int, m: int, fdr: float) -> str:
    """Benjamini-Hochberg rejects k texts at the floor 1 / (1 + m) only when n / (1 + m) <= k fdr."""
    needed = math.ceil(n / ((1 + m) * fdr) - 1e-9)
    if needed <= 1:
        return ""
    return (
        f"{m} reference texts cannot show a p-value below {1 / (1 + m):.2g}: among {n} texts, {needed} must be that far out "
        f"before any is flagged at an expected false share of {fdr:g}; {math.ceil(n / fdr)} reference texts would show one"
    )
