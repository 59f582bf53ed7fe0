"""Answers to instant queries at evenly spaced times, computed many times at once by range queries."""

from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from driftline_alerts.expressions import metric_names
from driftline_alerts.query import Sample
from driftline_api.promql.engine import PromqlEngine
from driftline_api.promql.errors import PromqlError
from driftline_api.promql.values import QueryResult
from driftline_cli.query_source import EngineQuerySource

_STEPS: Final = 1000


class StepCache:
    """A `QuerySource` for times start, start + step, ... Other times are asked one by one.

    live: metrics that grow while the rules run, so that queries of them must be asked when it is their time. Queries that look
    ahead or at the query's own bounds (`offset -`, `@`) are too. A range that fails is asked step by step, so that one bad time
    fails alone.
    """

    def __init__(
        self, engine: PromqlEngine, *, start: datetime, step: timedelta, live: frozenset[str] = frozenset()
    ) -> None:
        self._engine = engine
        self._single = EngineQuerySource(engine)
        self._start = start
        self._step = step
        self._live = live
        self._blocks: dict[str, _Block | None] = {}
        self._first: dict[str, int] = {}
        self._is_steady: dict[str, bool] = {}

    def instant(self, expr: str, time: datetime) -> list[Sample]:
        """The instant vector of expr at time. Raises QueryError."""
        number, rest = divmod(time - self._start, self._step)
        if rest or number < 0 or not self._steady(expr):
            return list(self._single.instant(expr, time))
        first = number // _STEPS * _STEPS
        if self._first.get(expr) != first:
            self._first[expr] = first
            self._blocks[expr] = self._block(expr, first)
        block = self._blocks[expr]
        return list(self._single.instant(expr, time)) if block is None else block.at(number - first, time)

    def _steady(self, expr: str) -> bool:
        if expr not in self._is_steady:
            names = metric_names(expr)
            is_alone = not (self._live and ("" in names or names & self._live))
            self._is_steady[expr] = is_alone and "@" not in expr and "offset -" not in expr
        return self._is_steady[expr]

    def _block(self, expr: str, first: int) -> "_Block | None":
        begin = self._start + first * self._step
        end = begin + (_STEPS - 1) * self._step
        try:
            result = self._engine.range(expr, begin.timestamp(), end.timestamp(), self._step.total_seconds())
        except PromqlError:
            return None
        return _Block(result, begin_ms=round(begin.timestamp() * 1000), step_ms=self._step // timedelta(milliseconds=1))


class _Block:
    """The series of a range and their values (n_series, n_steps), with which of them there are."""

    def __init__(self, result: QueryResult, *, begin_ms: int, step_ms: int) -> None:
        self._labels = [dict(series.labels) for series in result.series]
        self._values = np.zeros((len(result.series), _STEPS))
        self._present: npt.NDArray[np.bool_] = np.zeros((len(result.series), _STEPS), dtype=np.bool_)
        for row, series in enumerate(result.series):
            columns = (series.times_ms - begin_ms) // step_ms
            self._values[row, columns] = series.values
            self._present[row, columns] = True

    def at(self, column: int, time: datetime) -> list[Sample]:
        """The samples at one step."""
        return [
            Sample(labels=self._labels[row], value=float(self._values[row, column]), timestamp=time)
            for row in np.flatnonzero(self._present[:, column])
        ]
