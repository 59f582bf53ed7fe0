"""Maximum mean discrepancy with Gaussian kernels."""

from dataclasses import dataclass

from torch import Tensor

from driftline_analyzers.drift.mmd import BlockGram, block_gram, median_bandwidth, mmd2_of_splits


@dataclass(frozen=True, slots=True, kw_only=True)
class MMD:
    """Unbiased MMD², a mean of kernels as wide as the median distance of the pooled texts times each factor. Gretton et al. 2012."""

    name: str = "mmd"
    bandwidth_factors: tuple[float, ...] = (1.0,)

    def prepare(self, pooled: Tensor, blocks: Tensor) -> "PreparedMMD":
        """See `Statistic.prepare`."""
        median = median_bandwidth(pooled)
        bandwidths = [factor * median for factor in self.bandwidth_factors]
        return PreparedMMD(gram=block_gram(pooled, blocks, bandwidths=bandwidths))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedMMD:
    """Waits for splits."""

    gram: BlockGram

    def of_splits(self, is_current: Tensor) -> Tensor:
        """(s, p) bool -> (p,) float64."""
        return mmd2_of_splits(self.gram, is_current)
