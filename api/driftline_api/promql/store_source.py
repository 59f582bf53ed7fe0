"""Samples for PromQL from the store: each metric's SQL, bound to a project, a time range and the labels asked for."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from driftline_api.promql.errors import ExecutionError
from driftline_api.promql.matchers import LabelMatcher, MatchKind, anchored, matches_all
from driftline_api.promql.metrics import Metric, MetricCatalogue, MetricKind
from driftline_api.promql.numbers import format_value
from driftline_api.promql.recorded_source import RecordedSource
from driftline_api.promql.samples import MinuteGrid, held
from driftline_api.promql.values import METRIC_NAME, Labels, Series, make_labels
from driftline_core.clock import Clock, utc_now
from driftline_core.errors import StoreError
from driftline_core.store import Store
from driftline_core.store.rollup import BUCKETS_MS

_COUNTER_COLUMNS: Final = ("first_s", "base", "minutes", "increments")
_GAUGE_COLUMNS: Final = ("ends_ms", "lengths_ms", "values")
_HISTOGRAM_COLUMNS: Final = (
    "first_s",
    "minutes",
    "base_count",
    "counts",
    "base_sum",
    "sums",
    "base_buckets",
    "buckets",
)
_CONDITIONS: Final = {
    MatchKind.EQUAL: "{label} = {{{name}:String}}",
    MatchKind.NOT_EQUAL: "{label} != {{{name}:String}}",
    MatchKind.MATCHES: "match(toString({label}), {{{name}:String}})",
    MatchKind.NOT_MATCHES: "NOT match(toString({label}), {{{name}:String}})",
}
_LE: Final = "le"
_SETTINGS: Final = {"do_not_merge_across_partitions_select_final": 1}
_CATALOGUE: Final = MetricCatalogue.load()


class StoreSource:
    """A `SeriesSource` of one project. Nothing is yielded for times after `clock()`: a counter is not known before its minute ends.

    Raises ExecutionError when the store fails or a selection has more than max_samples samples.
    """

    def __init__(
        self,
        store: Store,
        project: str,
        *,
        catalogue: MetricCatalogue = _CATALOGUE,
        clock: Clock = utc_now,
        max_samples: int = 50_000_000,
    ) -> None:
        self.project = project
        self.catalogue = catalogue
        self._store = store
        self._recorded = RecordedSource(store, project)
        self._clock = clock
        self._max_samples = max_samples

    def select(self, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> list[Series]:
        """Every series that passes all matchers with its samples in start_ms..end_ms, both inclusive."""
        end_ms = min(end_ms, self._now_ms())
        if end_ms < start_ms:
            return []
        found: list[Series] = []
        for metric, names in self.catalogue.selected(matchers):
            found.extend(self._read(metric, names, matchers, start_ms, end_ms))
            if sum(len(one.timestamps) for one in found) > self._max_samples:
                raise ExecutionError("query processing would load too many samples into memory in query execution")
        if self._may_be_recorded(matchers):
            found.extend(self._recorded.select(matchers, start_ms, end_ms))
        return found

    def label_sets(self, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> list[Labels]:
        """The labels of every series that passes all matchers and has a sample in start_ms..end_ms, without reading samples."""
        end_ms = min(end_ms, self._now_ms())
        start_ms = max(start_ms, 0)
        if end_ms < start_ms:
            return []
        found: list[Labels] = []
        for metric, names in self.catalogue.selected(matchers):
            table = self._table(metric, (), matchers, _label_bounds(metric, start_ms, end_ms))
            for row in self._labels(metric, table):
                for name in names:
                    for labels in _series_labels(metric, name, row):
                        if matches_all(matchers, labels):
                            found.append(labels)
        if self._may_be_recorded(matchers):
            found.extend(self._recorded.label_sets(matchers, start_ms, end_ms))
        return found

    def _may_be_recorded(self, matchers: Sequence[LabelMatcher]) -> bool:
        """False for a query that names a metric of the catalogue."""
        named = [one.value for one in matchers if one.name == METRIC_NAME and one.kind is MatchKind.EQUAL]
        return not any(name in self.catalogue.series_names for name in named)

    def _read(
        self, metric: Metric, names: list[str], matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int
    ) -> Iterator[Series]:
        if metric.kind is MetricKind.GAUGE:
            yield from self._gauges(metric, matchers, start_ms, end_ms)
            return
        grid = MinuteGrid(start_ms, end_ms)
        if not len(grid.times):
            return
        if metric.kind is MetricKind.COUNTER:
            yield from self._counters(metric, matchers, grid)
        else:
            yield from self._histograms(metric, names, matchers, grid)

    def _counters(self, metric: Metric, matchers: Sequence[LabelMatcher], grid: MinuteGrid) -> Iterator[Series]:
        table = self._table(metric, _COUNTER_COLUMNS, matchers, _grid_bounds(grid))
        self._check_size(table.num_rows * len(grid.times))
        first, base = table.column("first_s").to_numpy(), table.column("base").to_numpy()
        minutes, increments = _lists(table, "minutes"), _lists(table, "increments")
        for i, labels in enumerate(self._labels(metric, table)):
            alive = grid.alive(int(first[i]))
            running = grid.running(float(base[i]), grid.positions(minutes[i]), increments[i].astype(np.float64))
            yield Series(
                labels=make_labels({METRIC_NAME: metric.name, **labels}),
                timestamps=grid.times[alive],
                values=running[alive],
            )

    def _histograms(
        self, metric: Metric, names: list[str], matchers: Sequence[LabelMatcher], grid: MinuteGrid
    ) -> Iterator[Series]:
        table = self._table(metric, _HISTOGRAM_COLUMNS, matchers, _grid_bounds(grid))
        bounds = bucket_labels()
        self._check_size(table.num_rows * len(grid.times) * len(bounds))
        first = table.column("first_s").to_numpy()
        minutes, counts, sums = _lists(table, "minutes"), _lists(table, "counts"), _lists(table, "sums")
        base_count, base_sum = table.column("base_count").to_numpy(), table.column("base_sum").to_numpy()
        base_buckets, buckets = _lists(table, "base_buckets"), _nested_lists(table, "buckets", width=len(bounds))
        for i, labels in enumerate(self._labels(metric, table)):
            alive = grid.alive(int(first[i]))
            positions = grid.positions(minutes[i])
            lines: dict[str, tuple[float, npt.NDArray[Any]]] = {
                f"{metric.name}_count": (float(base_count[i]), counts[i]),
                f"{metric.name}_sum": (float(base_sum[i]), sums[i]),
            }
            for name, (base, increments) in lines.items():
                if name in names:
                    yield Series(
                        labels=make_labels({METRIC_NAME: name, **labels}),
                        timestamps=grid.times[alive],
                        values=grid.running(base, positions, increments.astype(np.float64))[alive],
                    )
            if f"{metric.name}_bucket" not in names:
                continue
            by_minute = buckets[i]
            for number, bound in enumerate(bounds):
                named = make_labels({METRIC_NAME: f"{metric.name}_bucket", **labels, _LE: bound})
                if not matches_all(matchers, named):
                    continue
                is_total = number >= len(bounds) - 1
                base = base_count[i] if is_total else base_buckets[i][number] if len(base_buckets[i]) else 0.0
                increments = counts[i] if is_total else by_minute[:, number]
                yield Series(
                    labels=named,
                    timestamps=grid.times[alive],
                    values=grid.running(float(base), positions, increments.astype(np.float64))[alive],
                )

    def _gauges(self, metric: Metric, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> Iterator[Series]:
        table = self._table(metric, _GAUGE_COLUMNS, matchers, _gauge_bounds(start_ms, end_ms))
        self._check_size(table.num_rows * ((end_ms - start_ms) // 60_000 + 1))
        ends, lengths, values = (_lists(table, name) for name in _GAUGE_COLUMNS)
        for i, labels in enumerate(self._labels(metric, table)):
            times, samples = held(ends[i], lengths[i], values[i], start_ms=start_ms, end_ms=end_ms)
            if len(times):
                yield Series(labels=make_labels({METRIC_NAME: metric.name, **labels}), timestamps=times, values=samples)

    def _table(
        self,
        metric: Metric,
        columns: Sequence[str],
        matchers: Sequence[LabelMatcher],
        bounds: dict[str, Any],
    ) -> Any:
        """The metric's rows that pass the matchers, as an Arrow table of its labels and the columns."""
        parameters = {"project": self.project, "value": metric.value, **bounds}
        conditions = ["1"]
        for number, matcher in enumerate(matchers):
            if matcher.name in metric.labels:
                name = f"matcher_{number}"
                conditions.append(_CONDITIONS[matcher.kind].format(label=matcher.name, name=name))
                is_pattern = matcher.kind in (MatchKind.MATCHES, MatchKind.NOT_MATCHES)
                parameters[name] = anchored(matcher.value) if is_pattern else matcher.value
            elif matcher.name not in (METRIC_NAME, _LE) and not matcher.matches(""):
                # A label that the metric does not have is empty.
                conditions.append("0")
        labels = [f"toString({label}) AS {label}" for label in metric.labels]
        sql = f"SELECT {', '.join([*labels, *columns])} FROM (\n{metric.sql}\n) WHERE {' AND '.join(conditions)}"
        try:
            return self._store.arrow(sql, parameters, settings=_SETTINGS)
        except StoreError as error:
            raise ExecutionError(f"the store failed on {metric.name}: {error}") from error

    def _labels(self, metric: Metric, table: Any) -> list[dict[str, str]]:
        columns = [table.column(label).to_pylist() for label in metric.labels]
        return [dict(zip(metric.labels, row, strict=True)) for row in zip(*columns, strict=True)]

    def _check_size(self, n_samples: int) -> None:
        if n_samples > self._max_samples:
            raise ExecutionError("query processing would load too many samples into memory in query execution")

    def _now_ms(self) -> int:
        return int(self._clock().timestamp() * 1000)


