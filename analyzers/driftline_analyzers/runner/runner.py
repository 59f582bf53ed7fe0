"""The loop around the analyzers: which windows, in which order, written once, safe to kill and to run again."""

import threading
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING

from driftline_analyzers.interruptible import InterruptibleService
from driftline_analyzers.runner.count_planner import CountPlanner
from driftline_analyzers.runner.load import load_of
from driftline_analyzers.runner.phases import Progress, no_progress
from driftline_analyzers.runner.plan import Plan, Tick
from driftline_analyzers.runner.planner import TimePlanner
from driftline_analyzers.runner.progress import AnalysisStats, ProgressBook
from driftline_analyzers.runner.reader import Reader
from driftline_analyzers.runner.records import to_ms
from driftline_analyzers.runner.references import list_references
from driftline_analyzers.runner.report import Run, RunReport
from driftline_analyzers.runner.writer import Writer
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.clock import Clock, utc_now
from driftline_core.errors import DriftlineError
from driftline_core.log import get_logger
from driftline_core.service import PeriodicService
from driftline_core.store import Store
from driftline_core.store.lease import Leases

if TYPE_CHECKING:
    from driftline_analyzers.embed.embedder import Embedder
    from driftline_analyzers.runner.reference_embeddings import ReferenceEmbeddings
    from driftline_analyzers.runner.window_tester import WindowTester

_TICKS_READ_AHEAD = 12
_LOG = get_logger("analyzers")


