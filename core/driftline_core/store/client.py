"""The one way to ClickHouse: an embedded engine in this process, or a server, behind the same client."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from driftline_core.errors import StoreError
from driftline_core.settings import StoreSettings

Parameters = Mapping[str, Any]
Row = dict[str, Any]


class Store:
    """A database of Driftline's. Methods may be called from any thread: each thread has a client of its own.

    One process can hold one embedded engine; several `Store`s on the same directory share it.
    Values are bound as server-side parameters (`{name:Type}` in the SQL), never formatted into text.
    """

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings
        self._local = threading.local()
        self._clients: list[tuple[threading.Thread, Client]] = []
        self._lock = threading.Lock()
        self._is_closed = False
        bootstrap = self._connect(database="default")
        try:
            bootstrap.command(f"CREATE DATABASE IF NOT EXISTS {settings.database}")
        finally:
            # An embedded engine lives while a handle is open: open ours before the first is closed.
            client = self.client
            bootstrap.close()
        self.version = client.server_version

    @property
    def is_embedded(self) -> bool:
        """True over the embedded engine, False over a server."""
        return self.settings.dsn is None

    @property
    def client(self) -> Client:
        """This thread's clickhouse-connect client; errors there are clickhouse-connect's own."""
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            if self._is_closed:
                raise StoreError("the store is closed")
            client = self._connect(database=self.settings.database)
            self._local.client = client
            self._keep(client)
        return client

    def _keep(self, client: Client) -> None:
        """Remember this thread's client and close those of threads that have ended: pools come and go."""
        with self._lock:
            ended = [one for thread, one in self._clients if not thread.is_alive()]
            self._clients = [(thread, one) for thread, one in self._clients if thread.is_alive()]
            self._clients.append((threading.current_thread(), client))
        for one in ended:
            one.close()

    def rows(self, sql: str, parameters: Parameters | None = None, *, settings: Parameters | None = None) -> list[Row]:
        """Every row of a SELECT as a dict by column name. Raises StoreError."""
        try:
            result = self.client.query(sql, parameters=_plain(parameters), settings=_plain(settings))
        except ClickHouseError as error:
            raise StoreError(str(error)) from error
        names = result.column_names
        return [dict(zip(names, row, strict=True)) for row in result.result_rows]

    def arrow(self, sql: str, parameters: Parameters | None = None, *, settings: Parameters | None = None) -> Any:
        """The result of a SELECT as a pyarrow Table: the way for many rows. Raises StoreError."""
        try:
            return self.client.query_arrow(
                sql, parameters=_plain(parameters), settings=_plain(settings), use_strings=True
            )
        except ClickHouseError as error:
            raise StoreError(str(error)) from error

    def scalar(self, sql: str, parameters: Parameters | None = None) -> Any:
        """First column of the first row, or None when there is no row. Raises StoreError."""
        try:
            result = self.client.query(sql, parameters=_plain(parameters))
        except ClickHouseError as error:
            raise StoreError(str(error)) from error
        return result.result_rows[0][0] if result.result_rows else None

    def command(self, sql: str, parameters: Parameters | None = None, *, settings: Parameters | None = None) -> None:
        """Run one statement that returns nothing. Raises StoreError."""
        try:
            self.client.command(sql, parameters=_plain(parameters), settings=_plain(settings))
        except ClickHouseError as error:
            raise StoreError(str(error)) from error

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Insert rows in one block; returns how many. Nothing is stored when it raises StoreError."""
        data = list(rows)
        if not data:
            return 0
        try:
            self.client.insert(table, data, column_names=list(columns))
        except ClickHouseError as error:
            raise StoreError(str(error)) from error
        return len(data)

    def close(self) -> None:
        """Close every thread's client. The embedded engine stops with the last one."""
        self._is_closed = True
        with self._lock:
            clients, self._clients = self._clients, []
        for _, client in clients:
            client.close()
        self._local = threading.local()

    def _connect(self, *, database: str) -> Client:
        limits: dict[str, Any] = {
            "max_execution_time": int(self.settings.query_timeout_s),
            "max_memory_usage": self.settings.memory_limit_bytes,
        }
        try:
            if self.settings.dsn is None:
                path = Path(self.settings.path)
                path.parent.mkdir(parents=True, exist_ok=True)
                return clickhouse_connect.get_client(
                    interface="chdb", path=str(path), database=database, settings=limits
                )
            return clickhouse_connect.get_client(
                dsn=self.settings.dsn.get_secret_value(),
                database=database,
                settings=limits,
                autogenerate_session_id=False,
            )
        except (ClickHouseError, OSError) as error:
            where = self.settings.path if self.settings.dsn is None else "the ClickHouse server of DRIFTLINE_STORE_DSN"
            raise StoreError(f"cannot open the store at {where}: {error}") from error


def _plain(mapping: Parameters | None) -> dict[str, Any] | None:
    return dict(mapping) if mapping is not None else None
