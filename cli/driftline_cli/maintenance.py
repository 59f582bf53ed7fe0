"""`driftline migrate` and `driftline analyze`: work on a data directory that nobody else holds."""

from dataclasses import asdict
from pathlib import Path

from driftline_analyzers.runner.runner import AnalysisRunner
from driftline_analyzers.settings import AnalyzerSettings
from driftline_cli.console import human_console, progress_bars, write_json
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


def run_analyze(data_dir: Path, *, is_json: bool) -> int:
    """One run of the analyzers with progress; 0, or 1 when a window failed. Raises DataDirInUse."""
    console = human_console(is_json=is_json)
    with (
        DataDirLock(data_dir, command="analyze"),
        open_store(data_dir) as (store, _),
        progress_bars(console) as bars,
    ):
        windows = bars.add_task("windows tested", total=None, note="")
        texts = bars.add_task("texts embedded", total=None, note="of the segment at hand")

        def advance(phase: str, done: int, total: int) -> None:
            bars.update(windows if phase == "windows" else texts, completed=done, total=max(1, total))

        report = AnalysisRunner(AnalyzerSettings(), store, progress=advance).run_once()
    if is_json:
        write_json(asdict(report))
    else:
        console.print(
            f"{report.windows} windows, {report.findings} findings: [red]{report.drifts} drift[/], "
            f"{report.insufficient} with too few texts, {report.errors} failed; {report.texts_embedded:,} texts embedded"
        )
    return 1 if report.errors else 0
