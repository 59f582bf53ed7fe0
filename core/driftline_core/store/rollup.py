"""The one-minute rollup: minutes touched by new rows are computed anew, whole, from the calls as they count (view llm_calls).

So a span that comes late, twice or out of order leaves the same numbers as one that came in order.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Final

from driftline_core.clock import utc_now
from driftline_core.log import get_logger
from driftline_core.store.client import Store
from driftline_core.store.minute_runs import minute_runs

_LOG = get_logger("rollup")
_QUERIES = files("driftline_core.store") / "queries"

BUCKETS_MS: Final[tuple[float, ...]] = tuple(10.0 * 2**power for power in range(14))
"""Upper bounds of the duration histogram, 10 ms to 81.92 s as OTel recommends; rollup_1m.duration_buckets has one count more, +Inf."""

_CURSOR: Final = "rollup_1m"
_OVERLAP_S: Final = 5
_SWEEP_EVERY_S: Final = 60.0
_SWEEP_OVERLAP_S: Final = 180
_CHUNK_S: Final = 6 * 3600

_POSITION: Final = """
SELECT toString(toDateTime64(max(position), 3, 'UTC') - if(count() = 0, 0, {overlap_s:UInt32}))
FROM cursors FINAL WHERE name = {name:String}
"""
_MOVE: Final = "INSERT INTO cursors (name, position) VALUES ({name:String}, {position:DateTime64(3, 'UTC')})"


class Rollup:
    """Keeps rollup_1m in step with generations. One at a time: two would do the same work twice, not harm each other.

    clock: the time that versions the rows; the cursor follows the engine's clock, which also stamps `stored_at`.

    A row is stamped when its INSERT begins and seen when it ends. Every tick looks back over the usual length of an INSERT; once
    a minute, and first of all, a sweep looks back over the longest.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock
        self._swept_at_s: float | None = None
        self._touched_sql = (_QUERIES / "rollup_touched.sql").read_text(encoding="utf-8")
        self._minutes_sql = (_QUERIES / "rollup_minutes.sql").read_text(encoding="utf-8")

    def tick(self) -> int:
        """Compute every minute touched since the last tick; returns how many (per project). Raises StoreError.

        The cursor moves when all are done: a tick that fails halfway is repeated whole.
        """
        now = self._store.scalar("SELECT toString(now64(3, 'UTC'))")
        now_s = time.monotonic()
        is_sweep = self._swept_at_s is None or now_s - self._swept_at_s >= _SWEEP_EVERY_S
        since = self._since(overlap_s=_SWEEP_OVERLAP_S if is_sweep else _OVERLAP_S)
        n_minutes = 0
        for row in self._store.rows(self._touched_sql, {"since": since}):
            self.compute(row["project"], row["minutes"])
            n_minutes += len(row["minutes"])
        self._store.command(_MOVE, {"name": _CURSOR, "position": now})
        if is_sweep:
            self._swept_at_s = now_s
        if n_minutes:
            _LOG.debug("minutes rolled up", minutes=n_minutes)
        return n_minutes

    def compute(self, project: str, minutes: Sequence[int]) -> None:
        """Compute these minutes (unix seconds of their starts, sorted) anew: for those whose calls are gone. Raises StoreError."""
        for chunk in minute_runs(minutes, at_most_s=_CHUNK_S):
            self._compute(project, chunk)

    def _since(self, *, overlap_s: int) -> str:
        found: str = self._store.scalar(_POSITION, {"name": _CURSOR, "overlap_s": overlap_s})
        return found

    def _compute(self, project: str, minutes: Sequence[int]) -> None:
        parameters = {
            "project": project,
            "from_time": _text(datetime.fromtimestamp(minutes[0], UTC)),
            "to_time": _text(datetime.fromtimestamp(minutes[-1] + 60, UTC)),
            "minutes": list(minutes),
            "bounds": list(BUCKETS_MS),
            "updated_at": _text(self._clock()),
        }
        self._store.command(self._minutes_sql, parameters)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
