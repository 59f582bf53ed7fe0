"""Databases with tables in them, each used by one test after another: to make them takes half a second, to empty them a fiftieth."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from driftline_core.settings import StoreSettings
from driftline_core.store import Store

_KEPT = "migrations"
_TABLES = (
    "SELECT name, toString(uuid) || create_table_query AS made FROM system.tables WHERE database = {database:String}"
)
_FILLED = "SELECT table, sum(rows) AS n FROM system.parts WHERE database = {database:String} AND active AND rows > 0 GROUP BY table"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Database:
    """tables: identity and definition by name, as they were made. n_kept: rows of `migrations`."""

    name: str
    tables: dict[str, str]
    n_kept: int


class Databases:
    """Gives out databases that are as `build` leaves them; takes back those whose tables still are what they were.

    A table that was altered, renamed, dropped or added, or a changed list of migrations, ends its database.
    """

    def __init__(self, engine: Store, path: Path, *, prefix: str, build: Callable[[Store], object]) -> None:
        self._engine = engine
        self._path = path
        self._prefix = prefix
        self._build = build
        self._numbers = itertools.count(1)
        self._free: list[_Database] = []
        self._made: dict[str, _Database] = {}

    def take(self) -> Store:
        """A store over a database that nobody else has."""
        if self._free:
            return self._open(self._free.pop().name)
        store = self._open(f"{self._prefix}_{next(self._numbers)}")
        self._build(store)
        name = store.settings.database
        self._made[name] = _Database(name=name, tables=self._tables(name), n_kept=self._filled(name).get(_KEPT, 0))
        return store

    def give_back(self, store: Store) -> None:
        """Close the store, and empty its database for the next or drop it."""
        name = store.settings.database
        store.close()
        made, filled = self._made[name], self._filled(name)
        if self._tables(name) != made.tables or filled.pop(_KEPT, 0) != made.n_kept:
            del self._made[name]
            self._engine.command(f"DROP DATABASE IF EXISTS {name} SYNC")
            return
        for table in filled:
            self._engine.command(f"TRUNCATE TABLE {name}.{table} SYNC")
        self._free.append(made)

    def _open(self, name: str) -> Store:
        return Store(StoreSettings(path=self._path, database=name))

    def _tables(self, name: str) -> dict[str, str]:
        return {row["name"]: row["made"] for row in self._engine.rows(_TABLES, {"database": name})}

    def _filled(self, name: str) -> dict[str, int]:
        return {row["table"]: row["n"] for row in self._engine.rows(_FILLED, {"database": name})}
