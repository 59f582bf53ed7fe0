"""What the detector asks of a statistic."""

from typing import Protocol, runtime_checkable

from torch import Tensor

from driftline_analyzers.drift.geometry import Geometry


class Prepared(Protocol):
    """A statistic that has seen the pooled texts and waits for splits of their blocks."""

    def of_splits(self, is_current: Tensor) -> Tensor:
        """(s, p) bool, a split a column -> (p,) float64 on the same device. Every split has two blocks or more on either side."""
        ...


class Statistic(Protocol):
    """Hyperparameters in the constructor; larger is more different."""

    @property
    def name(self) -> str:
        """Its key in STATISTICS and in a result's parts."""
        ...

    def prepare(self, pooled: Tensor, blocks: Tensor) -> Prepared:
        """pooled: (n, d), reference rows, then current rows; blocks: (n,) int64, 0..s-1, each used.

        What is computed here must not depend on which rows are current: the permutation test is exact only then.
        """
        ...


@runtime_checkable
class PairwiseStatistic(Protocol):
    """A statistic of distances between texts; several share one geometry, whose part inside the reference is computed once."""

    @property
    def name(self) -> str:
        """Its key in STATISTICS and in a result's parts."""
        ...

    @property
    def has_sums(self) -> bool:
        """Whether it reads the sums between blocks."""
        ...

    @property
    def n_neighbours(self) -> int:
        """Length of the neighbour lists it reads; 0 if none."""
        ...

    def prepare(self, pooled: Tensor, blocks: Tensor) -> Prepared:
        """As `Statistic.prepare`."""
        ...

    def prepare_geometry(self, geometry: Geometry) -> Prepared:
        """The same from distances. Leading dimensions of the geometry lead in splits and values too: (..., s, p) -> (..., p)."""
        ...
