"""Recording rules: their results are kept as samples, which later rules and the query API read under the rule's name.

A series that had a result and has none any more ends with a stale sample, so that nobody reads its last value on. A rule that fails
records nothing, and what reads it counts as failed as well: an alert must not resolve on numbers that were not renewed.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from driftline_alerts.query import QuerySource, Sample
from driftline_alerts.rules import AlertRule, RecordingRule
from driftline_core.errors import QueryError, StoreError
from driftline_core.log import get_logger

_LOG = get_logger("alerts")

SeriesKey = tuple[tuple[str, str], ...]
"""Label pairs sorted by name, without the metric's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSample:
    """One sample of a recording rule. labels: without __name__. is_stale: the series ends here, value means nothing."""

    rule_uid: str
    name: str
    labels: SeriesKey
    at: datetime
    value: float
    is_stale: bool = False


class RecordSink(Protocol):
    """Where samples are kept."""

    def write(self, samples: Sequence[RecordedSample]) -> None:
        """Keep samples so that a query made after this sees them. Raises StoreError."""
        ...


@dataclass(slots=True, kw_only=True)
class RecordRun:
    """A recording rule and how its last evaluation went. series: those of the newest results that were kept."""

    rule: RecordingRule
    interval: timedelta
    offset: timedelta
    limit: int = 0
    series: frozenset[SeriesKey] = field(default_factory=frozenset)
    error: str | None = None
    evaluated_at: datetime | None = None
    duration_s: float = 0.0

    @property
    def health(self) -> str:
        """'unknown' before the first evaluation, 'err' after a failed one, else 'ok'."""
        return "unknown" if self.evaluated_at is None else "err" if self.error is not None else "ok"


class Recorder:
    """Evaluates recording rules and knows which of them fail. Holds no clock."""

    def __init__(self, query: QuerySource, sink: RecordSink, runs: Sequence[RecordRun]) -> None:
        self._query = query
        self._sink = sink
        self._runs = tuple(runs)
        self.n_evaluations = 0
        self.n_failures = 0

    def step(self, run: RecordRun, at: datetime) -> None:
        """Evaluate one rule at an aligned time, less its offset, and keep what it says; a failure is noted on the run."""
        started = time.monotonic()
        now = at - run.offset
        error: str | None = self.cause(run.rule)
        if error is None:
            try:
                results = record(run.rule, self._query.instant(run.rule.expr, now), limit=run.limit)
                self._sink.write(
                    [
                        *(_sample(run.rule, labels, now, value) for labels, value in results.items()),
                        *(_sample(run.rule, labels, now, None) for labels in run.series - set(results)),
                    ]
                )
                run.series = frozenset(results)
            except (QueryError, StoreError) as failure:
                error = str(failure)
            except Exception as failure:  # noqa: BLE001 - a source's own defect is a failed query
                error = f"{type(failure).__name__}: {failure}"
                _LOG.exception("query source failed", rule=run.rule.record)
        self.n_evaluations += 1
        self.n_failures += error is not None
        if error is not None and run.error is None:
            _LOG.warning("recording rule failed", rule=run.rule.record, error=error)
        run.error = error
        run.evaluated_at = now
        run.duration_s = time.monotonic() - started

    def catch_up(self, runs: Sequence[RecordRun], times: Iterable[datetime]) -> None:
        """Evaluate rules at aligned times of the past, oldest first."""
        for time_of_step in sorted(times):
            for run in runs:
                self.step(run, time_of_step)

    def cause(self, rule: AlertRule | RecordingRule) -> str | None:
        """Why a rule cannot be judged now: the error of a recording rule that it reads. None when there is no such."""
        for run in self._runs:
            if run.error is not None and run.rule is not rule and run.rule.record in rule.metric_names:
                return f"recording rule {run.rule.record} failed: {run.error}"
        return None


def record(rule: RecordingRule, samples: Sequence[Sample], *, limit: int = 0) -> dict[SeriesKey, float]:
    """The values that samples stand for, by the labels they are kept under.

    Raises QueryError when two have the same labels or there are more than limit (0: any).
    """
    if limit and len(samples) > limit:
        raise QueryError(f"expected at most {limit} series of {rule.record}, got {len(samples)}")
    results: dict[SeriesKey, float] = {}
    for sample in samples:
        key = _key(rule, sample.labels)
        if key in results:
            raise QueryError(f"expected different labels for every series of {rule.record}, got {dict(key)} twice")
        results[key] = sample.value
    return results


def _key(rule: RecordingRule, labels: Mapping[str, str]) -> SeriesKey:
    named = {**labels, **rule.labels}
    return tuple(sorted((name, text) for name, text in named.items() if text and name != "__name__"))


def _sample(rule: RecordingRule, labels: SeriesKey, at: datetime, value: float | None) -> RecordedSample:
    return RecordedSample(
        rule_uid=rule.uid,
        name=rule.record,
        labels=labels,
        at=at,
        value=0.0 if value is None else value,
        is_stale=value is None,
    )
