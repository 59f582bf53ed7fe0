"""Compares groups in every long window that is over, and again where calls came late, and writes what it found."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from driftline_analyzers.bias.analysis import analyse
from driftline_analyzers.bias.finding_rows import COLUMNS, BiasWindow, finding_rows, findings_version
from driftline_analyzers.bias.lexicon import GroupLexicon, default_lexicon, load_lexicon
from driftline_analyzers.bias.measures import Measurer, TextMeasure
from driftline_analyzers.bias.reader import BiasReader
from driftline_analyzers.bias.settings import BiasSettings
from driftline_analyzers.interruptible import InterruptibleService
from driftline_analyzers.runner.records import to_ms, to_parameter, to_time
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.clock import Clock, utc_now
from driftline_core.errors import DriftlineError
from driftline_core.log import get_logger
from driftline_core.service import PeriodicService
from driftline_core.store import Store
from driftline_core.store.lease import Leases

if TYPE_CHECKING:
    from driftline_analyzers.embed.embedder import Embedder
    from driftline_analyzers.embed.vectors import Embeddings

_INTERVAL_S: Final = 900.0
"""A window is a week: that it is over is seen soon enough."""
_FORGET: Final = (files("driftline_analyzers") / "sql" / "bias_forget.sql").read_text(encoding="utf-8")
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

    The cursor `bias/<project>` moves past a window after its rows are written, so a killed run repeats the window and replaces them. The
    cursor `bias_stored/<project>/<start in ms>` says when the newest of the calls was stored that a look at the window saw: when later ones
    came, and none for `settle`, it is compared again, and the window after it, which leans on it; max_windows back. embedder: the one that
    the environment's settings name unless given, loaded when it is first needed. text_measures: more measures of answers, by name.
    """

    def __init__(
        self,
        store: Store,
        settings: BiasSettings | None = None,
        clock: Clock = utc_now,
        *,
        embedder: "Embedder | None" = None,
        text_measures: Mapping[str, TextMeasure] | None = None,
    ) -> None:
        self.settings = settings or BiasSettings()
        self._store = store
        self._clock = clock
        self._embedder = embedder
        self._text_measures = text_measures
        self._lexicon: GroupLexicon = (
            default_lexicon(with_names=self.settings.first_names)
            if self.settings.lexicon is None
            else load_lexicon(self.settings.lexicon, with_names=self.settings.first_names)
        )
        self._reader = BiasReader(store, self.settings, version=findings_version(self._lexicon.version))
        self._measurer: Measurer | None = None
        self._leases = None if store.is_embedded else Leases(store)
        self._stopping = threading.Event()

    def run_once(self, project: str | None = None) -> BiasRunReport:
        """Look at every window that is over and was not looked at, or grew since. A project that another worker has at hand is passed over.

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
        first = last_end - settings.max_windows * window_ms
        stored = self._reader.last_stored(project, start_ms=first, end_ms=last_end)
        late = self._late(project, stored, window_ms=window_ms, now_ms=to_ms(now))
        windows = n_calls = n_findings = n_gaps = 0
        for start_ms in range(first, last_end, window_ms):
            is_again = start_ms < done_ms
            if is_again and start_ms not in late:
                continue
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
                    rows = finding_rows(report, window, settings.rules, self._reader.gaps_before(window))
                    self._store.insert("findings", COLUMNS, rows)
                    if is_again:
                        self._forget_others(window, [str(row[0]) for row in rows])
                except _Stopped:
                    return BiasRunReport(windows=windows, calls=n_calls, findings=n_findings, gaps=n_gaps, errors=0)
                except DriftlineError as error:
                    _LOG.warning("groups not compared", project=project, service=window.service, error=str(error))
                    return BiasRunReport(windows=windows, calls=n_calls, findings=n_findings, gaps=n_gaps, errors=1)
                windows += 1
                n_calls += report.n_read
                n_findings += len(rows)
                n_gaps += sum(row[COLUMNS.index("status")] == "gap" for row in rows)
            marks = [(_mark(project, start_ms), to_time(stored[start_ms]))] if start_ms in stored else []
            moved = [] if is_again else [(cursor, to_time(start_ms + window_ms))]
            self._store.insert("cursors", ("name", "position"), [*marks, *moved])
        return BiasRunReport(windows=windows, calls=n_calls, findings=n_findings, gaps=n_gaps, errors=0)

    def _late(self, project: str, stored: Mapping[int, int], *, window_ms: int, now_ms: int) -> set[int]:
        """Starts of windows that got calls since they were looked at, none of them just now, and of those after them."""
        rows = self._store.rows(
            "SELECT name, position FROM cursors FINAL WHERE name IN {names:Array(String)}",
            {"names": [_mark(project, start_ms) for start_ms in stored]},
        )
        seen = {row["name"]: to_ms(row["position"]) for row in rows}
        settle_ms = int(self.settings.settle.total_seconds() * 1000)
        grown = {
            start_ms
            for start_ms, stored_ms in stored.items()
            if stored_ms > seen.get(_mark(project, start_ms), stored_ms) and stored_ms + settle_ms <= now_ms
        }
        return grown | {start_ms + window_ms for start_ms in grown}

    def _forget_others(self, window: BiasWindow, kept: list[str]) -> None:
        self._store.command(
            _FORGET,
            {
                "project": window.project,
                "version": window.version,
                "service": window.service,
                "model": window.model,
                "from_time": to_parameter(window.start_ms),
                "to_time": to_parameter(window.end_ms),
                "kept": kept,
            },
        )

    def _get_measurer(self) -> Measurer:
        if self._measurer is None:
            if self._embedder is None:
                from driftline_analyzers.embed.factory import make_embedder

                self._embedder = make_embedder(AnalyzerSettings())
            from driftline_analyzers.embed.cache import EmbeddingCache

            cache = EmbeddingCache(self._store, self._embedder)

            def embed(texts: Sequence[str]) -> "Embeddings":
                return cache.embed(texts, on_batch=self._on_batch)[0]

            self._measurer = Measurer(embed=embed, lexicon=self._lexicon, text_measures=self._text_measures)
        return self._measurer

    def _on_batch(self, n_done: int, n_texts: int) -> None:
        if self._stopping.is_set() and n_done < n_texts:
            raise _Stopped


def _mark(project: str, start_ms: int) -> str:
    return f"bias_stored/{project}/{start_ms}"


class _Stopped(Exception):
    """The run was asked to end."""
