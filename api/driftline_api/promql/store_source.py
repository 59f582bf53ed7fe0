"""Samples for PromQL from the store: each metric's SQL, bound to a project, a time range and the labels asked for."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise, repeat
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from driftline_api.promql.errors import ExecutionError
from driftline_api.promql.matchers import LabelMatcher, MatchKind, anchored, matches_all
from driftline_api.promql.metrics import Metric, MetricCatalogue, MetricKind
from driftline_api.promql.numbers import format_value
from driftline_api.promql.recorded_source import RecordedSource
from driftline_api.promql.samples import MinuteGrid, held
from driftline_api.promql.values import METRIC_NAME, Floats, Labels, Series, Times, make_labels
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
_BUCKET_COLUMNS: Final = ("base_buckets", "buckets")
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
        minutes, offsets = _flat(table, "minutes")
        increments, _ = _flat(table, "increments")
        lines = grid.lines(_numbers(table, "base"), grid.cells(minutes, offsets), increments)
        alive = grid.alive(table.column("first_s").to_numpy())
        yield from _series(self._names(metric, table, metric.name), grid, alive, lines)

    def _histograms(
        self, metric: Metric, names: list[str], matchers: Sequence[LabelMatcher], grid: MinuteGrid
    ) -> Iterator[Series]:
        table = self._table(metric, _HISTOGRAM_COLUMNS, matchers, _grid_bounds(grid))
        bounds = bucket_labels()
        self._check_size(table.num_rows * len(grid.times) * len(bounds))
        minutes, offsets = _flat(table, "minutes")
        cells, alive = grid.cells(minutes, offsets), grid.alive(table.column("first_s").to_numpy())
        counts, base_count = _flat(table, "counts")[0], _numbers(table, "base_count")
        if f"{metric.name}_count" in names:
            lines = grid.lines(base_count, cells, counts)
            yield from _series(self._names(metric, table, f"{metric.name}_count"), grid, alive, lines)
        if f"{metric.name}_sum" in names:
            lines = grid.lines(_numbers(table, "base_sum"), cells, _flat(table, "sums")[0])
            yield from _series(self._names(metric, table, f"{metric.name}_sum"), grid, alive, lines)
        if f"{metric.name}_bucket" not in names:
            return
        base_buckets, buckets = (_rows(_flat_lists(table, name), width=len(bounds)) for name in _BUCKET_COLUMNS)
        on_le = [matcher for matcher in matchers if matcher.name == _LE]
        for number, bound in enumerate(bounds):
            if all(matcher.matches(bound) for matcher in on_le):
                # The last bucket is all of them, also for rows from before there were buckets.
                is_total = number == len(bounds) - 1
                lines = grid.lines(
                    base_count if is_total else base_buckets[:, number],
                    cells,
                    counts if is_total else buckets[:, number],
                )
                labels = self._names(metric, table, f"{metric.name}_bucket", bound=bound)
                yield from _series(labels, grid, alive, lines)

    def _gauges(self, metric: Metric, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> Iterator[Series]:
        table = self._table(metric, _GAUGE_COLUMNS, matchers, _gauge_bounds(start_ms, end_ms))
        self._check_size(table.num_rows * ((end_ms - start_ms) // 60_000 + 1))
        (ends, offsets), (lengths, _), (values, _) = (_flat(table, name) for name in _GAUGE_COLUMNS)
        for labels, (begin, end) in zip(self._names(metric, table, metric.name), pairwise(offsets), strict=True):
            held_for = slice(begin, end)
            times, samples = held(ends[held_for], lengths[held_for], values[held_for], start_ms=start_ms, end_ms=end_ms)
            if len(times):
                yield Series(labels=labels, timestamps=times, values=samples)

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

    def _names(self, metric: Metric, table: Any, name: str, *, bound: str = "") -> Iterator[Labels]:
        """The labels of the series of each row, bound as `le` where there is one."""
        values: dict[str, Any] = {label: table.column(label).to_pylist() for label in metric.labels}
        values[METRIC_NAME] = repeat(name, table.num_rows)
        if bound:
            values[_LE] = repeat(bound, table.num_rows)
        ordered = sorted(values)
        for row in zip(*(values[label] for label in ordered), strict=True):
            pairs = zip(ordered, row, strict=True)
            yield tuple(pairs) if all(row) else tuple(pair for pair in pairs if pair[1])

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


def _series(labels: Iterator[Labels], grid: MinuteGrid, alive: Times, lines: Floats) -> Iterator[Series]:
    """One series a row of lines, from its first sample on."""
    for one, first, line in zip(labels, alive.tolist(), lines, strict=True):
        yield Series(labels=one, timestamps=grid.times[first:], values=line[first:])


def _numbers(table: Any, name: str) -> Floats:
    numbers: Floats = table.column(name).to_numpy().astype(np.float64, copy=False)
    return numbers


def _flat(table: Any, name: str) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """A column of lists as all of their numbers, and where each row's begin and end: row i is numbers[offsets[i]:offsets[i + 1]]."""
    flat, offsets = _flat_lists(table, name)
    return flat.to_numpy(zero_copy_only=False), offsets


def _flat_lists(table: Any, name: str) -> tuple[Any, npt.NDArray[np.int64]]:
    column = table.column(name).combine_chunks()
    if hasattr(column, "chunks"):
        column = column.chunk(0) if column.num_chunks else pa.array([], column.type)
    offsets = column.offsets.to_numpy().astype(np.int64)
    return column.flatten(), offsets - (offsets[0] if len(offsets) else 0)


def _rows(lists: tuple[Any, npt.NDArray[np.int64]], *, width: int) -> Floats:
    """Lists of numbers, or of the lists of them, as rows: (n, width). A list of another length counts as zeros."""
    flat, offsets = lists
    if pa.types.is_list(flat.type):
        offsets = flat.offsets.to_numpy().astype(np.int64)
        flat = flat.flatten()
    lengths = np.diff(offsets)
    rows = np.zeros((len(lengths), width))
    is_full = lengths == width
    numbers = flat.to_numpy(zero_copy_only=False).astype(np.float64)
    rows[is_full] = numbers[np.repeat(is_full, lengths)].reshape(-1, width)
    return rows
