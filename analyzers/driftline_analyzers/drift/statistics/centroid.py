"""Angle between the two means."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from driftline_analyzers.drift.statistics.moments import BlockSums, block_sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Centroid:
    """1 - cosine of the mean of current and the mean of the reference."""

    name: ClassVar[str] = "centroid"

    def prepare(self, pooled: Tensor, blocks: Tensor) -> "PreparedCentroid":
        """See `Statistic.prepare`."""
        return PreparedCentroid(sums=block_sums(pooled.double(), blocks))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedCentroid:
    """Waits for splits."""

    sums: BlockSums

    def of_splits(self, is_current: Tensor) -> Tensor:
        """(s, p) bool -> (p,) float64."""
        current, reference = self.sums.means(is_current)
        return 1 - torch.cosine_similarity(current, reference, dim=1)
