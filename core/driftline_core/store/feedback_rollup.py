"""Feedback by the minute: minutes with new feedback are counted anew, whole, for the service and model of the calls that are meant."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Final

from driftline_core.clock import utc_now
from driftline_core.store.client import Store
from driftline_core.store.minute_runs import minute_runs

_QUERIES = files("driftline_core.store") / "queries"
_CURSOR: Final = "feedback_1m"
_OVERLAP_S: Final = 180
_AGAIN_S: Final = 3600
_CHUNK_S: Final = 24 * 3600
_POSITION: Final = """
SELECT toString(toDateTime64(max(position), 3, 'UTC') - if(count() = 0, 0, {overlap_s:UInt32}))
FROM cursors FINAL WHERE name = {name:String}
"""
_MOVE: Final = "INSERT INTO cursors (name, position) VALUES ({name:String}, {position:DateTime64(3, 'UTC')})"


class FeedbackRollup:
    """Keeps feedback_1m in step with what people say. One at a time: two would do the same work twice, not harm each other.

    clock: the time that versions the rows. The last hour is counted again each time: a call may come after its feedback.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock
        self._touched_sql = (_QUERIES / "feedback_touched.sql").read_text(encoding="utf-8")
        self._minutes_sql = (_QUERIES / "feedback_minutes.sql").read_text(encoding="utf-8")

    def tick(self) -> int:
        """Count every minute touched since the last tick; returns how many (per project). Raises StoreError.

        The cursor moves when all are done: a tick that fails halfway is repeated whole.
        """
        now = self._store.scalar("SELECT toString(now64(3, 'UTC'))")
        since = self._store.scalar(_POSITION, {"name": _CURSOR, "overlap_s": _OVERLAP_S})
        n_minutes = 0
        for row in self._store.rows(self._touched_sql, {"since": since, "again_s": _AGAIN_S}):
            for chunk in minute_runs(row["minutes"], at_most_s=_CHUNK_S):
                self._count(row["project"], chunk)
            n_minutes += len(row["minutes"])
        self._store.command(_MOVE, {"name": _CURSOR, "position": now})
        return n_minutes

    def _count(self, project: str, minutes: Sequence[int]) -> None:
        parameters = {
            "project": project,
            "from_ms": minutes[0] * 1000,
            "to_ms": (minutes[-1] + 60) * 1000,
            "minutes": list(minutes),
            "updated_at": self._clock().astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
        }
        self._store.command(self._minutes_sql, parameters)
