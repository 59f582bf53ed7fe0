"""A shift of all columns' ranks at once, in coordinates where correlated columns count once."""

from dataclasses import dataclass

import torch
from torch import Tensor

from driftline_analyzers.drift.statistics.top_mean_shift import PreparedTopMeanShift, TopMeanShift

_FLAT = 1e-12


class RankShift:
    """Statistic for rows of plain numbers: T = z' (R + ridge I)^-1 z, z_j the shift of column j's normal scores over its null deviation
    (`TopMeanShift`), R the columns' correlation over whole blocks.

    A ridge version of Hotelling's T² on ranks (Puri and Sen 1971). It sees a column that moved against what its neighbours predict, such
    as more words for the same characters, which no column shows alone. Columns of raw numbers lose to ranks by far: heavy tails hide them.
    ridge: larger leans towards the plain sum of z_j²; needed where columns are many. n_leading: only so many columns are read, from the
    left.
    """

    def __init__(self, *, name: str = "rank_shift", ridge: float = 0.1, n_leading: int | None = None) -> None:
        self.name = name
        self.ridge = ridge
        self.n_leading = n_leading

    def prepare(self, pooled: Tensor, blocks: Tensor) -> "PreparedRankShift":
        """pooled: (n, f); blocks: (n,) int64, 0..s-1, each used. A column of one value counts for nothing."""
        means = TopMeanShift(n_leading=self.n_leading).prepare(pooled, blocks)
        products = means.sums.T @ means.sums  # (f, f)
        deviation = products.diagonal().sqrt()
        varies = deviation > _FLAT
        scale = torch.where(varies, 1 / torch.where(varies, deviation, 1.0), 0.0)
        correlation = products * scale * scale[:, None]
        identity = torch.eye(len(products), dtype=products.dtype, device=products.device)
        return PreparedRankShift(means=means, precision=torch.linalg.inv(correlation + self.ridge * identity))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRankShift:
    """means: waits for splits; precision: (f, f), (R + ridge I)^-1."""

    means: PreparedTopMeanShift
    precision: Tensor

    def of_splits(self, is_current: Tensor) -> Tensor:
        """T of each split: (s, p) bool -> (p,) float64."""
        shifts = self.means.shifts(is_current)  # (f, p)
        return (shifts * (self.precision @ shifts)).sum(0)
