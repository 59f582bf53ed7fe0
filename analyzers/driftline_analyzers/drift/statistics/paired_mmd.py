"""Maximum mean discrepancy between two answers to the same prompts."""

from dataclasses import dataclass

import torch
from torch import Tensor

from driftline_analyzers.drift.mmd import BlockGram, median_bandwidth, mmd2_of_swaps, paired_gram


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedMMD:
    """Statistic of swaps: MMD² with kernels as wide as the median distance of all rows times each factor. Gretton et al. 2012."""

    name: str = "paired_mmd"
    bandwidth_factors: tuple[float, ...] = (0.5, 1.0, 2.0)

    def prepare(self, reference: Tensor, current: Tensor, units: Tensor) -> "PreparedPairedMMD":
        """See `PairedStatistic.prepare`."""
        median = median_bandwidth(torch.cat([reference, current]))
        bandwidths = [factor * median for factor in self.bandwidth_factors]
        return PreparedPairedMMD(gram=paired_gram(reference, current, units, bandwidths=bandwidths))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPairedMMD:
    """Waits for swaps."""

    gram: BlockGram

    def of_swaps(self, signs: Tensor) -> Tensor:
        """(s, p) of -1 and 1 -> (p,) float64."""
        return mmd2_of_swaps(self.gram, signs)
