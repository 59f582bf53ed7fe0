"""`driftline import`: says what it understood, imports, says what happened."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from driftline_cli.console import human_console, progress_bars, write_json
from driftline_cli.importing.pipeline import ImportOptions, ImportPlan, ImportReport, plan_import, run_import
from driftline_cli.importing.sender import OtlpSender
from driftline_cli.lock import DataDirLock
from driftline_core.errors import InputError, StoreError

_FLUSH_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where an import goes: a collector's address, or a data directory that is opened for it."""

    endpoint: str
    data_dir: Path | None
    project: str


def parse_join(text: str) -> tuple[Path, str]:
    """'FILE:COLUMN'. Raises InputError on anything else."""
    file, separator, column = text.rpartition(":")
    if not separator or not file or not column:
        raise InputError(f"expected --join FILE:COLUMN, got {text!r}")
    return Path(file), column


def run_import_command(options: ImportOptions, destination: Destination, *, is_json: bool) -> ImportReport:
    """Import and report. Raises InputError, DeliveryError, DataDirInUse, StoreError."""
    console = human_console(is_json=is_json)
    with console.status(f"reading {options.path.name}"):
        plan = plan_import(options)
    if not is_json:
        _explain(console, plan)
    with (
        _endpoint(destination) as endpoint,
        OtlpSender(endpoint, project=destination.project) as sender,
        progress_bars(console, has_counts=False) as bars,
    ):
        task = bars.add_task("importing", total=plan.size_bytes, note="")

        def advance(offset: int, report: ImportReport) -> None:
            bars.update(task, completed=offset, note=f"{report.sent:,} rows")

        report = run_import(plan, sender, progress=advance)
    if is_json:
        write_json(report.as_json())
    else:
        _tell(console, report)
    return report


@contextmanager
def _endpoint(destination: Destination) -> Iterator[str]:
    """The collector's address; a data directory's own collector runs on free ports for as long as it takes, and flushes."""
    if destination.data_dir is None:
        yield destination.endpoint
        return
    from driftline_cli.store_access import open_store
    from driftline_collector.service import Collector
    from driftline_collector.settings import CollectorSettings

    with DataDirLock(destination.data_dir, command="import --embedded"), open_store(destination.data_dir) as (store, _):
        settings = CollectorSettings(spool_path=destination.data_dir / "spool", http_port=0, grpc_port=0)
        collector = Collector(settings, store)
        collector.start()
        try:
            yield f"http://127.0.0.1:{collector.http_port}"
            if not collector.flush(_FLUSH_TIMEOUT_S):
                raise StoreError(
                    f"expected the store to take everything within {_FLUSH_TIMEOUT_S:g} s, got some left in the spool; "
                    "it is kept there and stored at the next start"
                )
        finally:
            collector.stop(deadline_s=20.0)


def _explain(console: Console, plan: ImportPlan) -> None:
    """What each field was taken from, and when rows without a time are said to have happened."""
    table = Table("field", "from", "", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name, column in plan.columns.columns.items():
        table.add_row(name, f"column {column}", "[dim]guessed[/]" if name in plan.columns.guessed else "")
    for name, value in plan.columns.constants.items():
        table.add_row(name, f"always {value}", "")
    if plan.spread is not None:
        step_s = plan.spread.spacing.total_seconds()
        table.add_row("time", f"none in the log: one row every {step_s:g} s from {plan.spread.start.isoformat()}", "")
    console.print(table)


def _tell(console: Console, report: ImportReport) -> None:
    console.print(
        f"[green]{report.sent:,} sent[/] of {report.rows:,} rows, {report.rejected:,} rejected"
        + (f", {report.skipped:,} left out by --filter" if report.skipped else "")
    )
    for rejection in report.rejections:
        where = f"line {rejection.line}: " if rejection.line else ""
        console.print(f"  [yellow]{where}[/]{rejection.reason}", markup=True)
    if report.rejected_path is not None:
        console.print(f"  rejected rows: {report.rejected_path}")