def _grid_bounds(grid: MinuteGrid) -> dict[str, int]:
    return {"from_s": grid.from_s, "to_s": grid.to_s}


def _gauge_bounds(start_ms: int, end_ms: int) -> dict[str, int]:
    return {"from_ms": max(start_ms, 0), "to_ms": end_ms}


def _label_bounds(metric: Metric, start_ms: int, end_ms: int) -> dict[str, int]:
    """A counter is there from its first minute on, so that all of it may be summed and no minute need be spelled out."""
    if metric.kind is MetricKind.GAUGE:
        return _gauge_bounds(start_ms, end_ms)
    last_s = end_ms // 60_000 * 60
    return {"from_s": last_s, "to_s": last_s}


def bucket_labels() -> list[str]:
    """The values of `le`, in seconds, +Inf last."""
    return [*(format_value(bound / 1000) for bound in BUCKETS_MS if math.isfinite(bound)), "+Inf"]


def _series_labels(metric: Metric, name: str, row: dict[str, str]) -> Iterator[Labels]:
    if metric.kind is MetricKind.HISTOGRAM and name.endswith("_bucket"):
        for bound in bucket_labels():
            yield make_labels({METRIC_NAME: name, **row, _LE: bound})
    else:
        yield make_labels({METRIC_NAME: name, **row})


