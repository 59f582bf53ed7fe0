"""The core's SQL files."""

from functools import cache
from importlib.resources import files


@cache
def read_sql(name: str) -> str:
    """Text of `sql/<name>.sql`."""
    return (files("driftline_core") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
