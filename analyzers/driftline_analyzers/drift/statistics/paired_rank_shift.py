"""A shift of all columns' signed ranks at once, between two answers to the same prompts."""

from dataclasses import dataclass

import torch
from torch import Tensor

from driftline_analyzers.drift.statistics.paired_top_shift import PairedTopShift, PreparedPairedTopShift


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedRankShift:
    """Statistic of swaps: T = z' (R + ridge I)^-1 z, z_j the signed-rank shift of column j (`PairedTopShift`), R its correlation over
    units. R is the same whichever units are swapped, so the sign-flip test is exact. The paired form of `RankShift`.
    """

    ridge: float = 1.0

    @property
    def name(self) -> str:
        """'paired_rank_shift'."""
        return "paired_rank_shift"

    def prepare(self, reference: Tensor, current: Tensor, units: Tensor) -> "PreparedPairedRankShift":
        """reference, current: (n, f), row i of both is one pair; units: (n,) int64, 0..s-1, each used: pairs that are swapped together."""
        shifts = PairedTopShift().prepare(reference, current, units)
        products = shifts.sums.T @ shifts.sums  # (f, f)
        deviation = products.diagonal().sqrt()
        scale = torch.where(deviation > 0, 1 / torch.where(deviation > 0, deviation, 1.0), 0.0)
        correlation = products * scale * scale[:, None]
        identity = torch.eye(len(products), dtype=products.dtype, device=products.device)
        return PreparedPairedRankShift(shifts=shifts, precision=torch.linalg.inv(correlation + self.ridge * identity))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPairedRankShift:
    """shifts: waits for swaps; precision: (f, f), (R + ridge I)^-1."""

    shifts: PreparedPairedTopShift
    precision: Tensor

    def of_swaps(self, signs: Tensor) -> Tensor:
        """T of each swap: (s, p), -1 where a unit's sides are exchanged -> (p,) float64."""
        shifts = self.shifts.shifts(signs)  # (f, p)
        return (shifts * (self.precision @ shifts)).sum(0)
