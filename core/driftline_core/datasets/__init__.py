"""Data sets for retraining: calls with their texts, scores and labels, selected, written once and named by their content."""

from driftline_core.datasets.folder import FILE_NAMES, DatasetFolder
from driftline_core.datasets.selection import Selection

__all__ = ["FILE_NAMES", "DatasetFolder", "Selection"]
