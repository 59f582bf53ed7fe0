"""Every analyzer there is, by name; the conformance suite runs over all of them."""

from typing import Final

from driftline_analyzers.drift.conditional import ConditionalDrift
from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.paired import PairedDriftDetector
from driftline_analyzers.outliers.knn import KnnOutliers

ANALYZERS: Final[
    dict[str, type[DriftDetector] | type[ConditionalDrift] | type[PairedDriftDetector] | type[KnnOutliers]]
] = {
    "drift": DriftDetector,
    "conditional_drift": ConditionalDrift,
    "paired_drift": PairedDriftDetector,
    "knn_outliers": KnnOutliers,
}
