"""Every outlier detector there is, by name."""

from typing import Final

from driftline_analyzers.outliers.density import DensityClusterOutliers
from driftline_analyzers.outliers.detector import OutlierDetector
from driftline_analyzers.outliers.isolation_forest import IsolationForestOutliers
from driftline_analyzers.outliers.knn import KnnOutliers
from driftline_analyzers.outliers.knn_lof import KnnLofOutliers
from driftline_analyzers.outliers.local_knn import LocalKnnOutliers
from driftline_analyzers.outliers.lof import LofOutliers
from driftline_analyzers.outliers.mahalanobis import MahalanobisOutliers, RelativeMahalanobisOutliers

DEFAULT_OUTLIER_DETECTOR: Final = "local_knn"

OUTLIER_DETECTORS: Final[dict[str, type[OutlierDetector]]] = {
    "local_knn": LocalKnnOutliers,
    "knn": KnnOutliers,
    "lof": LofOutliers,
    "knn_lof": KnnLofOutliers,
    "mahalanobis": MahalanobisOutliers,
    "relative_mahalanobis": RelativeMahalanobisOutliers,
    "isolation_forest": IsolationForestOutliers,
    "density_clusters": DensityClusterOutliers,
}
