"""Texts of windows, read in blocks and kept while later windows still compare with them."""

from collections import OrderedDict
from collections.abc import Sequence

from driftline_analyzers.runner.reader import Reader
from driftline_analyzers.runner.records import TextRow
from driftline_analyzers.runner.windows import WindowModel

_MAX_ROWS = 50_000


class WindowTexts:
    """Sampled rows by service, window and model of one project. The least recently used go when more than 50,000 rows are held."""

    def __init__(self, reader: Reader, *, project: str) -> None:
        self._reader = reader
        self._project = project
        self._kept: OrderedDict[tuple[str, WindowModel], list[TextRow]] = OrderedDict()
        self._n_rows = 0

    def read(self, service: str, windows: Sequence[WindowModel]) -> list[TextRow]:
        """Rows of these windows, in order of time; what is not held is read in one query. Raises StoreError."""
        missing = [window for window in windows if (service, window) not in self._kept]
        found: dict[WindowModel, list[TextRow]] = {}
        if missing:
            found = self._reader.texts_of_windows(project=self._project, service=service, windows=missing)
        rows: list[TextRow] = []
        for window in windows:
            of_window = found.get(window)
            if of_window is None:
                of_window = self._kept.pop((service, window))
                self._n_rows -= len(of_window)
            self._kept[(service, window)] = of_window
            self._n_rows += len(of_window)
            rows.extend(of_window)
        while self._n_rows > _MAX_ROWS:
            _, dropped = self._kept.popitem(last=False)
            self._n_rows -= len(dropped)
        return sorted(rows, key=lambda row: (row.start_ns, row.trace_id, row.span_id))
