"""The loop around the scorers: every settled call once, its scores written, safe to kill and to run again."""

import dataclasses
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.interruptible import InterruptibleService
from driftline_analyzers.runner.phases import Progress, no_progress
from driftline_analyzers.runner.records import to_ms
from driftline_analyzers.scoring.batches import cut_batches
from driftline_analyzers.scoring.done import DoneTraces
from driftline_analyzers.scoring.label_thresholds import flagged_by_labels
from driftline_analyzers.scoring.panel import EmbeddingFailed, Panel
from driftline_analyzers.scoring.progress import ScoringBook, ScoringReport, ScoringRun, ScoringStats
from driftline_analyzers.scoring.reader import MARGIN_MS, ScoringReader
from driftline_analyzers.scoring.records import CallHead, Scope, ScoreRow, TouchedTrace
from driftline_analyzers.scoring.scorer import CallScorer
from driftline_analyzers.scoring.writer import ScoringWriter
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.clock import utc_now
from driftline_core.errors import DriftlineError
from driftline_core.log import get_logger
from driftline_core.service import PeriodicService
from driftline_core.store import Store
from driftline_core.store.lease import Leases
from driftline_core.thresholds import active_thresholds

if TYPE_CHECKING:
    from driftline_analyzers.embed.cache import EmbeddingCache
    from driftline_analyzers.embed.embedder import Embedder

_MAX_TRACES: Final = 1000
"""Traces that are read at a time."""
_HOUR_MS: Final = 3_600_000
_LOG = get_logger("scoring")