def _lists(table: Any, name: str) -> list[npt.NDArray[Any]]:
    """A column of lists as one array a row."""
    column = table.column(name).combine_chunks()
    chunks = column.chunks if hasattr(column, "chunks") else [column]
    out: list[npt.NDArray[Any]] = []
    for chunk in chunks:
        flat, offsets = chunk.flatten().to_numpy(zero_copy_only=False), chunk.offsets.to_numpy()
        start = offsets[0] if len(offsets) else 0
        out.extend(flat[begin - start : end - start] for begin, end in pairwise(offsets))
    return out


def _nested_lists(table: Any, name: str, *, width: int) -> list[npt.NDArray[np.float64]]:
    """A column of lists of lists as one array (n, width) a row; inner lists of another length count as zeros."""
    column = table.column(name).combine_chunks()
    chunks = column.chunks if hasattr(column, "chunks") else [column]
    out: list[npt.NDArray[np.float64]] = []
    for chunk in chunks:
        inner, offsets = chunk.flatten(), chunk.offsets.to_numpy()
        is_full = np.diff(inner.offsets.to_numpy()) == width
        flat = inner.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
        rows = np.zeros((len(inner), width))
        rows[is_full] = flat[np.repeat(is_full, np.diff(inner.offsets.to_numpy()))].reshape(-1, width)
        start = offsets[0] if len(offsets) else 0
        out.extend(rows[begin - start : end - start] for begin, end in pairwise(offsets))
    return out
