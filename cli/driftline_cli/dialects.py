"""`driftline dialects check`: whether a dialect file of one's own can be used, and what it adds to the shipped table."""

from pathlib import Path
from typing import Any, Final

from driftline_cli.console import human_console, write_json
from driftline_collector.derivation import Derivation
from driftline_collector.mapping import DialectTable, load_table

_LISTS: Final = ("recognise", "kinds", "documents", "absent", "details", "estimates", "uncached_input")


def run_check(file: Path, *, is_json: bool) -> None:
    """Say what the file adds. Raises ConfigError naming the place of a fault."""
    table = load_table(extension=file)
    fingerprint = Derivation(table).fingerprint
    added = _added(load_table(), table)
    if is_json:
        write_json({"file": str(file), "mapping": fingerprint, "added": added})
        return
    console = human_console(is_json=False)
    for place, rows in added.items():
        console.print(f"[bold]{place}[/]")
        for row in rows:
            console.print(f"  {row}", markup=False)
    count = sum(map(len, added.values()))
    console.print(
        f"[green]ok[/], {count} rows added; mapping {fingerprint}" if count else "[yellow]ok, and nothing added[/]"
    )


def _added(shipped: DialectTable, table: DialectTable) -> dict[str, list[str]]:
    """Place in the table to the rows that are not in the shipped one, as they stand in YAML."""
    found: dict[str, list[str]] = {}
    for name in _LISTS:
        found[name] = _new(getattr(shipped, name), getattr(table, name))
    for name, field in table.fields_.items():
        found[f"fields.{name}"] = _new(shipped.fields_[name].sources, field.sources)
    for conversation, sources in table.messages.items():
        found[f"messages.{conversation}"] = _new(shipped.messages[conversation], sources)
    found["metadata.prefixes"] = _new(shipped.metadata.prefixes, table.metadata.prefixes)
    for name in ("providers", "operations"):
        before, after = getattr(shipped, name), getattr(table, name)
        found[name] = [f"{key}: {value}" for key, value in after.items() if before.get(key) != value]
    return {place: rows for place, rows in found.items() if rows}


def _new(before: tuple[Any, ...], after: tuple[Any, ...]) -> list[str]:
    return [_shown(row) for row in after[: len(after) - len(before)]]


def _shown(row: Any) -> str:
    if isinstance(row, str):
        return row
    given = row.model_dump(mode="json", exclude_defaults=True)
    return str(given["key"]) if set(given) == {"key"} else ", ".join(f"{key}: {value}" for key, value in given.items())
