"""Every analyzer there is, by name; the conformance suite runs over all of them."""

from typing import Final

from driftline_analyzers.drift.mmd_detectors import MMDDrift, PairedMMDDrift
from driftline_analyzers.outliers.knn import KnnOutliers

ANALYZERS: Final[dict[str, type[MMDDrift] | type[PairedMMDDrift] | type[KnnOutliers]]] = {
    "mmd": MMDDrift,
    "paired_mmd": PairedMMDDrift,
    "knn_outliers": KnnOutliers,
}
