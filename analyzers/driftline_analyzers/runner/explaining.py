"""Why a window differs, for a finding: how much moved, which texts carry it, and which slice they come from."""

from typing import Any

from driftline_analyzers.runner.comparison import Comparison
from driftline_analyzers.runner.segments import Segment
from driftline_analyzers.settings import AnalyzerSettings

_SUSPECT_P_VALUE = 0.05
"""Only a window that looks different is explained."""


class Explainer:
    """Explains the comparisons of one project."""

    def __init__(self, settings: AnalyzerSettings, *, model_id: str) -> None:
        self._settings = settings
        self._model_id = model_id

    def explain(self, comparison: Comparison, segment: Segment) -> tuple[dict[str, Any], dict[str, Any]]:
        """The explanation's own part, and the finding's columns of the effect."""
        return {}, {}
