"""The columns that moved most between two answers to the same prompts."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTopShift:
    """Statistic of swaps: T = sum of the n_columns largest z_j², z_j the signed-rank shift of column j over its deviation under swaps.

    A pair's difference enters column j as the normal score of its size among all differences, with its sign (van der Waerden's version
    of Wilcoxon's signed ranks), so that one huge text moves nothing; pairs without a difference count for nothing.
    """

    n_columns: int = 3

    @property
    def name(self) -> str:
        """'paired_top_shift_3' for three columns."""
        return f"paired_top_shift_{self.n_columns}"

    def prepare(self, reference: Tensor, current: Tensor, units: Tensor) -> "PreparedPairedTopShift":
        """reference, current: (n, f), row i of both is one pair; units: (n,) int64, 0..s-1, each used: pairs that are swapped together."""
        scores = signed_scores(current.double() - reference.double())
        sums = scores.new_zeros(int(units.max()) + 1, scores.shape[1]).index_add_(0, units, scores)
        return PreparedPairedTopShift(sums=sums, n_columns=self.n_columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPairedTopShift:
    """sums: (s, f) float64, signed scores summed over each unit."""

    sums: Tensor
    n_columns: int

    def shifts(self, signs: Tensor) -> Tensor:
        """z_j of each swap, positive where current is larger: signs (s, p), -1 where a unit's sides are exchanged -> (f, p) float64."""
        deviation = (self.sums**2).sum(0).sqrt()[:, None]
        shift = self.sums.T @ signs.double()
        return torch.where(deviation > 0, shift / deviation, torch.zeros_like(shift))

    def of_swaps(self, signs: Tensor) -> Tensor:
        """T of each swap: (s, p) -> (p,) float64."""
        squares = self.shifts(signs) ** 2
        return squares.topk(min(self.n_columns, len(squares)), dim=0).values.sum(0)


def signed_scores(differences: Tensor) -> Tensor:
    """sign(d) times the half-normal quantile of |d|'s mid-rank in its column: (n, f) float64 -> (n, f). 0 stays 0 and has no rank."""
    scores = torch.zeros_like(differences)
    for column in range(differences.shape[1]):
        moved = differences[:, column] != 0
        if moved.any():
            sizes = differences[moved, column].abs()
            _, group, count = torch.unique(sizes, return_inverse=True, return_counts=True)
            mid_rank = (count.double().cumsum(0) - count / 2) / len(sizes)
            scores[moved, column] = torch.special.ndtri((1 + mid_rank) / 2)[group] * differences[moved, column].sign()
    return scores
