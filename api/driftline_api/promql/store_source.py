"""Samples for PromQL from the store: each metric's SQL, bound to a project, a time range and the labels asked for."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, repeat
from typing import Any, Final

from driftline_api.promql.counter_rows import BUCKET_COLUMNS, COUNTER_COLUMNS, HISTOGRAM_COLUMNS, CounterRows, flat
from driftline_api.promql.earlier_sums import DAY_S, EarlierSums, table_of
from driftline_api.promql.errors import ExecutionError
from driftline_api.promql.matchers import LabelMatcher, MatchKind, anchored, matches_all
from driftline_api.promql.metrics import Metric, MetricCatalogue, MetricKind
from driftline_api.promql.numbers import format_value
from driftline_api.promql.recorded_source import RecordedSource
from driftline_api.promql.samples import MinuteGrid, held
from driftline_api.promql.values import METRIC_NAME, Floats, Labels, Series, make_labels
from driftline_core.clock import Clock, utc_now
from driftline_core.errors import StoreError
from driftline_core.store import Store
from driftline_core.store.rollup import BUCKETS_MS

_GAUGE_COLUMNS: Final = ("ends_ms", "lengths_ms", "values")
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
        earlier: EarlierSums | None = None,
    ) -> None:
        self.project = project
        self.catalogue = catalogue
        self._store = store
        self._recorded = RecordedSource(store, project)
        self._clock = clock
        self._max_samples = max_samples
        self._earlier = earlier if earlier is not None else EarlierSums()

    def select(self, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> list[Series]:
        """Every series that passes all matchers with its samples in start_ms..end_ms, both inclusive."""
        end_ms = min(end_ms, self._now_ms())
        if end_ms < start_ms:
            return []
        found: list[Series] = []
        for metric, names in self.catalogue.selected(matchers):
            found.extend(self._read(metric, names, matchers, start_ms, end_ms))
            self._check_size(sum(len(one.timestamps) for one in found))
        if self._may_be_recorded(matchers):
            found.extend(self._recorded.select(matchers, start_ms, end_ms))
            self._check_size(sum(len(one.timestamps) for one in found))
        return found

    def label_sets(self, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> list[Labels]:
        """The labels of every series that passes all matchers and has a sample in start_ms..end_ms, without reading samples."""
        end_ms = min(end_ms, self._now_ms())
        start_ms = max(start_ms, 0)
        if end_ms < start_ms:
            return []
        found: list[Labels] = []
        for metric, names in self.catalogue.selected(matchers):
            for row in self._label_rows(metric, matchers, start_ms, end_ms):
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
        rows = self._rows(metric, COUNTER_COLUMNS, matchers, from_s=grid.from_s, to_s=grid.to_s)
        self._check_size(len(rows.first_s) * len(grid.times))
        lines = grid.lines(rows.base["base"], grid.cells(rows.minutes, rows.offsets), rows.counted["increments"])
        yield from _series(_names(rows.labels, metric.name), grid, rows, lines)

    def _histograms(
        self, metric: Metric, names: list[str], matchers: Sequence[LabelMatcher], grid: MinuteGrid
    ) -> Iterator[Series]:
        has_buckets, bounds = f"{metric.name}_bucket" in names, bucket_labels()
        columns = HISTOGRAM_COLUMNS + BUCKET_COLUMNS if has_buckets else HISTOGRAM_COLUMNS
        rows = self._rows(metric, columns, matchers, from_s=grid.from_s, to_s=grid.to_s)
        self._check_size(len(rows.first_s) * len(grid.times) * (len(bounds) if has_buckets else 1))
        cells = grid.cells(rows.minutes, rows.offsets)
        for suffix in ("count", "sum"):
            if (name := f"{metric.name}_{suffix}") in names:
                lines = grid.lines(rows.base[f"base_{suffix}"], cells, rows.counted[f"{suffix}s"])
                yield from _series(_names(rows.labels, name), grid, rows, lines)
        if not has_buckets:
            return
        on_le = [matcher for matcher in matchers if matcher.name == _LE]
        for number, bound in enumerate(bounds):
            if all(matcher.matches(bound) for matcher in on_le):
                # The last bucket is all of them, also for rows from before there were buckets.
                is_total = number == len(bounds) - 1
                lines = grid.lines(
                    rows.base["base_count"] if is_total else rows.base["base_buckets"][:, number],
                    cells,
                    rows.counted["counts"] if is_total else rows.counted["buckets"][:, number],
                )
                yield from _series(_names(rows.labels, f"{metric.name}_bucket", bound=bound), grid, rows, lines)

    def _rows(
        self, metric: Metric, columns: tuple[str, ...], matchers: Sequence[LabelMatcher], *, from_s: int, to_s: int
    ) -> CounterRows:
        """A counter's or histogram's rows, what was before the range remembered where the metric's SQL can do without it."""

        def read(of: Sequence[LabelMatcher], **bounds: int) -> CounterRows:
            return CounterRows.of(
                self._table(metric, columns, of, bounds), metric.labels, n_buckets=len(bucket_labels())
            )

        day_s, table = from_s // DAY_S * DAY_S, table_of(metric)
        if table is None or day_s <= 0 or not _fits(metric, matchers):
            return read(matchers, from_s=from_s, to_s=to_s, since_s=0)
        try:
            earlier = self._earlier.before(
                day_s,
                lambda: read((), from_s=day_s, to_s=day_s, since_s=0),
                store=self._store,
                project=self.project,
                metric=(metric.name, columns),
                table=table,
            )
        except StoreError as error:
            raise _failed(metric, error) from error
        return read(matchers, from_s=from_s, to_s=to_s, since_s=day_s).after(earlier, matchers)

    def _gauges(self, metric: Metric, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> Iterator[Series]:
        table = self._table(metric, _GAUGE_COLUMNS, matchers, _gauge_bounds(start_ms, end_ms))
        self._check_size(table.num_rows * ((end_ms - start_ms) // 60_000 + 1))
        (ends, offsets), (lengths, _), (values, _) = (flat(table, name) for name in _GAUGE_COLUMNS)
        for labels, (begin, end) in zip(
            _names(_label_columns(metric, table), metric.name), pairwise(offsets), strict=True
        ):
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
        if not _fits(metric, matchers):
            conditions.append("0")
        labels = [f"toString({label}) AS {label}" for label in metric.labels]
        sql = f"SELECT {', '.join([*labels, *columns])} FROM (\n{metric.sql}\n) WHERE {' AND '.join(conditions)}"
        try:
            return self._store.arrow(sql, parameters, settings=_SETTINGS)
        except StoreError as error:
            raise _failed(metric, error) from error

    def _label_rows(
        self, metric: Metric, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int
    ) -> Iterator[dict[str, str]]:
        if metric.kind is MetricKind.GAUGE:
            columns = _label_columns(metric, self._table(metric, (), matchers, _gauge_bounds(start_ms, end_ms)))
        else:
            # A counter is there from its first minute on: all of it may be summed and no minute need be spelled out.
            last_s = end_ms // 60_000 * 60
            wanted = HISTOGRAM_COLUMNS if metric.kind is MetricKind.HISTOGRAM else COUNTER_COLUMNS
            columns = dict(self._rows(metric, wanted, matchers, from_s=last_s, to_s=last_s).labels)
        for row in zip(*columns.values(), strict=True):
            yield dict(zip(columns, row, strict=True))

    def _check_size(self, n_samples: int) -> None:
        if n_samples > self._max_samples:
            raise ExecutionError("query processing would load too many samples into memory in query execution")

    def _now_ms(self) -> int:
        return int(self._clock().timestamp() * 1000)


def _gauge_bounds(start_ms: int, end_ms: int) -> dict[str, int]:
    return {"from_ms": max(start_ms, 0), "to_ms": end_ms}


def _failed(metric: Metric, error: StoreError) -> ExecutionError:
    return ExecutionError(f"the store failed on {metric.name}: {error}")


def _fits(metric: Metric, matchers: Sequence[LabelMatcher]) -> bool:
    """Whether the matchers let pass that labels which the metric does not have are empty."""
    known = (*metric.labels, METRIC_NAME, _LE)
    return all(matcher.name in known or matcher.matches("") for matcher in matchers)


def _label_columns(metric: Metric, table: Any) -> dict[str, list[str]]:
    return {label: table.column(label).to_pylist() for label in metric.labels}


def _names(labels: Mapping[str, list[str]], name: str, *, bound: str = "") -> Iterator[Labels]:
    """The labels of the series of each row, bound as `le` where there is one."""
    columns: dict[str, Iterable[str]] = {**labels, METRIC_NAME: repeat(name)}
    if bound:
        columns[_LE] = repeat(bound)
    ordered = sorted(columns)
    for row in zip(*(columns[label] for label in ordered), strict=False):
        pairs = zip(ordered, row, strict=True)
        yield tuple(pairs) if all(row) else tuple(pair for pair in pairs if pair[1])


def bucket_labels() -> list[str]:
    """The values of `le`, in seconds, +Inf last."""
    return [*(format_value(bound / 1000) for bound in BUCKETS_MS if math.isfinite(bound)), "+Inf"]


def _series_labels(metric: Metric, name: str, row: dict[str, str]) -> Iterator[Labels]:
    if metric.kind is MetricKind.HISTOGRAM and name.endswith("_bucket"):
        for bound in bucket_labels():
            yield make_labels({METRIC_NAME: name, **row, _LE: bound})
    else:
        yield make_labels({METRIC_NAME: name, **row})


def _series(labels: Iterator[Labels], grid: MinuteGrid, rows: CounterRows, lines: Floats) -> Iterator[Series]:
    """One series a row of lines, from its first sample on."""
    for one, first, line in zip(labels, grid.alive(rows.first_s).tolist(), lines, strict=True):
        yield Series(labels=one, timestamps=grid.times[first:], values=line[first:])
