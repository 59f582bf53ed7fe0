"""Samples in memory for PromQL: those of a unit test's series, and those that rules record while they run."""

from collections.abc import Mapping, Sequence

import numpy as np

from driftline_alerts.recording import RecordedSample
from driftline_api.promql.matchers import LabelMatcher, MatchKind, matches_all
from driftline_api.promql.selectors import SeriesSource
from driftline_api.promql.values import METRIC_NAME, STALE_NAN, Floats, Labels, Series, Times, make_labels


class MemorySource:
    """A `SeriesSource` and a `RecordSink`. base: another source, asked for metrics that were not written here."""

    def __init__(self, base: SeriesSource | None = None) -> None:
        self._base = base
        self._samples: dict[Labels, dict[int, float]] = {}
        self._arrays: dict[Labels, tuple[Times, Floats]] = {}

    def add(self, labels: Mapping[str, str], times_ms: Sequence[int] | Times, values: Sequence[float] | Floats) -> None:
        """Put samples into a series; labels holds `__name__`. A sample at a time that has one replaces it."""
        key = make_labels(labels)
        series = self._samples.setdefault(key, {})
        series.update((int(time), float(value)) for time, value in zip(times_ms, values, strict=True))
        self._arrays.pop(key, None)

    def write(self, samples: Sequence[RecordedSample]) -> None:
        """Keep recorded samples."""
        for sample in samples:
            time_ms = round(sample.at.timestamp() * 1000)
            value = STALE_NAN if sample.is_stale else sample.value
            self.add({**dict(sample.labels), METRIC_NAME: sample.name}, [time_ms], [value])

    def select(self, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> list[Series]:
        """Every series that passes all matchers with its samples in start_ms..end_ms, both inclusive."""
        found = []
        for labels in self._samples:
            if matches_all(matchers, labels):
                times, values = self._sorted(labels)
                kept = slice(*np.searchsorted(times, [start_ms, end_ms + 1]))
                if kept.start < kept.stop:
                    found.append(Series(labels=labels, timestamps=times[kept], values=values[kept]))
        if self._base is not None:
            own = {dict(labels).get(METRIC_NAME) for labels in self._samples}
            if not any(
                one.name == METRIC_NAME and one.kind is MatchKind.EQUAL and one.value in own for one in matchers
            ):
                stored = self._base.select(matchers, start_ms, end_ms)
                found += [series for series in stored if dict(series.labels).get(METRIC_NAME) not in own]
        return found

    def _sorted(self, labels: Labels) -> tuple[Times, Floats]:
        if labels not in self._arrays:
            samples = self._samples[labels]
            times = np.fromiter(samples, dtype=np.int64, count=len(samples))
            order = np.argsort(times, kind="stable")
            values = np.fromiter(samples.values(), dtype=np.float64, count=len(samples))
            self._arrays[labels] = times[order], values[order]
        return self._arrays[labels]
