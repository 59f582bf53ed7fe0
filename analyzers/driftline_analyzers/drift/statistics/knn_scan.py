"""Where the window is denser than the rest: sees one small new topic among many old ones."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from driftline_analyzers.drift.geometry import Geometry, pooled_geometry
from driftline_analyzers.drift.statistics.neighbours_in_window import over_windows
from driftline_analyzers.drift.statistics.window_rows import WindowRows

_MIN_TOP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class KnnScan:
    """For each text of the window the share of window texts among its n_neighbours nearest of other blocks; the mean of the top_share
    largest (five or more).
    """

    name: ClassVar[str] = "knn_scan"
    has_sums: ClassVar[bool] = False
    n_neighbours: int = 5
    top_share: float = 0.02

    def prepare(self, pooled: Tensor, blocks: Tensor) -> "PreparedKnnScan":
        """See `Statistic.prepare`."""
        return self.prepare_geometry(pooled_geometry(pooled, blocks, n_neighbours=self.n_neighbours, has_sums=False))

    def prepare_geometry(self, geometry: Geometry) -> "PreparedKnnScan":
        """See `PairwiseStatistic.prepare_geometry`."""
        k = self.n_neighbours
        return PreparedKnnScan(
            top_share=self.top_share,
            blocks=geometry.blocks,
            neighbours=geometry.neighbours[..., :k],
            is_there=geometry.distances[..., :k].isfinite(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedKnnScan:
    """Waits for splits."""

    top_share: float
    blocks: Tensor
    neighbours: Tensor
    is_there: Tensor

    def of_splits(self, is_current: Tensor) -> Tensor:
        """(..., s, p) bool -> (..., p) float64."""
        return over_windows(self.blocks, self.neighbours, is_current, self._of_windows)

    def _of_windows(self, windows: WindowRows, in_window: Tensor) -> Tensor:
        shares = (in_window & self.is_there.flatten(0, -2)[windows.rows]).sum(1).double() / in_window.shape[1]  # (t,)
        n_top = (windows.counts * self.top_share).long().clamp_min(_MIN_TOP).minimum(windows.counts)  # (w,)
        table = windows.padded(shares, fill=-1.0)
        top = table.topk(int(n_top.max()), dim=1).values.cumsum(1)  # (w, longest)
        return top.gather(1, (n_top - 1)[:, None])[:, 0] / n_top
