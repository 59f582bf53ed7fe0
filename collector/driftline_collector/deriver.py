"""Derives generations from stored spans, a batch at a time: as segments are loaded, and again over the past when the mapping changed.

A generation is a function of its span and of the log records with the same ids, so it does not matter which came first, or twice: each
segment, of spans or of log records, derives what it touches once it can be queried, and the run that saw more has the later version.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from string import Template
from typing import Any, Final

from clickhouse_connect.driver.exceptions import ClickHouseError

from driftline_collector.batch import Extent, Scope, log_parameters, look_at, spans_sql
from driftline_collector.derivation import COLUMNS, Derivation
from driftline_collector.evaluations import EVENT, evaluation_logs_sql, evaluations_sql, has_evaluations
from driftline_collector.insert import InsertFailed
from driftline_collector.mapping import DialectTable
from driftline_core.errors import StoreError
from driftline_core.log import get_logger
from driftline_core.store import Store

_LOG = get_logger("collector")

_MICROS: Final = "%Y-%m-%d %H:%M:%S.%f"
_TOO_LONG: Final = 159
_MAX_DEPTH: Final = 40
_MAX_FAILURES: Final = 100  # runs that fail: two spans at fault among 40,000 take about half of them
_SETTINGS: Final = {
    "max_insert_threads": 1,
    "max_threads": 1,
    # One block: what it costs to run an expression is paid a block, and one part is written instead of many.
    "preferred_block_size_bytes": 64 << 20,
    "max_block_size": 65_536,
    "min_insert_block_size_rows": 1 << 30,
    "min_insert_block_size_bytes": 256 << 20,
    "max_partitions_per_insert_block": 0,
    "optimize_on_insert": 0,
    "compile_expressions": 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What a run came to. n_failed: of the n_spans looked at, those that could not be derived. version: the least derived_at that it
    wrote, UTC."""

    n_spans: int
    n_failed: int
    version: datetime


class Deriver:
    """Writes `generations`. One run at a time: versions are then in the order in which runs looked.

    The store's clock stamps the versions, so that several who derive agree; where it goes back the last stamp is not gone behind.
    """

    def __init__(self, store: Store, table: DialectTable) -> None:
        self._store = store
        self._derivation = Derivation(table)
        self._lock = threading.Lock()
        self._last = datetime.min.replace(tzinfo=UTC)

    @property
    def mapping(self) -> str:
        """The fingerprint of the dialect table, as it stands in every row that it derived."""
        return self._derivation.fingerprint

    def spans(self, tokens: Iterable[str], *, since: datetime) -> Derived:
        """Derive what these INSERTs of spans stored, not before `since`. Raises InsertFailed when the store is at fault."""
        return self._derive(Scope.of_segments(tokens, since=_text(since)))

    def logs(self, tokens: Iterable[str], *, since: datetime) -> Derived:
        """Take the evaluations out of log records of these INSERTs, and derive anew the spans that the records belong to, if they came
        already. Raises InsertFailed when the store is at fault."""
        scope = Scope.of_segments(tokens, since=_text(since))
        names = self._derivation.table.event_names()
        told = self._events(scope, names | {EVENT})
        if EVENT in told:
            self._run(evaluation_logs_sql(scope), scope.parameters)
        if names.isdisjoint(told):
            return Derived(n_spans=0, n_failed=0, version=self._last)
        return self._derive(Scope.of_logs(scope.parameters["segments"], since=_text(since), events=names))

    def range(self, *, project: str | None, start: datetime, end: datetime) -> Derived:
        """Derive anew all that began within [start, end). Raises InsertFailed when the store is at fault."""
        return self._derive(Scope.of_time(project=project, start=_text(start), end=_text(end)))

    def _derive(self, scope: Scope) -> Derived:
        """Derive the scope whole, or where the data make that fail in halves, until the spans at fault stand alone."""
        n_spans = n_failed = n_failures = 0
        version: datetime | None = None
        waiting = [scope]
        while waiting:
            part = waiting.pop()
            extent: Extent | None = None
            try:
                with self._lock:
                    extent = self._look(part)
                    stamp = self._stamp(extent)
                    version = version or stamp
                    if extent.n_spans:
                        self._insert(part, extent, stamp)
            except InsertFailed as failure:
                n_failures += 1
                is_alone = extent is not None and extent.n_spans == 1
                can_part = not is_alone and part.depth < _MAX_DEPTH and n_failures < _MAX_FAILURES
                if failure.is_environment and not (failure.code == _TOO_LONG and can_part):
                    raise
                if can_part:
                    waiting += part.halves()
                    continue
                n_failed += _given_up(extent, failure)
            n_spans += extent.n_spans if extent is not None else 0
        return Derived(n_spans=n_spans, n_failed=n_failed, version=version or self._last)

    def _events(self, scope: Scope, names: Iterable[str]) -> set[str]:
        """Which of these events the log records in scope tell: most applications' records are about something else."""
        sql = f"SELECT DISTINCT event_name FROM logs WHERE {scope.condition} AND event_name IN {{names:Array(String)}}"
        try:
            return {row["event_name"] for row in self._store.rows(sql, {**scope.parameters, "names": sorted(names)})}
        except StoreError as error:
            raise InsertFailed(error) from error

    def _look(self, scope: Scope) -> Extent:
        try:
            return look_at(self._store, scope, self._derivation.table)
        except StoreError as error:
            raise InsertFailed(error) from error

    def _insert(self, scope: Scope, extent: Extent, stamp: datetime) -> None:
        table = self._derivation.table
        filled = {
            "spans": spans_sql(scope, extent, table),
            "derived_at": f"toDateTime64('{stamp:{_MICROS}}', 6, 'UTC')",
        }
        parameters = {**scope.parameters, **(log_parameters(extent, table) if extent.n_logs else {})}
        select = self._derivation.generations(extent.presence)
        if select is not None:
            columns = ", ".join(COLUMNS)
            self._run(f"INSERT INTO generations ({columns}) {Template(select).safe_substitute(filled)}", parameters)
        if has_evaluations(extent.presence):
            self._run(Template(evaluations_sql()).safe_substitute(filled), parameters)

    def _run(self, sql: str, parameters: Mapping[str, Any]) -> None:
        try:
            self._store.client.command(sql, parameters=dict(parameters), settings=_SETTINGS)
        except ClickHouseError as error:
            raise InsertFailed(error) from error

    def _stamp(self, extent: Extent) -> datetime:
        self._last = max(extent.looked_at.replace(tzinfo=UTC), self._last + timedelta(microseconds=1))
        return self._last


def _given_up(extent: Extent | None, failure: InsertFailed) -> int:
    n_spans = extent.n_spans if extent is not None else 1
    _LOG.error(
        "generations cannot be derived, the spans are stored; replay-mapping tries again",
        n_spans=n_spans,
        code=failure.code,
        error=str(failure)[:500],
    )
    return n_spans


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
