"""`driftline migrate`: works on a data directory that nobody else holds."""

from pathlib import Path

from driftline_cli.console import human_console, write_json
from driftline_cli.lock import DataDirLock
from driftline_cli.store_access import open_store


def run_migrate(data_dir: Path, *, is_json: bool) -> None:
    """Apply what is missing and say what it was. Raises DataDirInUse."""
    with DataDirLock(data_dir, command="migrate"), open_store(data_dir) as (_, applied):
        names = [f"{migration.version:04d}_{migration.name}" for migration in applied]
    if is_json:
        write_json({"applied": names})
    elif names:
        human_console(is_json=False).print(f"applied {len(names)}: {', '.join(names)}")
    else:
        human_console(is_json=False).print("nothing to do, the store is of this version")
