"""Walks one query's tree. All steps of the query are evaluated at once: every node is visited once, arrays do the rest."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import promql_parser as pp

from driftline_api.promql import binary
from driftline_api.promql.aggregations import REDUCTIONS, count_values, quantile, reduce_groups, top
from driftline_api.promql.errors import BadQuery, ExecutionError, QueryCanceled, QueryTimeout
from driftline_api.promql.functions import CLOCKS, ELEMENTWISE, VECTOR_FUNCTIONS, number_of, text_of, vector_of
from driftline_api.promql.label_functions import LABEL_NAME
from driftline_api.promql.matchers import LabelMatcher, MatchKind
from driftline_api.promql.numbers import format_sample
from driftline_api.promql.over_time import OVER_TIME_FUNCTIONS
from driftline_api.promql.parsing import (
    at_ms,
    grouping_of,
    is_bool,
    matchers_of,
    matching_of,
    milliseconds,
    unwrapped,
)
from driftline_api.promql.rates import RATE_FUNCTIONS
from driftline_api.promql.selectors import SampleBlock, SeriesSource, Windows, block_of_vector, newest_samples
from driftline_api.promql.values import (
    METRIC_NAME,
    SAME_LABELSET,
    InstantVector,
    Labels,
    RangeVector,
    Scalars,
    Text,
    Times,
    Value,
    make_labels,
)

_RANGE_FUNCTIONS = {**RATE_FUNCTIONS, **OVER_TIME_FUNCTIONS}
_MAX_LIMIT = float(1 << 63)
_TOO_MANY = "query processing would load too many samples into memory in query execution"


@dataclass(slots=True, kw_only=True)
class Evaluator:
    """One query's evaluation. query_start_ms, query_end_ms: what start() and end() mean, in subqueries too."""

    source: SeriesSource
    query_start_ms: int
    query_end_ms: int
    lookback_ms: int
    is_left_open: bool
    max_samples: int
    subquery_step_ms: int
    is_late: Callable[[], bool]
    is_canceled: Callable[[], bool]
    _blocks: dict[tuple[Any, ...], SampleBlock] = field(default_factory=dict)
    _n_samples: int = 0

    def evaluate(self, tree: Any, times: Times) -> Value:
        """The tree's value at times (n_steps,) ms. Raises PromqlError."""
        self._check_time()
        value = self._dispatch(tree, times)
        if isinstance(value, InstantVector | RangeVector):
            self._check_size(len(value.labels), times)
        return value

    def _check_time(self) -> None:
        if self.is_canceled():
            raise QueryCanceled("query was canceled in expression evaluation")
        if self.is_late():
            raise QueryTimeout("query timed out in expression evaluation")

    def _check_size(self, n_series: int, times: Times) -> None:
        if self._n_samples + n_series * len(times) > self.max_samples:
            raise ExecutionError(_TOO_MANY)

    def _dispatch(self, tree: Any, times: Times) -> Value:  # noqa: PLR0911 - one line for each kind of node
        match tree:
            case pp.NumberLiteral():
                return Scalars(values=np.full(len(times), tree.val))
            case pp.StringLiteral():
                return Text(value=tree.val)
            case pp.ParenExpr():
                return self.evaluate(tree.expr, times)
            case pp.VectorSelector():
                return self._newest(tree, times)[0]
            case pp.MatrixSelector() | pp.SubqueryExpr():
                return self._windows(tree, times).all()
            case pp.UnaryExpr():
                return self._negated(self.evaluate(tree.expr, times))
            case pp.BinaryExpr():
                return self._binary(tree, times)
            case pp.AggregateExpr():
                return self._aggregation(tree, times)
            case pp.Call():
                return self._call(tree, times)
            case _:
                raise BadQuery(f"parse error: unsupported expression {type(tree).__name__}")

    # Selecting

    def _reference_times(self, tree: Any, times: Times) -> Times:
        """The times that a selector's or subquery's `@` and `offset` mean."""
        pinned = at_ms(tree.at, start_ms=self.query_start_ms, end_ms=self.query_end_ms)
        base = times if pinned is None else np.full(len(times), pinned, dtype=np.int64)
        return base - milliseconds(tree.offset)

    def _select(self, selector: Any, start_ms: int, end_ms: int) -> SampleBlock:
        matchers = tuple(matchers_of(selector))
        key = (matchers, start_ms, end_ms)
        if key not in self._blocks:
            block = SampleBlock.of(self.source.select(matchers, start_ms, end_ms))
            self._n_samples += len(block.timestamps)
            if self._n_samples > self.max_samples:
                raise ExecutionError(_TOO_MANY)
            self._blocks[key] = block
        return self._blocks[key]

    def _newest(self, selector: Any, times: Times) -> tuple[InstantVector, Times]:
        wanted = self._reference_times(selector, times)
        block = self._select(selector, int(wanted.min()) - self.lookback_ms, int(wanted.max()))
        return newest_samples(block, wanted, lookback_ms=self.lookback_ms, is_left_open=self.is_left_open)

    def _windows(self, tree: Any, times: Times) -> Windows:
        """The windows of a range selector or subquery."""
        if isinstance(tree, pp.SubqueryExpr):
            return self._subquery(tree, times)
        ends = self._reference_times(tree.vector_selector, times)
        range_ms = milliseconds(tree.range)
        block = self._select(tree.vector_selector, int(ends.min()) - range_ms, int(ends.max()))
        return Windows(block=block.without_stale(), ends=ends, range_ms=range_ms, is_left_open=self.is_left_open)

    def _subquery(self, tree: Any, times: Times) -> Windows:
        ends = self._reference_times(tree, times)
        range_ms = milliseconds(tree.range)
        step = milliseconds(tree.step) or self.subquery_step_ms
        earliest = int(ends.min()) - range_ms
        start = earliest // step * step
        if start < earliest or (self.is_left_open and start == earliest):
            start += step
        inner_times = np.arange(start, int(ends.max()) + 1, step, dtype=np.int64)
        if not len(inner_times):
            inner_times = np.array([start], dtype=np.int64)
        inner = self.evaluate(tree.expr, inner_times)
        if isinstance(inner, Scalars):
            ones = np.ones((1, len(inner_times)), dtype=np.bool_)
            inner = InstantVector(labels=[()], values=inner.values[None, :], present=ones)
        block = block_of_vector(vector_of(inner).compact(), inner_times)
        return Windows(block=block.without_stale(), ends=ends, range_ms=range_ms, is_left_open=self.is_left_open)

    # Operators

    def _negated(self, value: Value) -> Value:
        if isinstance(value, Scalars):
            return Scalars(values=-value.values)
        vector = vector_of(value)
        return vector.with_values(-vector.values).without_name()

    def _binary(self, tree: Any, times: Times) -> Value:
        op = str(tree.op)
        left, right = self.evaluate(tree.lhs, times), self.evaluate(tree.rhs, times)
        match left, right:
            case Scalars(), Scalars():
                return binary.scalars_with_scalars(op, left, right)
            case InstantVector(), Scalars():
                return binary.vector_with_scalars(op, left, right, is_scalar_left=False, is_bool=is_bool(tree))
            case Scalars(), InstantVector():
                return binary.vector_with_scalars(op, right, left, is_scalar_left=True, is_bool=is_bool(tree))
            case InstantVector(), InstantVector() if op in binary.SET_OPERATORS:
                return binary.set_operation(op, left, right, matching_of(tree))
            case InstantVector(), InstantVector():
                return binary.vectors(op, left, right, matching_of(tree), is_bool=is_bool(tree))
            case _:
                raise ExecutionError(f'operator "{op}" not allowed between these operands')

    def _aggregation(self, tree: Any, times: Times) -> InstantVector:
        op, grouping = str(tree.op), grouping_of(tree)
        parameter = self.evaluate(tree.param, times) if tree.param is not None else None
        vector = vector_of(self.evaluate(tree.expr, times))
        if op in REDUCTIONS:
            return reduce_groups(op, vector, grouping)
        if parameter is None:
            raise BadQuery(
                "parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1"
            )
        if op == "quantile":
            return quantile(vector, grouping, number_of(parameter))
        if op == "count_values":
            label = text_of(parameter)
            if not LABEL_NAME.match(label):
                raise ExecutionError(f'invalid label name "{label}"')
            return count_values(vector, grouping, label)
        limit = number_of(parameter)
        refused = limit[~((limit > -_MAX_LIMIT) & (limit < _MAX_LIMIT))]
        if len(refused):
            raise ExecutionError(f"Scalar value {format_sample(float(refused[0]))} overflows int64")
        return top(vector, grouping, np.trunc(limit).astype(np.int64), is_bottom=op == "bottomk")

    # Functions

    def _call(self, tree: Any, times: Times) -> Value:
        name = tree.func.name
        if name in _RANGE_FUNCTIONS:
            return self._range_function(name, tree.args, times)
        if name in ELEMENTWISE:
            vector = vector_of(self.evaluate(tree.args[0], times))
            return vector.with_values(ELEMENTWISE[name](vector.values)).without_name()
        if name in CLOCKS:
            return self._clock(name, tree.args, times)
        if name == "timestamp":
            return self._timestamp(tree.args[0], times)
        if name in ("absent", "absent_over_time"):
            return self._absent(tree.args[0], times)
        return VECTOR_FUNCTIONS[name]([self.evaluate(argument, times) for argument in tree.args], times)

    def _range_function(self, name: str, arguments: list[Any], times: Times) -> InstantVector:
        numbers = [number_of(self.evaluate(argument, times)) for argument in arguments if not _is_range(argument)]
        self._check_time()
        found = self._windows(next(unwrapped(argument) for argument in arguments if _is_range(argument)), times)
        self._check_size(len(found.block.labels), times)
        result = np.empty((len(found.block.labels), len(times)))
        present = np.empty(result.shape, dtype=np.bool_)
        for rows, window in found.parts():
            self._check_time()
            result[rows], present[rows] = _RANGE_FUNCTIONS[name](window, numbers, times)
        vector = InstantVector(labels=found.block.labels, values=result, present=present).compact()
        if name == "last_over_time":
            return vector
        nameless = [tuple(pair for pair in labels if pair[0] != METRIC_NAME) for labels in vector.labels]
        if len(set(nameless)) < len(nameless):
            raise ExecutionError(SAME_LABELSET)
        return InstantVector(labels=nameless, values=vector.values, present=vector.present)

    def _clock(self, name: str, arguments: list[Any], times: Times) -> InstantVector:
        if not arguments:
            values = CLOCKS[name]((times / 1000.0)[None, :])
            return InstantVector(labels=[()], values=values, present=np.ones(values.shape, dtype=np.bool_))
        vector = vector_of(self.evaluate(arguments[0], times))
        parts = np.where(np.isfinite(vector.values), CLOCKS[name](vector.values), np.nan)
        return vector.with_values(parts).without_name()

    def _timestamp(self, argument: Any, times: Times) -> InstantVector:
        inner = unwrapped(argument)
        if isinstance(inner, pp.VectorSelector):
            vector, taken = self._newest(inner, times)
            return vector.with_values(taken / 1000.0).without_name()
        vector = vector_of(self.evaluate(inner, times))
        return vector.with_values(np.broadcast_to(times / 1000.0, vector.values.shape).copy()).without_name()

    def _absent(self, argument: Any, times: Times) -> InstantVector:
        value = self.evaluate(argument, times)
        there = value.counts > 0 if isinstance(value, RangeVector) else vector_of(value).present
        absent = np.asarray(~there.any(axis=0))
        vector = InstantVector(
            labels=[_labels_of_absent(argument)], values=np.ones((1, len(times))), present=absent[None, :]
        )
        return vector.compact()


def _is_range(argument: Any) -> bool:
    return isinstance(unwrapped(argument), pp.MatrixSelector | pp.SubqueryExpr)


def _labels_of_absent(argument: Any) -> Labels:
    """What an absent series would have been called: the labels that the selector fixes, each only if fixed once."""
    argument = unwrapped(argument)
    if isinstance(argument, pp.MatrixSelector):
        argument = argument.vector_selector
    if not isinstance(argument, pp.VectorSelector):
        return ()
    labels: dict[str, str] = {}
    seen: set[str] = set()
    matchers: list[LabelMatcher] = [matcher for matcher in matchers_of(argument) if matcher.name != METRIC_NAME]
    for matcher in matchers:
        if matcher.kind is MatchKind.EQUAL and matcher.name not in seen:
            labels[matcher.name] = matcher.value
            seen.add(matcher.name)
        else:
            labels.pop(matcher.name, None)
    return make_labels(labels)
