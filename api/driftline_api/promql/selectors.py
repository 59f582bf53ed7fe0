"""Selecting samples: the newest within the lookback for an instant vector, a window of them for a range vector."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

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
_PART_CELLS: Final = 32_768


class SeriesSource(Protocol):
    """Where samples come from."""

    def select(self, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> list[Series]:
        """Every series that passes all matchers, with its samples in start_ms..end_ms, both inclusive. Raises PromqlError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleBlock:
    """Series end to end: series i is samples offsets[i]..offsets[i + 1]. Sorted by labels, times ascending.

    every_ms: all samples are on one grid of so many ms and no series has a gap; 0 where that is not known.
    """

    labels: list[Labels]
    timestamps: Times
    values: Floats
    offsets: Indices
    every_ms: int = 0

    @classmethod
    def of(cls, series: Sequence[Series]) -> "SampleBlock":
        """The series that have samples, sorted by labels."""
        chosen = sorted((one for one in series if len(one.timestamps)), key=lambda one: one.labels)
        counts = [len(one.timestamps) for one in chosen]
        timestamps = np.concatenate([one.timestamps for one in chosen]) if chosen else np.empty(0, dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
        return cls(
            labels=[one.labels for one in chosen],
            timestamps=timestamps,
            values=np.concatenate([one.values for one in chosen]) if chosen else np.empty(0),
            offsets=offsets,
            every_ms=_grid_step(timestamps, offsets),
        )

    def rows(self, begin: int, end: int) -> "SampleBlock":
        """Series begin..end alone."""
        samples = slice(self.offsets[begin], self.offsets[end])
        return SampleBlock(
            labels=self.labels[begin:end],
            timestamps=self.timestamps[samples],
            values=self.values[samples],
            offsets=self.offsets[begin : end + 1] - self.offsets[begin],
            every_ms=self.every_ms,
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
        """Index of the first sample later than each time (or not earlier, when not inclusive): (n_series, n_steps)."""
        n_series = len(self.labels)
        if n_series == 0 or len(self.timestamps) == 0:
            return np.zeros((n_series, len(times)), dtype=np.int64)
        return self._on_grid(times, is_inclusive) if self.every_ms else self._searched(times, is_inclusive)

    def _on_grid(self, times: Times, is_inclusive: bool) -> Indices:
        earliest = int(self.timestamps.min())
        begins = (self.timestamps[self.offsets[:-1]] - earliest) // self.every_ms
        # Of a grid without an end, (n_steps,); of each series, cut to where it begins and ends.
        before = (times - earliest - (0 if is_inclusive else 1)) // self.every_ms + 1
        index = before[None, :] - begins[:, None]
        np.clip(index, 0, np.diff(self.offsets)[:, None], out=index)
        index += self.offsets[:-1, None]
        return index

    def _searched(self, times: Times, is_inclusive: bool) -> Indices:
        """One binary search over all series: sample and query are keyed by (series, time), both in one integer."""
        n_series = len(self.labels)
        earliest = int(self.timestamps.min())
        span = int(self.timestamps.max()) - earliest + 2
        series = np.repeat(np.arange(n_series, dtype=np.int64), np.diff(self.offsets))
        keys = series * span + (self.timestamps - earliest + 1)
        wanted = np.clip(times, earliest - 1, earliest + span) - earliest + 1
        wanted = np.clip(wanted, 0, span - 1 if is_inclusive else span)
        queries = np.arange(n_series, dtype=np.int64)[:, None] * span + wanted[None, :]
        return np.searchsorted(keys, queries, side="right" if is_inclusive else "left").astype(np.int64)


def _grid_step(timestamps: Times, offsets: Indices) -> int:
    """The distance of all samples of all series, where it is one and all are on one grid; else 0."""
    if len(timestamps) < 2:
        return 0
    steps = np.diff(timestamps)
    begins = offsets[1:-1]
    is_inside = np.ones(len(steps), dtype=np.bool_)
    is_inside[begins - 1] = False
    step = int(steps[is_inside.argmax()]) if is_inside.any() else 0
    if step <= 0 or (is_inside & (steps != step)).any():
        return 0
    return 0 if ((timestamps[begins] - timestamps[0]) % step).any() else step


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """The samples of each series in [end - range, end] (closed, as Prometheus 2) or (end - range, end] (as Prometheus 3).

    block: without staleness markers. ends: (n_steps,) ms.
    """

    block: SampleBlock
    ends: Times
    range_ms: int
    is_left_open: bool

    def all(self) -> RangeVector:
        """Of all series at once."""
        return self._of(self.block)

    def parts(self) -> Iterator[tuple[slice, RangeVector]]:
        """Some series after the other, so few that what is computed of them stays in the processor's cache."""
        n_series = len(self.block.labels)
        height = max(1, _PART_CELLS // max(1, len(self.ends)))
        for begin in range(0, n_series, height):
            rows = slice(begin, min(begin + height, n_series))
            yield rows, self._of(self.block.rows(rows.start, rows.stop))

    def _of(self, block: SampleBlock) -> RangeVector:
        starts = self.ends - self.range_ms
        return RangeVector(
            labels=block.labels,
            timestamps=block.timestamps,
            values=block.values,
            first=block.count_before(starts, is_inclusive=self.is_left_open),
            last=block.count_before(self.ends, is_inclusive=True),
            window_start=starts,
            window_end=self.ends,
            range_ms=self.range_ms,
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
