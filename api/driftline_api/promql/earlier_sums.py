"""What counters had counted before a day began, remembered: a query then reads its own days and not all that is kept."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

from driftline_api.promql.counter_rows import CounterRows
from driftline_core.store import Store

DAY_S: Final = 86_400
SINCE: Final = "{since_s:Int64}"
"""The parameter of an SQL file that can leave out what is remembered."""
_MOST: Final = 64
_VERSION_SQL: Final = (files("driftline_api.promql") / "rollup_version.sql").read_text(encoding="utf-8")


class EarlierSums:
    """Sums by project, metric and day. Thread-safe. A sum is used only while the rollups before its day, and the prices, are those
    that it was made of, so that late data count at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, int], tuple[tuple[Any, ...], CounterRows]] = OrderedDict()

    def before(
        self, day_s: int, read: Callable[[], CounterRows], *, store: Store, project: str, metric: str
    ) -> CounterRows:
        """The sums of all minutes before day_s (Unix seconds); `read` makes them when they are not known. Raises StoreError."""
        (row,) = store.rows(_VERSION_SQL, {"project": project, "to_s": day_s})
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
