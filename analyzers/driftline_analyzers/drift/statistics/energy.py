"""Energy distance: sees a broad move of the whole distribution; no bandwidth to choose."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from driftline_analyzers.drift.geometry import Geometry, pooled_geometry
from driftline_analyzers.drift.mmd import BlockGram, mmd2_of_splits


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """2 E|x - y| - E|x - x'| - E|y - y'| over pairs of texts of different blocks. Székely & Rizzo 2004.

    It is MMD² with the kernel -|x - y|: Sejdinovic et al. 2013.
    """

    name: ClassVar[str] = "energy"
    has_sums: ClassVar[bool] = True
    n_neighbours: ClassVar[int] = 0

    def prepare(self, pooled: Tensor, blocks: Tensor) -> "PreparedEnergy":
        """See `Statistic.prepare`."""
        return self.prepare_geometry(pooled_geometry(pooled, blocks, n_neighbours=0, has_sums=True))

    def prepare_geometry(self, geometry: Geometry) -> "PreparedEnergy":
        """See `PairwiseStatistic.prepare_geometry`."""
        return PreparedEnergy(gram=BlockGram(sums=geometry.sums, sizes=geometry.sizes))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedEnergy:
    """Waits for splits. gram: of distances, the kernel with its sign turned."""

    gram: BlockGram

    def of_splits(self, is_current: Tensor) -> Tensor:
        """(..., s, p) bool -> (..., p) float64."""
        return -mmd2_of_splits(self.gram, is_current)
