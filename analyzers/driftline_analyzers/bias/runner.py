"""Compares groups in every long window that is over, once, and writes what it found."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from driftline_analyzers.bias.analysis import analyse
from driftline_analyzers.bias.finding_rows import COLUMNS, finding_rows
from driftline_analyzers.bias.lexicon import GroupLexicon, default_lexicon, load_lexicon
from driftline_analyzers.bias.measures import Measurer, TextMeasure
from driftline_analyzers.bias.reader import BiasReader
from driftline_analyzers.bias.settings import BiasSettings
from driftline_analyzers.interruptible import InterruptibleService
from driftline_analyzers.runner.records import to_ms, to_time
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.clock import Clock, utc_now
from driftline_core.errors import DriftlineError
from driftline_core.log import get_logger
from driftline_core.service import PeriodicService
from driftline_core.store import Store
from driftline_core.store.lease import Leases

if TYPE_CHECKING:
    from driftline_analyzers.embed.embedder import Embedder

_INTERVAL_S: Final = 900.0
"""A window is a week: that it is over is seen soon enough."""
_LOG = get_logger("analyzers")


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasRunReport:
    """Counts of a run: windows of a service; calls read; findings written, of which gaps; errors: windows to be tried again."""

    windows: int
    calls: int
    findings: int
    gaps: int
    errors: int


class BiasRunner:
    """For each project, window and service: read a sample of whole sessions, compare groups, write rows of analyzer 'bias'.

    The cursor `bias/<project>` moves past a window after its rows are written, so a killed run repeats the window and replaces them. Calls
    that come later than `settle` after a window are not looked at. embedder: the one that embedding's settings name unless given, loaded
    when it is first needed. text_measures: more measures of answers, by name.
    """

    def __init__(
        self,
        store: Store,
        settings: BiasSettings | None = None,
        clock: Clock = utc_now,
        *,
        embedder: "Embedder | None" = None,
        embedding: AnalyzerSettings | None = None,
        text_measures: Mapping[str, TextMeasure] | None = None,
    ) -> None:
        self.settings = settings or BiasSettings()
        self._store = store
        self._clock = clock
        self._embedder = embedder
        self._embedding = embedding
        self._text_measures = text_measures
        self._reader = BiasReader(store, self.settings)
        self._lexicon: GroupLexicon = (
            default_lexicon() if self.settings.lexicon is None else load_lexicon(self.settings.lexicon)
        )
        self._measurer: Measurer | None = None
        self._leases = None if store.is_embedded else Leases(store)
        self._stopping = threading.Event()

    def run_once(self, project: str | None = None) -> BiasRunReport:
        """Look at every window that is over and was not looked at. A project that another worker has at hand is passed over.

        Raises StoreError when the store does not answer.
        """
        reports = [self._run_alone(name) for name in ([project] if project is not None else self._reader.projects())]
        return BiasRunReport(
            windows=sum(one.windows for one in reports),
            calls=sum(one.calls for one in reports),
            findings=sum(one.findings for one in reports),
            gaps=sum(one.gaps for one in reports),
            errors=sum(one.errors for one in reports),
        )

    def service(self) -> PeriodicService:
        """The runner as a service; its health is bad while windows fail."""
        return InterruptibleService(self, name="bias", interval_s=_INTERVAL_S, tick=self._tick)

    def _tick(self) -> None:
        report = self.run_once()
        if report.errors:
            raise DriftlineError(f"expected every window's groups to be compared, got {report.errors} that failed")

    def stop(self) -> None:
        """Ask a run in another thread to end after the batch at hand; the window at hand is looked at again."""
        self._stopping.set()

    def resume(self) -> None:
        """Allow runs again after stop."""
        self._stopping.clear()

    def _run_alone(self, project: str) -> BiasRunReport:
        if self._leases is None:
            return self._run(project, now=self._clock())
        lease = self._leases.acquire(f"bias/{project}")
        if lease is None:
            return BiasRunReport(windows=0, calls=0, findings=0, gaps=0, errors=0)
        with lease:
            return self._run(project, now=self._clock())

    def _run(self, project: str, *, now: datetime) -> BiasRunReport:
        settings = self.settings
        window_ms = int(settings.window.total_seconds() * 1000)
        cursor = f"bias/{project}"
        position = self._store.scalar("SELECT position FROM cursors FINAL WHERE name = {name:String}", {"name": cursor})
        last_end = (to_ms(now - settings.settle) // window_ms) * window_ms
        done_ms = 0 if position is None else to_ms(position)
        begin = max(done_ms, last_end - settings.max_windows * window_ms)
        windows = n_calls = n_findings = n_gaps = 0
        for start_ms in range(-(-begin // window_ms) * window_ms, last_end, window_ms):
            for window in self._reader.windows(project, start_ms=start_ms, end_ms=start_ms + window_ms):
                try:
                    if self._stopping.is_set():
                        raise _Stopped
                    read = self._reader.calls(window)
                    report = analyse(
                        read.calls,
                        self._get_measurer(),
                        self._lexicon,
                        rules=settings.rules,
                        place=settings.place,
                        is_template=read.is_template,
                        max_per_group=settings.max_per_group,
                    )
                    rows = finding_rows(report, window, settings.rules)
                    self._store.insert("findings", COLUMNS, rows)
                except _Stopped:
                    return BiasRunReport(windows=windows, calls=n_calls, findings=n_findings, gaps=n_gaps, errors=0)
                except DriftlineError as error:
                    _LOG.warning("groups not compared", project=project, service=window.service, error=str(error))
                    return BiasRunReport(windows=windows, calls=n_calls, findings=n_findings, gaps=n_gaps, errors=1)
                windows += 1
                n_calls += report.n_read
                n_findings += len(rows)
                n_gaps += sum(row[COLUMNS.index("status")] == "gap" for row in rows)
            self._store.insert("cursors", ("name", "position"), [(cursor, to_time(start_ms + window_ms))])
        return BiasRunReport(windows=windows, calls=n_calls, findings=n_findings, gaps=n_gaps, errors=0)

    def _get_measurer(self) -> Measurer:
        if self._measurer is None:
            if self._embedder is None:
                from driftline_analyzers.embed.factory import make_embedder

                self._embedder = make_embedder(self._embedding or AnalyzerSettings())
            self._measurer = Measurer(
                embed=partial(self._embedder.embed, on_batch=self._on_batch),
                lexicon=self._lexicon,
                text_measures=self._text_measures,
            )
        return self._measurer

    def _on_batch(self, n_done: int, n_texts: int) -> None:
        if self._stopping.is_set() and n_done < n_texts:
            raise _Stopped


class _Stopped(Exception):
    """The run was asked to end."""
