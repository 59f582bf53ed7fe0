"""Writes scores, their counts by the minute and the cursor. Writing the same thing again replaces it."""

from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from typing import Final

from driftline_analyzers.runner.records import to_parameter, to_time
from driftline_analyzers.scoring.records import ScoreRow
from driftline_core.store import Store

_MINUTES = (files("driftline_analyzers") / "sql" / "scoring_minutes.sql").read_text(encoding="utf-8")
_COLUMNS: Final = (
    "project",
    "analyzer",
    "analyzer_version",
    "field",
    "start_time",
    "trace_id",
    "span_id",
    "service",
    "model",
    "prompt_version",
    "status",
    "value",
    "p_value",
    "is_flagged",
    "evidence",
)
_SPAN_MINUTES: Final = 360
"""From the first to the last minute that one query counts."""


class ScoringWriter:
    """Inserts of the scoring runner, for one set of analyzers. Every method raises StoreError."""

    def __init__(self, store: Store, *, analyzers: Sequence[str]) -> None:
        self._store = store
        self._analyzers = list(analyzers)

    def write(self, project: str, rows: Sequence[ScoreRow]) -> None:
        """Insert or replace scores."""
        self._store.insert("scores", _COLUMNS, [_columns(project, row) for row in rows])

    def count(self, project: str, starts_ns: Iterable[int]) -> None:
        """Count the minutes of these starts of calls (Unix ns) anew."""
        minutes = sorted({start_ns // 60_000_000_000 for start_ns in starts_ns})
        for chunk in _chunks(minutes):
            parameters = {
                "project": project,
                "analyzers": self._analyzers,
                "from_time": to_parameter(chunk[0] * 60_000),
                "to_time": to_parameter((chunk[-1] + 1) * 60_000),
                "minutes": [minute * 60 for minute in chunk],
            }
            self._store.command(_MINUTES, parameters)

    def move_cursor(self, name: str, *, position_ms: int) -> None:
        """Everything stored up to position_ms (Unix ms) is handled."""
        self._store.insert("cursors", ("name", "position"), [(name, to_time(position_ms))])


def _columns(project: str, row: ScoreRow) -> tuple[object, ...]:
    return (
        project,
        row.key.analyzer,
        row.key.analyzer_version,
        row.key.field,
        row.key.start_ns,
        bytes.fromhex(row.key.trace_id),
        bytes.fromhex(row.key.span_id),
        row.service,
        row.model,
        row.prompt_version,
        row.status,
        row.value,
        None,
        int(row.is_flagged),
        row.evidence,
    )


def _chunks(minutes: Sequence[int]) -> Iterator[Sequence[int]]:
    start = 0
    for position, minute in enumerate(minutes):
        if minute - minutes[start] >= _SPAN_MINUTES:
            yield minutes[start:position]
            start = position
    if minutes:
        yield minutes[start:]