class AnalysisRunner:
    """Tests every window that is over and has changed since it was last tested, and writes findings and scores.

    A run follows the time rows were stored (cursor minus an overlap) to the windows they fall into, so late data tests its window
    again. The cursor moves after everything is written, and never past a window that is still open: killing a run at any point
    loses nothing, and repeating one replaces its rows. torch is imported by the first window that has something to test.
    Where several workers share a server's store, each project is tested by the one that holds its lease; the others pass it over.
    progress: told how far the run is. embedder: another than the settings name.
    """

    def __init__(
        self,
        settings: AnalyzerSettings,
        store: Store,
        clock: Clock = utc_now,
        *,
        progress: Progress = no_progress,
        embedder: "Embedder | None" = None,
    ) -> None:
        self.settings = settings
        self._store = store
        self._clock = clock
        self._progress = progress
        self._embedder = embedder
        self._reader = Reader(store, settings)
        self._writer = Writer(store)
        self._stopping = threading.Event()
        self._book = ProgressBook()
        self._leases = None if store.is_embedded else Leases(store)
        self._references: ReferenceEmbeddings | None = None

    def run_once(self, project: str | None = None) -> RunReport:
        """Test what has changed, in one project or in all. Raises StoreError when the store does not answer."""
        run = Run()
        for name in [project] if project is not None else self._reader.projects():
            self._run_alone(name, run)
        report = run.report()
        self._book.add(report)
        return report

    def stats(self) -> AnalysisStats:
        """Counts since the start and the lag of each project; from any thread."""
        return self._book.stats(now_ms=to_ms(self._clock()))

    def run_range(self, project: str | None = None, *, from_time: datetime, to_time: datetime) -> RunReport:
        """Test every settled window that starts in the range again, changed or not, e.g. after a reference set was created."""
        run = Run()
        now_ms = to_ms(self._clock())
        for name in [project] if project is not None else self._reader.projects():
            with run.phases.phase("read"):
                plan = self._planner().range(name, from_ms=to_ms(from_time), to_ms=to_ms(to_time), now_ms=now_ms)
            self._test(name, plan, run, is_backfill=True)
        return run.report()

    def embed_references(self) -> int:
        """With nothing else to do: embed some texts of frozen references that the model at hand has not embedded yet; how many."""
        projects = [project for project in self._reader.projects() if list_references(self._store, project=project)]
        if not projects:
            return 0
        from driftline_analyzers.runner.reference_embeddings import ReferenceEmbeddings

        if self._references is None:
            self._references = ReferenceEmbeddings(self._store, self.settings, self._get_embedder())
        return sum(self._references.run(project) for project in projects)

    def service(self) -> PeriodicService:
        """The runner as a service; its health is bad while windows fail."""
        return _AnalysisService(self)

    def stop(self) -> None:
        """Ask a run in another thread to end after the batch at hand; what it has written stays."""
        self._stopping.set()
        if self._references is not None:
            self._references.stop()
            self._references = None

    def resume(self) -> None:
        """Allow runs again after stop."""
        self._stopping.clear()

    def _run_alone(self, project: str, run: Run) -> None:
        """The project, unless another worker is at it."""
        if self._leases is None:
            self._run_project(project, run)
            return
        lease = self._leases.acquire(f"analyzers/{project}")
        if lease is None:
            self._book.expect(project, ())
            return
        with lease:
            self._run_project(project, run)

    def _run_project(self, project: str, run: Run) -> None:
        cursor = f"analyzers/{project}"
        now_ms = to_ms(self._clock())
        overlap_ms = int(self.settings.overlap.total_seconds() * 1000)
        with run.phases.phase("read"):
            since_ms = max(0, self._reader.cursor_ms(cursor) - overlap_ms)
            plan = self._planner().due(project, since_ms=since_ms, now_ms=now_ms)
        if plan is None:
            self._book.expect(project, ())
            return
        self._book.expect(project, [tick.end_ms + self._settle_ms for tick in plan.ticks])
        failed = self._test(project, plan, run)
        if not run.is_complete:
            return
        with run.phases.phase("write"):
            self._writer.move_cursor(cursor, position_ms=plan.position_ms(failed))

    def _test(self, project: str, plan: Plan, run: Run, *, is_backfill: bool = False) -> list[Tick]:
        """Test the ticks of a plan in order of time; returns those that failed. A back-fill takes the time that it takes."""
        if not plan.ticks:
            return []
        tester = self._tester(project, plan, run)
        failed: list[Tick] = []
        pending = deque(plan.ticks)
        n_done = 0
        while pending:
            self._progress("windows", n_done, n_done + len(pending))
            tick = pending.popleft()
            try:
                if self._stopping.is_set():
                    raise _Stopped
                if n_done % _TICKS_READ_AHEAD == 0:
                    ahead = [tick, *list(pending)[: _TICKS_READ_AHEAD - 1]]
                    tester.read_ahead([content for one in ahead for content in one.contents])
                said = plan.history.forget(tick.contents)
                waited_ms = 0 if is_backfill else self._waited_ms(tick)
                load = load_of(self.settings, waited_ms=waited_ms)
                outcome = tester.run(tick.contents, load)
                with run.phases.phase("write"):
                    self._writer.write_scores(outcome.scores)
                    self._writer.write_findings(outcome.findings)
            except _Stopped:
                run.is_complete = False
                return failed
            except Exception as error:  # noqa: BLE001 - the edge of the loop: one bad window must not hold up the others
                _LOG.exception("window failed", project=project, window_start_ms=tick.start_ms)
                run.errors.append(f"{type(error).__name__}: {error}")
                failed.append(tick)
            else:
                run.count(outcome.findings, n_scores=len(outcome.scores), is_reduced=load.is_reduced)
                self._book.tested(project, tick.end_ms + self._settle_ms)
                plan.history.note(outcome.findings)
                if said and plan.history.has_turned(said):
                    _insert(pending, plan.following(tick))
            n_done += 1
        self._progress("windows", n_done, n_done)
        return failed

    @property
    def _settle_ms(self) -> int:
        return int(self.settings.settle.total_seconds() * 1000)

    def _waited_ms(self, tick: Tick) -> int:
        return tick.waited_ms(settle_ms=self._settle_ms, now_ms=to_ms(self._clock()))

    def _planner(self) -> TimePlanner | CountPlanner:
        if self.settings.window_texts:
            return CountPlanner(self._reader, self.settings)
        return TimePlanner(self._reader, self.settings)

    def _tester(self, project: str, plan: Plan, run: Run) -> "WindowTester":
        from driftline_analyzers.runner.assembly import assemble

        def on_batch(n_done: int, n_texts: int) -> None:
            if self._stopping.is_set():
                raise _Stopped
            self._progress("embed", n_done, n_texts)

        return assemble(
            project,
            plan,
            settings=self.settings,
            store=self._store,
            reader=self._reader,
            embedder=self._get_embedder(),
            run=run,
            on_batch=on_batch,
        )

    def _get_embedder(self) -> "Embedder":
        if self._embedder is None:
            from driftline_analyzers.embed.factory import make_embedder

            self._embedder = make_embedder(self.settings)
        return self._embedder


class _AnalysisService(InterruptibleService):
    """Runs the runner and tells its counts."""

    def __init__(self, runner: AnalysisRunner) -> None:
        super().__init__(runner, name="analyzers", interval_s=runner.settings.interval_s, tick=self._run_once)
        self._runner = runner

    def stats(self) -> AnalysisStats:
        """Counts and lag."""
        return self._runner.stats()

    def _run_once(self) -> None:
        report = self._runner.run_once()
        if report.errors:
            raise DriftlineError(
                f"expected every window to be tested, got {report.errors} that failed; they are tried again"
            )
        if not report.windows and report.is_complete:
            self._runner.embed_references()


class _Stopped(Exception):
    """The run was asked to end."""


def _insert(pending: deque[Tick], tick: Tick | None) -> None:
    """Put a tick that was not planned where its time is."""
    if tick is None:
        return
    planned = {content.key for one in pending for content in one.contents}
    if not all(content.key in planned for content in tick.contents):
        later = sorted([*pending, tick], key=lambda one: one.start_ms)
        pending.clear()
        pending.extend(later)
