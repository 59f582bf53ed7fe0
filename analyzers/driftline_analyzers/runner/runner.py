"""The loop around the analyzers: which windows, in which order, written once, safe to kill and to run again."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from driftline_analyzers.runner.findings import DRIFT_ANALYZER, VERSION, Finding
from driftline_analyzers.runner.phases import PhaseClock, Progress, no_progress
from driftline_analyzers.runner.reader import Reader
from driftline_analyzers.runner.records import SeenFinding, WindowContent, to_ms
from driftline_analyzers.runner.references import list_references
from driftline_analyzers.runner.report import RunReport
from driftline_analyzers.runner.windows import WindowModel, is_changed, is_settled
from driftline_analyzers.runner.writer import Writer
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.clock import Clock, utc_now
from driftline_core.errors import DriftlineError
from driftline_core.log import get_logger
from driftline_core.service import PeriodicService
from driftline_core.store import Store

if TYPE_CHECKING:
    from driftline_analyzers.embed.embedder import Embedder, Embeddings

_WINDOWS_READ_AHEAD = 12
_LOG = get_logger("analyzers")


class AnalysisRunner:
    """Tests every window that is over and has changed since it was last tested, and writes findings and scores.

    A run follows the time rows were stored (cursor minus an overlap) to the windows of event time they fall into, so late data tests
    its window again. The cursor moves after everything is written, and never past a window that is still open: killing a run at any point
    loses nothing, and repeating one replaces its rows. torch is imported by the first window that has something to test.
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
        self._window_ms = int(settings.window.total_seconds() * 1000)

    def run_once(self, project: str | None = None) -> RunReport:
        """Test what has changed, in one project or in all. Raises StoreError when the store does not answer."""
        run = _Run()
        for name in [project] if project is not None else self._reader.projects():
            self._run_project(name, run)
        return run.report()

    def run_range(self, project: str | None = None, *, from_time: datetime, to_time: datetime) -> RunReport:
        """Test every settled window that starts in the range again, changed or not, e.g. after a reference set was created."""
        run = _Run()
        from_ms, to_end_ms = to_ms(from_time), to_ms(to_time)
        now_ms = to_ms(self._clock())
        for name in [project] if project is not None else self._reader.projects():
            contents = self._contents(name, from_ms, to_end_ms, run)
            starts = [
                start for start in _starts(contents) if from_ms <= start < to_end_ms and self._is_settled(start, now_ms)
            ]
            self._test_windows(name, starts, contents, run, only_changed=False)
        return run.report()

    def service(self) -> PeriodicService:
        """The runner as a service; its health is bad while windows fail."""
        return _AnalysisService(self)

    def stop(self) -> None:
        """Ask a run in another thread to end after the batch at hand; what it has written stays."""
        self._stopping.set()

    def resume(self) -> None:
        """Allow runs again after stop."""
        self._stopping.clear()

    def _run_project(self, project: str, run: "_Run") -> None:
        cursor = f"analyzers/{project}"
        now_ms = to_ms(self._clock())
        overlap_ms = int(self.settings.overlap.total_seconds() * 1000)
        with run.phases.phase("read"):
            since_ms = max(0, self._reader.cursor_ms(cursor) - overlap_ms)
            touched = self._reader.touched_windows(project=project, since_ms=since_ms)
        if not touched:
            return
        settled = [window for window in touched if self._is_settled(window.start_ms, now_ms)]
        waiting = [window for window in touched if not self._is_settled(window.start_ms, now_ms)]
        failed: list[int] = []
        if settled:
            contents = self._contents(project, settled[0].start_ms, settled[-1].start_ms + self._window_ms, run)
            starts = [window.start_ms for window in settled]
            failed = self._test_windows(project, starts, contents, run, only_changed=True)
        if not run.is_complete:
            return
        held = [window.first_stored_ms - 1 for window in waiting]
        held += [window.first_stored_ms - 1 for window in settled if window.start_ms in failed]
        position_ms = min([max(window.last_stored_ms for window in touched), *held])
        with run.phases.phase("write"):
            self._writer.move_cursor(cursor, position_ms=position_ms)

    def _is_settled(self, start_ms: int, now_ms: int) -> bool:
        settle_ms = int(self.settings.settle.total_seconds() * 1000)
        return is_settled(start_ms, window_ms=self._window_ms, settle_ms=settle_ms, now_ms=now_ms)

    def _contents(self, project: str, from_ms: int, to_end_ms: int, run: "_Run") -> list[WindowContent]:
        """What the windows of the range hold, and of the horizon before it."""
        horizon_ms = int(self.settings.reference_horizon.total_seconds() * 1000)
        with run.phases.phase("read"):
            return self._reader.contents(project=project, from_ms=max(0, from_ms - horizon_ms), to_ms=to_end_ms)

    def _test_windows(
        self, project: str, starts: Sequence[int], contents: Sequence[WindowContent], run: "_Run", *, only_changed: bool
    ) -> list[int]:
        """Test windows in order of time; returns the starts of those that failed."""
        if not starts or not contents:
            return []
        with run.phases.phase("read"):
            seen = self._reader.seen_findings(
                project=project,
                analyzer=DRIFT_ANALYZER,
                analyzer_version=VERSION,
                from_ms=contents[0].start_ms,
                to_ms=max(starts) + self._window_ms,
            )
        by_window: dict[int, list[WindowContent]] = defaultdict(list)
        for content in contents:
            by_window[content.start_ms].append(content)
        seen_by_window: dict[int, list[SeenFinding]] = defaultdict(list)
        drifted: dict[WindowModel, dict[str, bool]] = defaultdict(dict)
        for finding in seen:
            seen_by_window[finding.start_ms].append(finding)
            _note_drift(drifted, finding.start_ms, finding.model, finding.service, is_drift=finding.status == "drift")
        due = [
            start
            for start in starts
            if by_window[start]
            and (not only_changed or is_changed(by_window[start], seen_by_window[start], fields=self.settings.fields))
        ]
        if not due:
            return []

        from driftline_analyzers.embed.cache import EmbeddingCache
        from driftline_analyzers.runner.window_tester import WindowTester

        embedder = self._get_embedder()
        cache = EmbeddingCache(self._store, embedder)

        def embed(texts: Sequence[str]) -> "Embeddings":
            vectors, counts = cache.embed(texts, on_batch=self._on_batch)
            run.texts_embedded += counts.n_embedded
            run.cache_hits += counts.n_hits
            return vectors

        with run.phases.phase("read"):
            references = list_references(self._store, project=project)
        tester = WindowTester(
            project=project,
            settings=self.settings,
            reader=self._reader,
            embed=embed,
            model_id=embedder.model_id,
            references=references,
            phases=run.phases,
        )
        failed: list[int] = []
        for n_done, start in enumerate(due):
            self._progress("windows", n_done, len(due))
            try:
                if self._stopping.is_set():
                    raise _Stopped
                if n_done % _WINDOWS_READ_AHEAD == 0:
                    ahead = due[n_done : n_done + _WINDOWS_READ_AHEAD]
                    tester.read_ahead([content for window in ahead for content in by_window[window]])
                for content in by_window[start]:
                    drifted[(start, content.model)].pop(content.service, None)
                outcome = tester.run(start, by_window[start], history=contents, drifted=drifted)
                with run.phases.phase("write"):
                    self._writer.write_scores(outcome.scores)
                    self._writer.write_findings(outcome.findings)
            except _Stopped:
                run.is_complete = False
                return failed
            except Exception as error:  # noqa: BLE001 - the edge of the loop: one bad window must not hold up the others
                _LOG.exception("window failed", project=project, window_start_ms=start)
                run.errors.append(f"{type(error).__name__}: {error}")
                failed.append(start)
                continue
            run.count(outcome.findings, n_scores=len(outcome.scores))
            for written in outcome.findings:
                _note_drift(drifted, start, written.model, written.service, is_drift=written.status == "drift")
        self._progress("windows", len(due), len(due))
        return failed

    def _on_batch(self, n_done: int, n_texts: int) -> None:
        if self._stopping.is_set():
            raise _Stopped
        self._progress("embed", n_done, n_texts)

    def _get_embedder(self) -> "Embedder":
        if self._embedder is None:
            from driftline_analyzers.embed.embedder import SentenceEmbedder

            self._embedder = SentenceEmbedder(
                model=self.settings.embedding_model,
                device=self.settings.device,
                dtype=self.settings.dtype,
                batch_tokens=self.settings.batch_tokens,
                threads=self.settings.threads,
            )
        return self._embedder


