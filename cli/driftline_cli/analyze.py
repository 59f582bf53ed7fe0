"""`driftline analyze`: tests and scores what has settled, or a range of the past again."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import reduce
from operator import add
from pathlib import Path
from types import FrameType

from driftline_analyzers import AnalysisRunner, AnalyzerSettings, ScoringRunner
from driftline_analyzers.bias.runner import BiasRunner
from driftline_analyzers.bias.settings import BiasSettings
from driftline_analyzers.embed.factory import make_embedder
from driftline_cli.console import human_console, progress_bars, write_json
from driftline_cli.judge import judging
from driftline_cli.store_access import hold_store
from driftline_core.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeOptions:
    """What is tested and scored. start, end: settled windows, and calls, that begin in this range of event time, changed or not, end
    exclusive; both None: what is new or has changed. project: None for every one."""

    data_dir: Path
    start: datetime | None
    end: datetime | None
    project: str | None


def run_analyze(options: AnalyzeOptions, *, is_json: bool) -> int:
    """One run with progress; 0, 1 when a window or a call failed, 130 when interrupted. Raises DataDirInUse, InputError, StoreError."""
    if (options.start is None) != (options.end is None):
        raise InputError("expected --from and --to together, or neither to test what is new")
    if options.start is not None and options.end is not None and options.end <= options.start:
        raise InputError(f"expected --to after --from, got {options.start.isoformat()} to {options.end.isoformat()}")
    console = human_console(is_json=is_json)
    with hold_store(options.data_dir, command="analyze") as store, progress_bars(console) as bars:
        windows = bars.add_task("windows tested", total=None, note="")
        texts = bars.add_task("texts embedded", total=None, note="of the segment at hand")
        traces = bars.add_task("traces scored", total=None, note="")
        tasks = {"windows": windows, "embed": texts, "traces": traces}

        def advance(phase: str, done: int, total: int) -> None:
            bars.update(tasks[phase], completed=done, total=max(1, total))

        settings = AnalyzerSettings()
        embedder = make_embedder(settings)
        runner = AnalysisRunner(settings, store, progress=advance, embedder=embedder)
        scoring = [
            ScoringRunner(settings, store, progress=advance, embedder=embedder),
            *judging(settings, store, embedder=embedder, progress=advance),
        ]
        bias = [BiasRunner(store, BiasSettings.of(settings), embedder=embedder)] if settings.bias_window else []
        with _interruptible(runner, *scoring, *bias):
            if options.start is not None and options.end is not None:
                report = runner.run_range(options.project, from_time=options.start, to_time=options.end)
                reports = [
                    one.run_range(options.project, from_time=options.start, to_time=options.end) for one in scoring
                ]
            else:
                report = runner.run_once(options.project)
                reports = [one.run_once(options.project, is_settled=True) for one in scoring]
            groups = [one.run_once(options.project) for one in bias if options.start is None]
        scored = reduce(add, reports)
    is_complete = report.is_complete and scored.is_complete
    if is_json:
        write_json({**asdict(report), "scoring": asdict(scored), "groups": [asdict(one) for one in groups]})
    else:
        console.print(
            f"{report.windows} windows, {report.findings} findings: [red]{report.drifts} drift[/], "
            f"{report.insufficient} with too few texts, {report.errors} failed; {report.texts_embedded:,} texts embedded"
        )
        console.print(
            f"{scored.calls:,} calls scored: [red]{_told(scored.flagged) or 'nothing'}[/] flagged, "
            f"{sum(scored.unknown.values()):,} scores unknown, {sum(scored.failed.values()):,} failed"
        )
        for one in groups:
            console.print(
                f"{one.windows} windows compared by groups of people, {one.calls:,} calls: [red]{one.gaps} gaps[/], {one.errors} failed"
            )
        for error in scored.errors:
            console.print(error, style="red", markup=False, highlight=False)
        if not is_complete:
            console.print("[yellow]interrupted[/]: what was tested is written; the same command goes on with the rest")
    if report.errors or scored.errors or any(one.errors for one in groups):
        return 1
    return 0 if is_complete else 130


def _told(counts: Mapping[str, int]) -> str:
    """'12 pii, 3 injection', most first, without those that count nothing."""
    most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {name}" for name, count in most_first if count)


@contextmanager
def _interruptible(*runners: AnalysisRunner | ScoringRunner | BiasRunner) -> Iterator[None]:
    """Ctrl-C ends the run after the batch at hand, with what it has written; a second one ends the process."""

    def stop(signum: int, frame: FrameType | None) -> None:
        for runner in runners:
            runner.stop()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
