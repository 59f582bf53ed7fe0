"""Reads for one project: the route cannot forget whose rows it asks for."""

import re
from functools import cache
from importlib.resources import files
from typing import Any

from driftline_core.store import Store

Row = dict[str, Any]
_INCLUDE = re.compile(r"^\s*-- include ([\w/]+)$", re.MULTILINE)
# Rows of one key always share a partition (each is made of the key's own time), so FINAL need not look across.
_SETTINGS = {"do_not_merge_across_partitions_select_final": 1}


@cache
def read_sql(name: str) -> str:
    """Text of `sql/<name>.sql`; `core/<name>` is the core's. A line `-- include other` is replaced by that file."""
    package, _, stem = name.rpartition("/")
    folder = files("driftline_core" if package == "core" else "driftline_api") / "sql"
    text = (folder / f"{stem}.sql").read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda match: read_sql(match[1]).rstrip("\n"), text)


class ProjectReader:
    """Runs the API's own queries with `{project:String}` bound to one project."""

    def __init__(self, store: Store, project: str) -> None:
        self.project = project
        self._store = store

    @property
    def store(self) -> Store:
        """For the core's own functions, which take the project by name."""
        return self._store

    def rows(self, query: str, **parameters: Any) -> list[Row]:
        """Rows of `sql/<query>.sql`. Raises StoreError."""
        return self._store.rows(read_sql(query), {**parameters, "project": self.project}, settings=_SETTINGS)

    def row(self, query: str, **parameters: Any) -> Row:
        """The first row of a query that always has one. Raises StoreError."""
        return self.rows(query, **parameters)[0]

    def insert(self, table: str, row: Row) -> None:
        """Insert one row, stamped with the project. Raises StoreError."""
        stamped = {**row, "project": self.project}
        self._store.insert(table, list(stamped), [list(stamped.values())])
