"""What counters had counted before a day began, remembered: a query then reads its own days and not all that is kept."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from importlib.resources import files
from typing import Any, Final

from driftline_api.promql.counter_rows import CounterRows
from driftline_api.promql.metrics import Metric
from driftline_core.store import Store

DAY_S: Final = 86_400
_MOST: Final = 64
_SINCE: Final = "{since_s:Int64}"
"""The parameter of an SQL file that can leave out what is remembered."""
_VERSIONS: Final = {
    table: (files("driftline_api.promql") / "versions" / f"{table}.sql").read_text(encoding="utf-8")
    for table in ("rollup_1m", "generations", "scores_1m")
}
"""By the table that a metric reads, the query whose answer tells when its rows are others."""


def table_of(metric: Metric) -> str | None:
    """The table whose earlier rows the metric's SQL can leave out, None where it can not."""
    if _SINCE not in metric.sql:
        return None
    return next((table for table in _VERSIONS if f"FROM {table} " in metric.sql), None)


class EarlierSums:
    """Sums by project, metric and day. Thread-safe. A sum is used only while the rows before its day (of rollups: and the prices) are
    those that it was made of, so that late data count at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, Hashable, int], tuple[tuple[Any, ...], CounterRows]] = OrderedDict()

    def before(
        self, day_s: int, read: Callable[[], CounterRows], *, store: Store, project: str, metric: Hashable, table: str
    ) -> CounterRows:
        """The sums of all minutes before day_s (Unix seconds); `read` makes them when they are not known. metric: what
        tells sums apart. Raises StoreError."""
        (row,) = store.rows(_VERSIONS[table], {"project": project, "to_s": day_s})
        version = tuple(row.values())
        key = (project, metric, day_s)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == version:
                self._kept.move_to_end(key)
                return kept[1]
        sums = read()
        with self._lock:
            self._kept[key] = (version, sums)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return sums
