"""Every drift statistic, by name, as it is by default."""

from typing import Final

from driftline_analyzers.drift.statistics.energy import Energy
from driftline_analyzers.drift.statistics.knn_novelty import KnnNovelty
from driftline_analyzers.drift.statistics.knn_scan import KnnScan
from driftline_analyzers.drift.statistics.mmd import MMD
from driftline_analyzers.drift.statistics.statistic import Statistic

STATISTICS: Final[dict[str, Statistic]] = {
    "energy": Energy(),
    "knn_novelty": KnnNovelty(),
    "knn_scan": KnnScan(),
    "mmd": MMD(),
    "mmd_multi_kernel": MMD(name="mmd_multi_kernel", bandwidth_factors=(0.125, 0.25, 0.5, 1.0, 2.0, 4.0)),
}
