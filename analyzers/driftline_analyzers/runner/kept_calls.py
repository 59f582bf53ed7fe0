"""Calls that a window's sample may miss and that are looked at all the same: errors, extremes, and what was an outlier before."""

from collections.abc import Sequence

from driftline_analyzers.runner.reader import Reader
from driftline_analyzers.runner.records import TextRow, WindowContent, WindowKey
from driftline_analyzers.settings import AnalyzerSettings


class KeptCalls:
    """Of one project's windows; read ahead in one query a slicing, and given out once.

    They say nothing about the window as a whole, because they were chosen: they are scored, grouped and shown, and enter no test.
    """

    def __init__(self, reader: Reader, settings: AnalyzerSettings, *, project: str) -> None:
        self._reader = reader
        self._settings = settings
        self._project = project
        self._ahead: dict[WindowKey, list[TextRow]] = {}

    def read_ahead(self, contents: Sequence[WindowContent]) -> None:
        """Read those of windows that are tested next. Raises StoreError."""
        windows = [content.key for content in contents if self._are_wanted(content)]
        self._ahead = self._reader.kept_calls(project=self._project, windows=windows) if windows else {}

    def take(self, content: WindowContent, sample: Sequence[TextRow]) -> list[TextRow]:
        """Those of a window that its sample lacks, in order of time. Raises StoreError."""
        if not self._are_wanted(content):
            return []
        if content.key not in self._ahead:
            self.read_ahead([content])
        sampled = {(row.trace_id, row.span_id) for row in sample}
        return [row for row in self._ahead.pop(content.key) if (row.trace_id, row.span_id) not in sampled]

    def _are_wanted(self, content: WindowContent) -> bool:
        return (
            bool(self._settings.keep)
            and "outliers" in self._settings.analyzers
            and content.segment.by == self._settings.segments[0]
        )
