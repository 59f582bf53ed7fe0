"""Texts of windows, read in blocks and kept while later windows still compare with them."""

from collections import OrderedDict
from collections.abc import Sequence

from driftline_analyzers.runner.reader import Reader, in_order
from driftline_analyzers.runner.records import TextRow, WindowKey

_MAX_ROWS = 150_000


class WindowTexts:
    """Sampled rows by window and segment of one project. The least recently used go when more than 150,000 rows are held."""

    def __init__(self, reader: Reader, *, project: str) -> None:
        self._reader = reader
        self._project = project
        self._kept: OrderedDict[WindowKey, list[TextRow]] = OrderedDict()
        self._n_rows = 0

    def read(self, windows: Sequence[WindowKey]) -> list[TextRow]:
        """Rows of these windows, in order of time; what is not held is read in one query a slicing. Raises StoreError."""
        missing = [window for window in windows if window not in self._kept]
        found = self._reader.texts(project=self._project, windows=missing) if missing else {}
        rows: list[TextRow] = []
        for window in windows:
            of_window = found.get(window)
            if of_window is None:
                of_window = self._kept.pop(window)
                self._n_rows -= len(of_window)
            self._kept[window] = of_window
            self._n_rows += len(of_window)
            rows.extend(of_window)
        while self._n_rows > _MAX_ROWS and self._kept:
            _, dropped = self._kept.popitem(last=False)
            self._n_rows -= len(dropped)
        return in_order(rows)
