"""The queries beside this file."""

from functools import cache
from importlib.resources import files


@cache
def read_sql(name: str) -> str:
    """Text of sql/<name>.sql."""
    return (files("driftline_alerts") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