class ScoringRunner:
    """Gives every settled LLM call to every scorer and writes their scores.

    A run follows the time rows were stored (cursor minus an overlap) to the traces they belong to. A trace is due when nothing was stored
    into it for `scoring_settle`; its calls are scored with what its retrievals and tools returned, and again when more comes. The cursor
    moves after everything is written, and never past a trace that waits: killing a run at any point loses nothing, and repeating one
    replaces its rows. A score that does not stand any more is withdrawn. Where several workers share a server's store, each project is
    scored by the one that holds its lease. embedder: another than the settings name. scorers: others than the settings name.

    name: of the cursor, lease and service; scorers that wait for somebody else (the judge) have a runner of their own, so that no other
    score waits with them. looks_back: how much of what is stored a runner begins with that has no cursor yet; None is all.
    """

    def __init__(
        self,
        settings: AnalyzerSettings,
        store: Store,
        *,
        progress: Progress = no_progress,
        embedder: "Embedder | None" = None,
        scorers: Sequence[CallScorer] | None = None,
        name: str = "scoring",
        looks_back: timedelta | None = None,
    ) -> None:
        self.settings = settings
        self.name = name
        self._looks_back = looks_back
        self._store = store
        self._progress = progress
        self._embedder = embedder
        self._scorers = scorers
        self._cache: EmbeddingCache | None = None
        self._reader = ScoringReader(store, settings)
        self._stopping = threading.Event()
        self._book = ScoringBook()
        self._done: dict[str, DoneTraces] = {}
        self._leases = None if store.is_embedded else Leases(store)

    def run_once(self, project: str | None = None, *, is_settled: bool = False) -> ScoringReport:
        """Score what is new, in one project or in all. is_settled: nothing more is to come, so do not wait. Raises StoreError."""
        run = ScoringRun()
        settle = timedelta(0) if is_settled else self.settings.scoring_settle
        for name in [project] if project is not None else self._reader.projects():
            if self._leases is None:
                self._run_project(name, run, settle)
                continue
            lease = self._leases.acquire(f"{self.name}/{name}")
            if lease is None:
                self._book.expect(name, {})
                continue
            with lease:
                self._run_project(name, run, settle)
        report = run.report()
        self._book.add(report)
        return report

    def run_range(self, project: str | None = None, *, from_time: datetime, to_time: datetime) -> ScoringReport:
        """Score the calls that began in a range of event time, again where they are scored, e.g. by a new scorer. Raises StoreError."""
        run = ScoringRun()
        projects = [project] if project is not None else self._reader.projects()
        from_ms, to_ms_ = to_ms(from_time), to_ms(to_time)
        hours = [
            (name, *hour)
            for name in projects
            for hour in self._reader.hours(project=name, from_ms=from_ms, to_ms=to_ms_)
        ]
        total, n_done = sum(n_traces for _, _, n_traces in hours), 0
        for name, hour_ms, n_traces in hours:
            begin, end = max(hour_ms, from_ms), min(hour_ms + _HOUR_MS, to_ms_)
            trace_ids = self._reader.traces(project=name, from_ms=begin, to_ms=end)
            for start in range(0, len(trace_ids), _MAX_TRACES):
                if self._stopping.is_set():
                    run.is_complete = False
                    return run.report()
                page = Scope(project=name, trace_ids=trace_ids[start : start + _MAX_TRACES], from_ms=begin, to_ms=end)
                if self._score_traces(page, run) is None:
                    return run.report()
                n_scored = n_done + start + len(page.trace_ids)
                self._progress("traces", n_scored, max(total, n_scored))
            n_done += n_traces
        return run.report()

    def stats(self) -> ScoringStats:
        """Counts since the start and the lag of each project, by this process' clock: also while the store is down; from any thread."""
        return self._book.stats(now_ms=to_ms(utc_now()))

    def service(self) -> PeriodicService:
        """The runner as a service; its health is bad while calls cannot be scored."""
        return _ScoringService(self)

    def stop(self) -> None:
        """Ask a run in another thread to end after the batch at hand; what it has written stays."""
        self._stopping.set()

    def resume(self) -> None:
        """Allow runs again after stop."""
        self._stopping.clear()

    def _run_project(self, project: str, run: ScoringRun, settle: timedelta) -> None:
        """Pages of touched traces until all that are due are scored."""
        cursor = f"{self.name}/{project}"
        overlap_ms = _whole_ms(self.settings.overlap)
        position_ms = self._reader.cursor_ms(cursor)
        if not position_ms and self._looks_back is not None:
            position_ms = self._reader.now_ms() - _whole_ms(self._looks_back)
        done = self._done.setdefault(project, DoneTraces())
        while True:
            since_ms = max(0, position_ms - overlap_ms)
            done.forget(since_ms)
            now_ms = self._reader.now_ms()
            most = _MAX_TRACES + len(done)
            touched = self._reader.touched(project=project, since_ms=since_ms, max_traces=most)
            waiting = [trace for trace in touched if not done.has(trace)]
            due = [trace for trace in waiting if trace.has_settled(now_ms, settle=settle)]
            self._book.expect(project, {trace.trace_id: trace.settled_ms(settle) for trace in due})
            again: set[str] = set()
            if due:
                again = self._score_due(project, due, done, run, settle=settle)
            if not run.is_complete:
                return
            due_ids = {trace.trace_id for trace in due}
            left = [trace for trace in waiting if trace.trace_id in again or trace.trace_id not in due_ids]
            is_full = len(touched) == most
            reached_ms = _reached_ms(touched, left, is_full=is_full)
            if reached_ms is not None and reached_ms > position_ms:
                position_ms = reached_ms
                self._writer().move_cursor(cursor, position_ms=position_ms)
            if not is_full or not due or again:
                return

    def _score_due(
        self, project: str, due: Sequence[TouchedTrace], done: DoneTraces, run: ScoringRun, *, settle: timedelta
    ) -> set[str]:
        """Score traces and remember them; returns those that must be scored again."""
        n_left = len(due)
        for start in range(0, n_left, _MAX_TRACES):
            page = due[start : start + _MAX_TRACES]
            if self._stopping.is_set():
                run.is_complete = False
                return set()
            scope = Scope(
                project=project,
                trace_ids=[trace.trace_id for trace in page],
                from_ms=min(trace.from_ms for trace in page) - MARGIN_MS,
                to_ms=max(trace.to_ms for trace in page) + MARGIN_MS,
            )
            failed = self._score_traces(scope, run)
            if failed is None:
                return {trace.trace_id for trace in due[start:]}
            for trace in page:
                if trace.trace_id in failed:
                    done.failed(trace)
                else:
                    done.add(trace)
            self._book.scored(project, [trace.trace_id for trace in page])
            self._progress("traces", min(start + len(page), n_left), n_left)
        return {trace.trace_id for trace in due if not done.has(trace)}

    def _score_traces(self, scope: Scope, run: ScoringRun) -> set[str] | None:
        """Score the calls of some traces; those that a scorer failed on, None where it broke off."""
        project = scope.project
        heads = self._reader.calls(scope)
        sizes = self._reader.context_sizes(scope)
        panel = self._panel(run)
        thresholds = active_thresholds(self._store, project=project)
        written: list[ScoreRow] = []
        problem: EmbeddingFailed | None = None
        try:
            for batch in self._batches(heads, sizes):
                rows, problem = panel.score(self._reader.filled(project=project, heads=batch))
                rows = flagged_by_labels(rows, thresholds)
                self._writer().write(project, rows)
                written += [_light(row) for row in rows]
                run.calls += len(batch)
                run.add(rows)
                if problem is not None or self._stopping.is_set():
                    break
        finally:
            for name, seconds in panel.seconds.items():
                run.seconds[name] = run.seconds.get(name, 0.0) + seconds
        is_whole = problem is None and not self._stopping.is_set()
        withdrawn: list[ScoreRow] = []
        if is_whole:
            withdrawn = self._withdraw(scope, heads, written, panel)
            self._writer().write(project, withdrawn)
            run.add(withdrawn)
        self._writer().count(project, [row.key.start_ns for row in (*written, *withdrawn)])
        if problem is not None:
            _LOG.warning("calls wait: texts cannot be embedded", project=project, error=str(problem))
            run.errors.append(str(problem))
            return None
        if not is_whole:
            run.is_complete = False
            return None
        failed = {row.key.trace_id for row in written if row.status == "error"}
        if failed:
            run.errors.append(f"expected every call to be scored, got {len(failed)} traces that a scorer failed on")
        return failed

    def _batches(self, heads: Sequence[CallHead], sizes: dict[str, int]) -> Iterator[Sequence[CallHead]]:
        limits = {"max_calls": self.settings.scoring_batch_calls, "max_chars": self.settings.scoring_batch_chars}
        return cut_batches(heads, sizes, **limits)

    def _withdraw(
        self, scope: Scope, heads: Sequence[CallHead], written: Sequence[ScoreRow], panel: Panel
    ) -> list[ScoreRow]:
        """Rows that replace scores which stand and were not written now, where their scorer looked, or their call counts no more."""
        now = {row.key for row in written}
        calls = {head.key for head in heads}
        by_name = {scorer.name: scorer for scorer in panel.scorers}
        rows = []
        for row in self._reader.written(scope, analyzers=list(by_name)):
            key, scorer = row.key, by_name[row.key.analyzer]
            has_looked = key.analyzer_version == scorer.version and panel.looks_at(scorer, key.trace_id)
            is_call = (key.trace_id, key.span_id) in calls
            if key not in now and (not is_call or has_looked):
                rows.append(dataclasses.replace(row, status="withdrawn"))
        return rows

    def _panel(self, run: ScoringRun) -> Panel:
        def embed(texts: Sequence[str]) -> NDArray[np.float32]:
            vectors, counts = self._embeddings().embed(texts)
            run.texts_embedded += counts.n_embedded
            run.cache_hits += counts.n_hits
            return vectors

        shares = {str(name): share for name, share in self.settings.scorer_shares.items()}
        return Panel(self._made_scorers(), embed=embed, shares=shares, unusable=run.unusable)

    def _made_scorers(self) -> Sequence[CallScorer]:
        if self._scorers is None:
            from driftline_analyzers.scoring.registry import make_scorers

            self._scorers = make_scorers(self.settings, embedder=self._made_embedder())
        return self._scorers

    def _embeddings(self) -> "EmbeddingCache":
        if self._cache is None:
            from driftline_analyzers.embed.cache import EmbeddingCache

            self._cache = EmbeddingCache(self._store, self._made_embedder())
        return self._cache

    def _made_embedder(self) -> "Embedder":
        if self._embedder is None:
            from driftline_analyzers.embed.factory import make_embedder

            self._embedder = make_embedder(self.settings)
        return self._embedder

    def _writer(self) -> ScoringWriter:
        return ScoringWriter(self._store, analyzers=[scorer.name for scorer in self._made_scorers()])


class _ScoringService(InterruptibleService):
    """Runs the runner and tells its counts."""

    def __init__(self, runner: ScoringRunner) -> None:
        super().__init__(runner, name=runner.name, interval_s=runner.settings.scoring_interval_s, tick=self._run_once)
        self._runner = runner

    def stats(self) -> ScoringStats:
        """Counts and lag."""
        return self._runner.stats()

    def _run_once(self) -> None:
        report = self._runner.run_once()
        if report.errors:
            raise DriftlineError(report.errors[0])


def _whole_ms(length: timedelta) -> int:
    return int(length / timedelta(milliseconds=1))


def _light(row: ScoreRow) -> ScoreRow:
    """A row without its evidence: what is remembered until its page ends."""
    return dataclasses.replace(row, evidence="")


def _reached_ms(touched: Sequence[TouchedTrace], left: Sequence[TouchedTrace], *, is_full: bool) -> int | None:
    """Up to when everything stored is scored: before the first trace that waits, or that was not read; None when nothing was stored."""
    if not touched:
        return None
    ends = [trace.first_stored_ms - 1 for trace in left]
    ends.append(touched[-1].first_stored_ms - 1 if is_full else max(trace.last_stored_ms for trace in touched))
    return min(ends)