class _AnalysisService(PeriodicService):
    """Runs the runner; stopping interrupts a run between two batches."""

    def __init__(self, runner: AnalysisRunner) -> None:
        super().__init__(name="analyzers", interval_s=runner.settings.interval_s, tick=self._run_once)
        self._runner = runner

    def start(self) -> None:
        self._runner.resume()
        super().start()

    def stop(self, *, deadline_s: float) -> None:
        self._runner.stop()
        super().stop(deadline_s=deadline_s)

    def _run_once(self) -> None:
        report = self._runner.run_once()
        if report.errors:
            raise DriftlineError(
                f"expected every window to be tested, got {report.errors} that failed; they are tried again"
            )


class _Stopped(Exception):
    """The run was asked to end."""


class _Run:
    """Counts while a run goes on."""

    def __init__(self) -> None:
        self.phases = PhaseClock()
        self.windows = 0
        self.findings = 0
        self.drifts = 0
        self.insufficient = 0
        self.scores = 0
        self.texts_embedded = 0
        self.cache_hits = 0
        self.errors: list[str] = []
        self.is_complete = True

    def count(self, findings: Sequence[Finding], *, n_scores: int) -> None:
        self.windows += 1
        self.findings += len(findings)
        self.drifts += sum(finding.status == "drift" for finding in findings)
        self.insufficient += sum(finding.status == "insufficient" for finding in findings)
        self.scores += n_scores

    def report(self) -> RunReport:
        return RunReport(
            windows=self.windows,
            findings=self.findings,
            drifts=self.drifts,
            insufficient=self.insufficient,
            errors=len(self.errors),
            scores=self.scores,
            texts_embedded=self.texts_embedded,
            cache_hits=self.cache_hits,
            seconds={name: round(seconds, 3) for name, seconds in self.phases.seconds.items()},
            is_complete=self.is_complete,
        )


def _starts(contents: Sequence[WindowContent]) -> list[int]:
    return sorted({content.start_ms for content in contents})


def _note_drift(
    drifted: dict[WindowModel, dict[str, bool]], start_ms: int, model: str, service: str, *, is_drift: bool
) -> None:
    """A window of a service and model drifted when any of its fields did."""
    services = drifted[(start_ms, model)]
    services[service] = services.get(service, False) or is_drift
