"""Derives the past anew after the dialect table changed: generations are a function of what is stored, so nothing is lost by it.

A range of time is derived, then what the table no longer recognises is removed, then the minutes of the rollup that counted it are
computed anew. Each of these may be repeated, so a replay that was interrupted is simply run again. Beside a running collector, also on
another machine, both write what they see and the later look wins.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from driftline_collector.deriver import Deriver
from driftline_collector.mapping import DialectTable
from driftline_collector.schemas import query_text
from driftline_core.store import Store
from driftline_core.store.rollup import Rollup

CHUNK_SPANS: Final = 40_000
_MINUTE: Final = timedelta(minutes=1)
_INSTANT: Final = timedelta(milliseconds=1)
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_PATIENT: Final = {"max_execution_time": 0, "lightweight_deletes_sync": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Spans that began within [start, end) and are derived together. n_spans: repeated ones counted."""

    start: datetime
    end: datetime
    n_spans: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a chunk's replay came to. written: generations by dialect. n_failed: spans that cannot be derived; then nothing is removed."""

    n_spans: int
    written: Mapping[str, int]
    n_removed: int
    n_failed: int


class Replay:
    """Over one project or all. max_spans: most spans a chunk, unless more began within one millisecond."""

    def __init__(
        self, store: Store, table: DialectTable, *, project: str | None = None, max_spans: int = CHUNK_SPANS
    ) -> None:
        self._store = store
        self._deriver = Deriver(store, table)
        self._rollup = Rollup(store)
        self._project = project
        self._max_spans = max_spans
        self._keys = sorted({key for rule in table.recognise for key in rule.keys})

    @property
    def mapping(self) -> str:
        """The fingerprint that every row gets."""
        return self._deriver.mapping

    def plan(self, *, start: datetime | None = None, end: datetime | None = None) -> list[Chunk]:
        """The chunks of everything stored that began within [start, end). Raises StoreError."""
        start, end = start or _EARLIEST, end or _LATEST
        chunks: list[Chunk] = []
        for minute in self._minutes(start, end):
            last = chunks[-1] if chunks else None
            if last is not None and last.n_spans + minute.n_spans <= self._max_spans:
                chunks[-1] = Chunk(start=last.start, end=minute.end, n_spans=last.n_spans + minute.n_spans)
            else:
                chunks += self._parts(minute)
        return chunks

    def is_current(self, chunk: Chunk) -> bool:
        """Whether every generation is of this mapping, and none is missing: of spans, by their own keys, not by those of log records.
        Raises StoreError."""
        [row] = self._rows("replay_state.sql", chunk, mapping=self.mapping, keys=self._keys)
        return not row["n_others"] and not row["n_missing"]

    def run(self, chunk: Chunk) -> Outcome:
        """Derive a chunk anew. Raises InsertFailed, StoreError when the store is at fault: then run it again."""
        derived = self._deriver.range(project=self._project, start=chunk.start, end=chunk.end)
        version = {"version": derived.version.strftime("%Y-%m-%d %H:%M:%S.%f")}
        rows = self._rows("replay_outcome.sql", chunk, **version)
        n_removed = 0
        if not derived.n_failed and any(row["n_old"] for row in rows):
            touched = self._rows("replay_minutes.sql", chunk, **version)
            sql = query_text("replay_remove.sql")
            self._store.command(sql, self._parameters(chunk, **version), settings=_PATIENT)
            for row in touched:
                self._rollup.compute(row["project"], row["minutes"])
            n_removed = sum(row["n_removed"] for row in rows)
        return Outcome(
            n_spans=derived.n_spans,
            written={row["dialect"]: row["n_written"] for row in rows if row["n_written"]},
            n_removed=n_removed,
            n_failed=derived.n_failed,
        )

    def _minutes(self, start: datetime, end: datetime) -> Iterator[Chunk]:
        whole = Chunk(start=start, end=end, n_spans=0)
        for row in self._rows("replay_plan.sql", whole):
            minute = datetime.fromtimestamp(row["minute"], UTC)
            yield Chunk(start=max(start, minute), end=min(end, minute + _MINUTE), n_spans=row["n_spans"])

    def _parts(self, chunk: Chunk) -> Iterator[Chunk]:
        """The chunk, in halves where it holds too many."""
        if chunk.n_spans <= self._max_spans or chunk.end - chunk.start <= _INSTANT:
            yield chunk
            return
        middle = chunk.start + (chunk.end - chunk.start) // (2 * _INSTANT) * _INSTANT
        for start, end in ((chunk.start, middle), (middle, chunk.end)):
            part = Chunk(start=start, end=end, n_spans=0)
            n_spans = sum(row["n_spans"] for row in self._rows("replay_plan.sql", part))
            if n_spans:
                yield from self._parts(Chunk(start=start, end=end, n_spans=n_spans))

    def _rows(self, name: str, chunk: Chunk, **more: Any) -> list[dict[str, Any]]:
        return self._store.rows(query_text(name), self._parameters(chunk, **more))

    def _parameters(self, chunk: Chunk, **more: Any) -> dict[str, Any]:
        times = {"start": _text(chunk.start), "end": _text(chunk.end)}
        return {**times, "project": self._project or "", **more}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
