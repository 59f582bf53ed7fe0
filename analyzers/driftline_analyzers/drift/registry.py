"""Every drift statistic, by name, as it is by default."""

from typing import Final

from driftline_analyzers.drift.statistics.c2st import C2ST
from driftline_analyzers.drift.statistics.centroid import Centroid
from driftline_analyzers.drift.statistics.cluster_mix import ClusterMix
from driftline_analyzers.drift.statistics.energy import Energy
from driftline_analyzers.drift.statistics.frechet import Frechet
from driftline_analyzers.drift.statistics.knn_novelty import KnnNovelty, KnnTail
from driftline_analyzers.drift.statistics.knn_scan import KnnScan
from driftline_analyzers.drift.statistics.kolmogorov_smirnov import KolmogorovSmirnov
from driftline_analyzers.drift.statistics.mean_shift import MeanShift
from driftline_analyzers.drift.statistics.mmd import MMD
from driftline_analyzers.drift.statistics.rank_shift import RankShift
from driftline_analyzers.drift.statistics.statistic import Statistic
from driftline_analyzers.drift.statistics.top_mean_shift import TopMeanShift

STATISTICS: Final[dict[str, Statistic]] = {
    "energy": Energy(),
    "knn_novelty": KnnNovelty(),
    "knn_tail": KnnTail(),
    "knn_scan": KnnScan(),
    "mean_shift": MeanShift(),
    "mmd": MMD(),
    "mmd_multi_kernel": MMD(name="mmd_multi_kernel", bandwidth_factors=(0.125, 0.25, 0.5, 1.0, 2.0, 4.0)),
    "c2st": C2ST(),
    "frechet": Frechet(),
    "centroid": Centroid(),
    "cluster_mix": ClusterMix(),
    "kolmogorov_smirnov": KolmogorovSmirnov(),
    "top_mean_shift": TopMeanShift(),
    "rank_shift": RankShift(),
}
