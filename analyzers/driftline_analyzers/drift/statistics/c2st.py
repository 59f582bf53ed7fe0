"""Classifier two-sample test: can a linear classifier tell current from reference on texts it has not seen?"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from driftline_analyzers.drift.statistics.moments import block_sums, fold_of_blocks, principal_axes

_CELLS_PER_CHUNK = 16_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class C2ST:
    """Balanced accuracy of linear discriminant analysis, cross-fitted: whole blocks are in one of n_folds folds. Lopez-Paz & Oquab 2017.

    n_dims principal axes, scaled to unit variance over all texts: there the discriminant is the difference of the two means
    (the covariance of all texts and the covariance within the classes give the same direction).
    """

    name: ClassVar[str] = "c2st"
    n_dims: int = 64
    n_folds: int = 3
    seed: int = 0

    def prepare(self, pooled: Tensor, blocks: Tensor) -> "PreparedC2ST":
        """See `Statistic.prepare`."""
        n_blocks = int(blocks.max()) + 1
        scores, variances = principal_axes(pooled, n_dims=min(self.n_dims, max(1, n_blocks // 8)))
        folds = fold_of_blocks(n_blocks, n_folds=self.n_folds, seed=self.seed)
        scaled = scores / variances.clamp_min(torch.finfo(scores.dtype).tiny).sqrt()
        return PreparedC2ST(rows=scaled, blocks=blocks, folds=folds.to(blocks.device), n_folds=self.n_folds)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedC2ST:
    """Waits for splits. rows: (n, r); folds: (s,)."""

    rows: Tensor
    blocks: Tensor
    folds: Tensor
    n_folds: int

    def of_splits(self, is_current: Tensor) -> Tensor:
        """(s, p) bool -> (p,) float64."""
        step = max(1, _CELLS_PER_CHUNK // len(self.rows))
        return torch.cat([self._accuracy(chunk) for chunk in torch.split(is_current, step, dim=1)])

    def _accuracy(self, is_current: Tensor) -> Tensor:
        n_splits = is_current.shape[1]
        right = self.rows.new_zeros(2, n_splits, dtype=torch.float64)  # of the reference, of current
        total = torch.zeros_like(right)
        for fold in range(self.n_folds):
            is_tested = self.folds == fold  # (s,)
            tested = is_tested[self.blocks]
            rest = ~tested
            seen = block_sums(self.rows[rest], self.blocks[rest], n_blocks=len(self.folds))
            current, reference = seen.means(is_current)
            direction = current - reference  # (p, r)
            middle = (direction * (current + reference)).sum(1) / 2
            is_positive = self.rows[tested] @ direction.T > middle  # (n_f, p)
            is_true = is_current[self.blocks[tested]]
            for side, members in enumerate((~is_true, is_true)):
                right[side] += ((is_positive == is_true) & members).sum(0)
                total[side] += members.sum(0)
        return (right / total.clamp_min(1)).mean(0)
