"""Derives generations from stored spans, a batch at a time: as segments are loaded, and again over the past when the mapping changed.

A generation is a function of its span and of the log records with the same ids, so it does not matter which came first, or twice: each
segment, of spans or of log records, derives what it touches once it can be queried, and the run that saw more has the later version.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from string import Template
from typing import Any, Final

from clickhouse_connect.driver.exceptions import ClickHouseError

from driftline_collector.batch import Extent, Scope, log_parameters, look_at, spans_sql
from driftline_collector.derivation import COLUMNS, Derivation
from driftline_collector.evaluations import evaluation_logs_sql, evaluations_sql, has_evaluations
from driftline_collector.insert import InsertFailed
from driftline_collector.mapping import DialectTable
from driftline_core.clock import utc_now
from driftline_core.errors import StoreError
from driftline_core.store import Store

_MICROS: Final = "%Y-%m-%d %H:%M:%S.%f"
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


class Deriver:
    """Writes `generations`. One run at a time: versions are then in the order in which runs looked.

    clock: stamps the versions; it must not go back while runs follow each other, so the last stamp is never gone behind.
    """

    def __init__(self, store: Store, table: DialectTable, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._derivation = Derivation(table)
        self._clock = clock
        self._lock = threading.Lock()
        self._last = datetime.min.replace(tzinfo=UTC)

    @property
    def mapping(self) -> str:
        """The fingerprint of the dialect table, as it stands in every row that it derived."""
        return self._derivation.fingerprint

    def spans(self, tokens: Iterable[str], *, since: datetime) -> int:
        """Derive what these INSERTs of spans stored, not before `since`. Returns how many spans were looked at. Raises InsertFailed."""
        return self._derive(Scope.of_segments(tokens, since=_text(since)))

    def logs(self, tokens: Iterable[str], *, since: datetime) -> int:
        """Take the evaluations out of log records of these INSERTs, and derive anew the spans that the records belong to, if they came
        already. Raises InsertFailed."""
        scope = Scope.of_segments(tokens, since=_text(since))
        self._run(evaluation_logs_sql(scope), {**scope.parameters, "derived_at": f"{self._clock():{_MICROS}}"})
        return self._derive(Scope.of_logs(scope.parameters["segments"], since=_text(since)))

    def range(self, *, project: str | None, start: datetime, end: datetime) -> int:
        """Derive anew all that began within [start, end). Raises InsertFailed."""
        return self._derive(Scope.of_time(project=project, start=_text(start), end=_text(end)))

    def _derive(self, scope: Scope) -> int:
        try:
            with self._lock:
                stamp = self._stamp()
                extent = look_at(self._store, scope, self._derivation.table)
                if extent.n_spans:
                    self._insert(scope, extent, stamp)
                return extent.n_spans
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

    def _stamp(self) -> datetime:
        self._last = max(self._clock(), self._last + timedelta(microseconds=1))
        return self._last


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
