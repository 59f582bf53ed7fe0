"""The whitened mean shift between two answers to the same prompts."""

from dataclasses import dataclass

from torch import Tensor

from driftline_analyzers.drift.statistics.moments import block_sums, whitened


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedMeanShift:
    """Statistic of swaps: squared mean of the whitened differences, over pairs of rows from different units."""

    name: str = "paired_mean_shift"

    def prepare(self, reference: Tensor, current: Tensor, units: Tensor) -> "PreparedPairedMeanShift":
        """See `PairedStatistic.prepare`."""
        n_units = int(units.max()) + 1
        sums = block_sums(whitened(current - reference, n_samples=n_units), units)
        return PreparedPairedMeanShift(shifts=sums.sums, sizes=sums.sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPairedMeanShift:
    """shifts: (u, r) summed differences of a unit; sizes: (u,) its rows."""

    shifts: Tensor
    sizes: Tensor

    def of_swaps(self, signs: Tensor) -> Tensor:
        """(u, p) of -1 and 1 -> (p,) float64."""
        return mean_shift_of_swaps(self.shifts, self.sizes, signs)


def mean_shift_of_swaps(shifts: Tensor, sizes: Tensor, signs: Tensor) -> Tensor:
    """Squared mean of the whitened differences, over pairs of rows from different units, under many swaps at once.

    shifts: (u, r) summed differences of a unit; sizes: (u,) its rows; signs: (u, p), -1 where a unit's sides are exchanged -> (p,) float64.
    """
    total = (signs.T.to(shifts.dtype) @ shifts).double()  # (p, r)
    own = (shifts.double() ** 2).sum()
    return ((total**2).sum(1) - own) / (sizes.sum() ** 2 - (sizes**2).sum())
