"""Derives generations from stored spans, a batch at a time: as segments are loaded, and again over the past when the mapping changed.

A generation is a function of its span and of the log records with the same ids, so it does not matter which came first, or twice: each
segment, of spans or of log records, derives what it touches once it can be queried, and the run that saw more has the later version.
"""

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from string import Template
from typing import Final

from clickhouse_connect.driver.exceptions import ClickHouseError

from driftline_collector.batch import Extent, Scope, log_parameters, look_at, spans_sql
from driftline_collector.derivation import COLUMNS, Derivation
from driftline_collector.insert import InsertFailed
from driftline_collector.mapping import DialectTable
from driftline_core.clock import utc_now
from driftline_core.store import Store

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
        """Derive anew the spans that log records of these INSERTs belong to, if they came already. Raises InsertFailed."""
        return self._derive(Scope.of_logs(tokens, since=_text(since)))

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
        except ClickHouseError as error:
            raise InsertFailed(error) from error

    def _insert(self, scope: Scope, extent: Extent, stamp: datetime) -> None:
        select = self._derivation.generations(extent.presence)
        if select is None:
            return
        table = self._derivation.table
        sql = Template(select).safe_substitute(
            spans=spans_sql(scope, extent, table), derived_at=f"toDateTime64('{stamp:%Y-%m-%d %H:%M:%S.%f}', 6, 'UTC')"
        )
        parameters = dict(scope.parameters)
        if extent.n_logs:
            parameters |= log_parameters(extent, table)
        self._store.client.command(
            f"INSERT INTO generations ({', '.join(COLUMNS)}) {sql}", parameters=parameters, settings=_SETTINGS
        )

    def _stamp(self) -> datetime:
        now = self._clock()
        self._last = max(now, self._last.replace(microsecond=self._last.microsecond))
        return self._last


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
