"""Selecting samples: the newest within the lookback for an instant vector, a window of them for a range vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from driftline_api.promql.matchers import LabelMatcher
from driftline_api.promql.values import (
    Floats,
    InstantVector,
    Labels,
    RangeVector,
    Series,
    Times,
    empty_vector,
    is_stale,
)

Indices = npt.NDArray[np.int64]


class SeriesSource(Protocol):
    """Where samples come from."""

    def select(self, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> list[Series]:
        """Every series that passes all matchers, with its samples in start_ms..end_ms, both inclusive. Raises PromqlError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleBlock:
    """Series end to end: series i is samples offsets[i]..offsets[i + 1]. Sorted by labels, times ascending."""

    labels: list[Labels]
    timestamps: Times
    values: Floats
    offsets: Indices

    @classmethod
    def of(cls, series: Sequence[Series]) -> "SampleBlock":
        """The series that have samples, sorted by labels."""
        chosen = sorted((one for one in series if len(one.timestamps)), key=lambda one: one.labels)
        counts = [len(one.timestamps) for one in chosen]
        return cls(
            labels=[one.labels for one in chosen],
            timestamps=np.concatenate([one.timestamps for one in chosen]) if chosen else np.empty(0, dtype=np.int64),
            values=np.concatenate([one.values for one in chosen]) if chosen else np.empty(0),
            offsets=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64),
        )

    def without_stale(self) -> "SampleBlock":
        """Without staleness markers, which a range vector does not see."""
        stale = is_stale(self.values)
        if not stale.any():
            return self
        kept_before = np.concatenate([[0], np.cumsum(~stale)]).astype(np.int64)
        return SampleBlock(
            labels=self.labels,
            timestamps=self.timestamps[~stale],
            values=self.values[~stale],
            offsets=kept_before[self.offsets],
        )

    def count_before(self, times: Times, *, is_inclusive: bool) -> Indices:
        """Index of the first sample later than each time (or not earlier, when not inclusive): (n_series, n_steps).

        One binary search over all series: sample and query are keyed by (series, time), both in one integer.
        """
        n_series = len(self.labels)
        if n_series == 0 or len(self.timestamps) == 0:
            return np.zeros((n_series, len(times)), dtype=np.int64)
        earliest = int(self.timestamps.min())
        span = int(self.timestamps.max()) - earliest + 2
        series = np.repeat(np.arange(n_series, dtype=np.int64), np.diff(self.offsets))
        keys = series * span + (self.timestamps - earliest + 1)
        wanted = np.clip(times, earliest - 1, earliest + span) - earliest + 1
        wanted = np.clip(wanted, 0, span - 1 if is_inclusive else span)
        queries = np.arange(n_series, dtype=np.int64)[:, None] * span + wanted[None, :]
        return np.searchsorted(keys, queries, side="right" if is_inclusive else "left").astype(np.int64)


def newest_samples(
    block: SampleBlock, times: Times, *, lookback_ms: int, is_left_open: bool
) -> tuple[InstantVector, Times]:
    """The newest sample of each series within the lookback of each time, and when it was taken: (n_series, n_steps) ms.

    A staleness marker as the newest sample means that there is none.
    """
    if not block.labels:
        return empty_vector(len(times)), np.empty((0, len(times)), dtype=np.int64)
    index = block.count_before(times, is_inclusive=True) - 1
    exists = index >= block.offsets[:-1, None]
    index = np.maximum(index, 0)
    taken = block.timestamps[index]
    values = block.values[index]
    oldest = times - lookback_ms
    present = exists & ((taken > oldest) if is_left_open else (taken >= oldest)) & ~is_stale(values)
    vector = InstantVector(labels=block.labels, values=values, present=present)
    kept = present.any(axis=1)
    return vector.compact(), taken[kept]


def windows(block: SampleBlock, ends: Times, *, range_ms: int, is_left_open: bool) -> RangeVector:
    """The samples of each series in [end - range, end] (closed, as Prometheus 2) or (end - range, end] (as Prometheus 3)."""
    block = block.without_stale()
    starts = ends - range_ms
    return RangeVector(
        labels=block.labels,
        timestamps=block.timestamps,
        values=block.values,
        first=block.count_before(starts, is_inclusive=is_left_open),
        last=block.count_before(ends, is_inclusive=True),
        window_start=starts,
        window_end=ends,
        range_ms=range_ms,
    )


def block_of_vector(vector: InstantVector, times: Times) -> SampleBlock:
    """A vector evaluated at times as samples: what a subquery selects from."""
    counts = vector.present.sum(axis=1)
    rows, columns = np.nonzero(vector.present)
    return SampleBlock(
        labels=vector.labels,
        timestamps=times[columns],
        values=vector.values[rows, columns],
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
    )
