"""Whitened shift of the mean: sees a change that moves every text a little the same way, as a new model's style does."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from driftline_analyzers.drift.statistics.moments import BlockSums, block_sums, whitened


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanShift:
    """|mean of current - mean of reference|² in coordinates of unit covariance (shrunk), over pairs of texts of different blocks.

    It is the unbiased MMD² with a linear kernel; with one text a block, Hotelling's T² up to constants.
    """

    name: ClassVar[str] = "mean_shift"

    def prepare(self, pooled: Tensor, blocks: Tensor) -> "PreparedMeanShift":
        """See `Statistic.prepare`."""
        n_blocks = int(blocks.max()) + 1
        return PreparedMeanShift(sums=block_sums(whitened(pooled - pooled.mean(0), n_samples=n_blocks), blocks))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedMeanShift:
    """Waits for splits."""

    sums: BlockSums

    def of_splits(self, is_current: Tensor) -> Tensor:
        """(s, p) bool -> (p,) float64."""
        indicator = is_current.double()
        current, n_current = self.sums.of_current(is_current)
        reference, n_reference = self.sums.sums.sum(0) - current, self.sums.sizes.sum() - n_current
        squares = (self.sums.sums**2).sum(1).double()  # (s,)
        sizes = self.sums.sizes.double() ** 2
        own, own_pairs = squares @ indicator, sizes @ indicator
        within_current = ((current**2).sum(1) - own) / (n_current**2 - own_pairs)
        others, other_pairs = squares.sum() - own, sizes.sum() - own_pairs
        within_reference = ((reference**2).sum(1) - others) / (n_reference**2 - other_pairs)
        return within_current + within_reference - 2 * (current * reference).sum(1) / (n_current * n_reference)
