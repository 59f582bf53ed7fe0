"""The few columns whose means moved most."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor


class TopMeanShift:
    """Statistic for rows of plain numbers: T = sum of the n_columns largest z_j², z_j the shift of column j's mean over its null deviation.

    Several small shifts that no single column shows add up. The deviation is that of sums over whole blocks drawn without replacement, so
    a column that is alike inside sessions gets no advantage. Columns enter as normal scores of their ranks, so that one huge text moves
    nothing. n_leading: only so many columns are read, from the left.
    """

    name: ClassVar[str] = "top_mean_shift"

    def __init__(self, *, n_columns: int = 3, n_leading: int | None = None) -> None:
        self.n_columns = n_columns
        self.n_leading = n_leading

    def prepare(self, pooled: Tensor, blocks: Tensor) -> "PreparedTopMeanShift":
        """pooled: (n, f); blocks: (n,) int64, 0..s-1, each used."""
        scores = normal_scores(pooled[:, : self.n_leading])
        sums = scores.new_zeros(int(blocks.max()) + 1, scores.shape[1]).index_add_(0, blocks, scores)
        return PreparedTopMeanShift(sums=sums, n_columns=self.n_columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedTopMeanShift:
    """sums: (s, f) float64, columns summed over each block; every column sums to zero over all."""

    sums: Tensor
    n_columns: int

    def shifts(self, is_current: Tensor) -> Tensor:
        """z_j of each split, positive where current is larger: (s, p) bool -> (f, p) float64; 0 for a column of one value."""
        n_blocks = len(self.sums)
        n_current = is_current.sum(0)  # (p,)
        variance = (self.sums**2).sum(0)[:, None] * (n_current * (n_blocks - n_current) / (n_blocks * (n_blocks - 1)))
        shift = self.sums.T @ is_current.double()  # (f, p)
        return torch.where(variance > 0, shift / variance.sqrt(), torch.zeros_like(shift))

    def of_splits(self, is_current: Tensor) -> Tensor:
        """T of each split: (s, p) bool -> (p,) float64."""
        squares = self.shifts(is_current) ** 2
        return squares.topk(min(self.n_columns, len(squares)), dim=0).values.sum(0)


def normal_scores(values: Tensor) -> Tensor:
    """Normal quantiles of the mid-ranks of each column, summing to zero: (n, f) -> (n, f) float64. Equal values score equally."""
    scores = torch.empty(values.shape, dtype=torch.float64, device=values.device)
    for column in range(values.shape[1]):
        _, group, size = torch.unique(values[:, column], return_inverse=True, return_counts=True)
        mid_rank = size.double().cumsum(0) - size / 2
        scores[:, column] = torch.special.ndtri(mid_rank / len(values))[group]
    return scores - scores.mean(0)
