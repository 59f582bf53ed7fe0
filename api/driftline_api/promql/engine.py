"""PromQL over any SeriesSource: parse, evaluate, answer. Semantics are those of Prometheus 2.42 (README.md here names the differences)."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import numpy as np

from driftline_api.promql.errors import BadQuery, ExecutionError
from driftline_api.promql.evaluator import Evaluator
from driftline_api.promql.parsing import parse, type_name
from driftline_api.promql.selectors import SeriesSource
from driftline_api.promql.values import InstantVector, QueryResult, RangeVector, ResultSeries, Scalars, Text, Times

MAX_POINTS: Final = 11_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """lookback_ms: how old the newest sample of an instant vector may be. is_left_open: windows as (start, end], as
    Prometheus 3 has them; False is [start, end], as Prometheus 2. max_samples: most samples one query may hold at once.
    subquery_step_ms: step of `[1h:]`."""

    lookback_ms: int = 300_000
    is_left_open: bool = False
    max_samples: int = 50_000_000
    timeout_s: float = 120.0
    subquery_step_ms: int = 60_000


class PromqlEngine:
    """Answers PromQL from one source. Thread-safe when the source is; raises PromqlError and nothing else on a bad query."""

    def __init__(
        self,
        source: SeriesSource,
        options: EngineOptions | None = None,
        *,
        monotonic_s: Callable[[], float] = monotonic,
    ) -> None:
        self.source = source
        self.options = options if options is not None else EngineOptions()
        self._monotonic_s = monotonic_s

    def instant(
        self, expr: str, time: float, *, timeout_s: float | None = None, canceled: threading.Event | None = None
    ) -> QueryResult:
        """The expression at one time (Unix seconds): kind vector, scalar, string, or matrix for a range selector."""
        time_ms = round(time * 1000)
        tree = parse(expr)
        times = np.array([time_ms], dtype=np.int64)
        value = self._evaluate(tree, times, end_ms=time_ms, timeout_s=timeout_s, canceled=canceled)
        match value:
            case Text():
                return QueryResult(kind="string", text=value.value, time_ms=time_ms)
            case Scalars():
                one = ResultSeries(labels={}, times_ms=times, values=value.values)
                return QueryResult(kind="scalar", series=(one,), time_ms=time_ms)
            case InstantVector():
                series = tuple(
                    ResultSeries(labels=dict(labels), times_ms=times, values=values)
                    for labels, values, present in zip(value.labels, value.values, value.present, strict=True)
                    if present[0]
                )
                return QueryResult(kind="vector", series=series, time_ms=time_ms)
            case RangeVector():
                return QueryResult(kind="matrix", series=_windows_of(value), time_ms=time_ms)

    def range(
        self,
        expr: str,
        start: float,
        end: float,
        step: float,
        *,
        timeout_s: float | None = None,
        canceled: threading.Event | None = None,
    ) -> QueryResult:
        """The expression at start, start + step, ... up to end (Unix seconds; step in seconds): kind matrix, sorted by labels."""
        start_ms, end_ms, step_ms = round(start * 1000), round(end * 1000), round(step * 1000)
        if step_ms <= 0:
            raise BadQuery("zero or negative query resolution step widths are not accepted. Try a positive integer")
        if end_ms < start_ms:
            raise BadQuery("end timestamp must not be before start time")
        if (end_ms - start_ms) // step_ms > MAX_POINTS:
            raise BadQuery(
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )
        tree = parse(expr)
        if (kind := type_name(tree)) not in ("scalar", "instant vector"):
            raise BadQuery(f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector')
        times = np.arange(start_ms, end_ms + 1, step_ms, dtype=np.int64)
        value = self._evaluate(tree, times, end_ms=end_ms, timeout_s=timeout_s, canceled=canceled)
        if isinstance(value, Scalars):
            series: tuple[ResultSeries, ...] = (ResultSeries(labels={}, times_ms=times, values=value.values),)
        elif isinstance(value, InstantVector):
            series = _rows_of(value, times)
        else:
            raise ExecutionError(f"expected a vector or scalar, got {type(value).__name__}")
        return QueryResult(kind="matrix", series=series, time_ms=end_ms)

    def _evaluate(
        self, tree: Any, times: Times, *, end_ms: int, timeout_s: float | None, canceled: threading.Event | None
    ) -> Scalars | Text | InstantVector | RangeVector:
        limit_s = self.options.timeout_s if timeout_s is None else min(timeout_s, self.options.timeout_s)
        deadline = self._monotonic_s() + limit_s
        evaluator = Evaluator(
            source=self.source,
            query_start_ms=int(times[0]),
            query_end_ms=end_ms,
            lookback_ms=self.options.lookback_ms,
            is_left_open=self.options.is_left_open,
            max_samples=self.options.max_samples,
            subquery_step_ms=self.options.subquery_step_ms,
            is_late=lambda: self._monotonic_s() > deadline,
            is_canceled=canceled.is_set if canceled is not None else lambda: False,
        )
        with np.errstate(all="ignore"):
            return evaluator.evaluate(tree, times)


def _rows_of(vector: InstantVector, times: Times) -> tuple[ResultSeries, ...]:
    vector = vector.compact()
    order = sorted(range(len(vector.labels)), key=vector.labels.__getitem__)
    return tuple(
        ResultSeries(
            labels=dict(vector.labels[row]),
            times_ms=times[vector.present[row]],
            values=vector.values[row, vector.present[row]],
        )
        for row in order
    )


def _windows_of(vector: RangeVector) -> tuple[ResultSeries, ...]:
    rows = []
    for labels, first, last in zip(vector.labels, vector.first[:, 0], vector.last[:, 0], strict=True):
        if last > first:
            samples = slice(int(first), int(last))
            rows.append(
                ResultSeries(labels=dict(labels), times_ms=vector.timestamps[samples], values=vector.values[samples])
            )
    return tuple(rows)
