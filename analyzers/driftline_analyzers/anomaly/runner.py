"""Holds every settled bucket of cost, tokens, requests, latency and errors against its past, and writes how far it is from it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np

from driftline_analyzers.anomaly.baseline import Judged, SeasonalBaseline
from driftline_analyzers.anomaly.measures import MEASURES, Measure
from driftline_analyzers.anomaly.reader import AnomalyReader, Buckets
from driftline_analyzers.anomaly.season import Floats
from driftline_analyzers.interruptible import InterruptibleService
from driftline_analyzers.runner.records import to_ms, to_time
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.clock import Clock, utc_now
from driftline_core.log import get_logger
from driftline_core.service import PeriodicService
from driftline_core.store import Store
from driftline_core.store.lease import Leases

VERSION: Final = "1"
COLUMNS: Final = (
    "project", "measure", "service", "model", "bucket_start", "bucket_s", "calls", "value", "expected", "lower", "upper", "scale",
    "zscore", "version",
)  # fmt: skip
_DAY_S: Final = 86_400
_ACTIVE_S: Final = 7 * _DAY_S
"""A service and model without a call for so long is watched no more."""
_OVERLAP_MS: Final = 60_000
_LOG = get_logger("analyzers")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyRunReport:
    """Counts of a run: buckets; series judged, a service, model and measure each; left_out: pairs of service and model that were too many;
    rows written. series and left_out: the most of one day and project.
    """

    buckets: int
    series: int
    left_out: int
    rows: int


_NOTHING: Final = AnomalyRunReport(buckets=0, series=0, left_out=0, rows=0)


class AnomalyRunner:
    """For each project: buckets that are over and settled, or that late calls have changed, against the weeks before them.

    History is what was written before, so that a run reads only what is new of the rollup. Cursors: `anomaly/<project>`, the end of the
    last bucket written; `anomaly/<project>/stored`, the newest change of the rollup that was taken in. A day at most is judged by one fit
    and written before the cursor moves, so a killed run repeats that day and replaces its rows.
    A bucket without calls is 0 requests, tokens and USD; whether nobody called or nothing arrived is not told apart.
    """

    def __init__(self, store: Store, settings: AnalyzerSettings | None = None, clock: Clock = utc_now) -> None:
        self.settings = settings or AnalyzerSettings()
        self._store = store
        self._clock = clock
        self._bucket_s = int(self.settings.anomaly_bucket.total_seconds())
        self._history_s = int(self.settings.anomaly_history.total_seconds()) // self._bucket_s * self._bucket_s
        self._reader = AnomalyReader(store, bucket_s=self._bucket_s)
        self._leases = None if store.is_embedded else Leases(store)
        self._stopping = threading.Event()

    def run_once(self, project: str | None = None) -> AnomalyRunReport:
        """Judge what is new. A project that another worker has at hand is passed over. Raises StoreError."""
        reports = [self._run_alone(name) for name in ([project] if project is not None else self._reader.projects())]
        return _summed(reports)

    def service(self) -> PeriodicService:
        """The runner as a service; its health is bad while the store does not answer."""
        return InterruptibleService(
            self, name="anomaly", interval_s=self.settings.anomaly_interval_s, tick=self.run_once
        )

    def stop(self) -> None:
        """Ask a run in another thread to end after the day at hand."""
        self._stopping.set()

    def resume(self) -> None:
        """Allow runs again after stop."""
        self._stopping.clear()

    def _run_alone(self, project: str) -> AnomalyRunReport:
        if self._leases is None:
            return self._run(project)
        lease = self._leases.acquire(f"anomaly/{project}")
        if lease is None:
            return _NOTHING
        with lease:
            return self._run(project)

    def _run(self, project: str) -> AnomalyRunReport:
        settled_s = to_ms(self._clock() - self.settings.anomaly_settle) // 1000
        last_end = settled_s // self._bucket_s * self._bucket_s
        horizon = last_end - self._history_s
        seen_ms, done_ms = self._position(f"anomaly/{project}/stored"), self._position(f"anomaly/{project}")
        touched = self._reader.touched(project, since_ms=max(0, seen_ms - _OVERLAP_MS), from_s=horizon)
        if done_ms // 1000 == last_end and (touched is None or touched.newest_ms <= seen_ms):
            return _NOTHING
        starts = [done_ms // 1000] if done_ms else []
        if touched is not None:
            starts.append(touched.first_s // self._bucket_s * self._bucket_s)
        if not starts:
            return _NOTHING
        reports: list[AnomalyRunReport] = []
        for begin, end in self._days(max(horizon, min(starts)), last_end):
            if self._stopping.is_set():
                return _summed(reports)
            reports.append(self._judge(project, begin, end))
            self._move(f"anomaly/{project}", max(end * 1000, done_ms))
        if touched is not None and (done_ms or reports):  # else its only bucket is still open, and must be found again
            self._move(f"anomaly/{project}/stored", touched.newest_ms)
        report = _summed(reports)
        if report.left_out:
            _LOG.warning("series not watched", project=project, left_out=report.left_out)
        return report

    def _days(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """Ranges of whole buckets that end with a day or with the end."""
        while begin < end:
            until = min(end, (begin // _DAY_S + 1) * _DAY_S)
            yield begin, until
            begin = until

    def _judge(self, project: str, begin: int, end: int) -> AnomalyRunReport:
        pairs = self._reader.pairs(project, from_s=end - _ACTIVE_S, to_s=end)
        watched = pairs[: self.settings.anomaly_max_series]
        current = self._reader.buckets(project, from_s=begin, to_s=end)
        history = self._reader.history(project, from_s=begin - self._history_s, to_s=begin)
        n = (end - begin) // self._bucket_s
        silent = Buckets(values={name: np.full(n, np.nan) for name in MEASURES}, calls=np.zeros(n))
        rows: list[tuple[object, ...]] = []
        n_series = 0
        for pair in watched:
            buckets = current.get(pair, silent)
            for measure in MEASURES.values():
                past = history.get((pair, measure.name), np.empty(0))
                values = _with_zeros(buckets.values[measure.name], measure, is_known=len(past) > 0)
                if not len(past) and not np.isfinite(values).any():
                    continue
                baseline = self._baseline(measure).fit(past, start_s=begin - len(past) * self._bucket_s)
                judged = baseline.judge(values, noise=measure.noise(buckets.calls))
                key = (project, measure.name, *pair)
                rows += self._rows(key, begin, buckets.calls, judged, values=values)
                n_series += 1
        self._store.insert("anomaly_points", COLUMNS, rows)
        return AnomalyRunReport(buckets=n, series=n_series, left_out=len(pairs) - len(watched), rows=len(rows))

    def _baseline(self, measure: Measure) -> SeasonalBaseline:
        return SeasonalBaseline(
            step=timedelta(seconds=self._bucket_s),
            scaling=measure.scaling,
            unit=measure.unit,
            min_scale=measure.min_scale,
        )

    def _rows(
        self, key: tuple[str, str, str, str], begin: int, calls: Floats, judged: Judged, *, values: Floats
    ) -> Iterator[tuple[object, ...]]:
        figures = np.stack([values, judged.expected, judged.lower, judged.upper, judged.scale, judged.z], axis=1)
        for i, row in enumerate(figures.tolist()):
            start = to_time((begin + i * self._bucket_s) * 1000)
            known = [figure if np.isfinite(figure) else None for figure in row]
            yield (*key, start, self._bucket_s, int(calls[i]), *known, VERSION)

    def _position(self, name: str) -> int:
        """Unix milliseconds; 0: none yet."""
        found = self._store.scalar("SELECT position FROM cursors FINAL WHERE name = {name:String}", {"name": name})
        return 0 if found is None else to_ms(found)

    def _move(self, name: str, ms: int) -> None:
        self._store.insert("cursors", ("name", "position"), [(name, to_time(ms))])


def _with_zeros(values: Floats, measure: Measure, *, is_known: bool) -> Floats:
    """An amount is 0 in buckets without calls, from the first known one on. values: (n,)."""
    if not measure.is_amount:
        return values
    has_begun = np.full(len(values), True) if is_known else np.logical_or.accumulate(np.isfinite(values))
    return np.where(has_begun, np.nan_to_num(values), np.nan)


def _summed(reports: list[AnomalyRunReport]) -> AnomalyRunReport:
    """Buckets and rows of all; the most series, and the most left out, of one day and project."""
    return AnomalyRunReport(
        buckets=sum(one.buckets for one in reports),
        series=max((one.series for one in reports), default=0),
        left_out=max((one.left_out for one in reports), default=0),
        rows=sum(one.rows for one in reports),
    )
