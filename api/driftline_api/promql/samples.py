"""From what the store says about a series to its samples: counters as a line at every minute, windows as values that hold."""

from typing import Final

import numpy as np
import numpy.typing as npt

from driftline_api.promql.values import STALE_NAN, Floats, Times

MINUTE_MS: Final = 60_000
_SHORTEST_HOLD_MS: Final = 3_600_000


class MinuteGrid:
    """The ends of minutes in start_ms..end_ms (both inclusive), where counters have their samples. times: (n,) ms."""

    def __init__(self, start_ms: int, end_ms: int) -> None:
        first = -(-start_ms // MINUTE_MS) * MINUTE_MS
        self.times: Times = np.arange(first, end_ms + 1, MINUTE_MS, dtype=np.int64)
        self.start_ms = first

    @property
    def from_s(self) -> int:
        """The minute whose end is the first sample, Unix seconds; what was before it is summed."""
        return max((self.start_ms - MINUTE_MS) // 1000, 0)

    @property
    def to_s(self) -> int:
        """The first minute (Unix seconds) that ends after the last sample."""
        return self.from_s + len(self.times) * (MINUTE_MS // 1000)

    def alive(self, first_s: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The first sample of series whose first minutes began then: each is 0 at that instant and counted one minute later."""
        return np.maximum((first_s.astype(np.int64) * 1000 - self.start_ms) // MINUTE_MS, 0)

    def cells(self, minutes_s: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Where each minute is first counted, as a flat position in (n_series, n): series i has minutes offsets[i]:offsets[i + 1]."""
        positions = (minutes_s.astype(np.int64) * 1000 + MINUTE_MS - self.start_ms) // MINUTE_MS
        return positions + np.repeat(np.arange(len(offsets) - 1, dtype=np.int64) * len(self.times), np.diff(offsets))

    def lines(self, base: Floats, cells: npt.NDArray[np.int64], increments: Floats) -> Floats:
        """Every counter at every sample: (n_series, n). base: (n_series,); cells, increments: (n_minutes,)."""
        size = len(base) * len(self.times)
        counted: Floats = np.bincount(cells, weights=increments, minlength=size).astype(np.float64, copy=False)
        running = counted.reshape(len(base), len(self.times))
        np.cumsum(running, axis=1, out=running)
        running += base[:, None]
        return running


def held(ends_ms: Times, lengths_ms: Times, values: Floats, *, start_ms: int, end_ms: int) -> tuple[Times, Floats]:
    """Samples in start_ms..end_ms of windows' values, each from its window's end at every minute for as long as it holds.

    A value holds until the next window's end, at most two windows' length and at least an hour; where it ends with nothing after,
    and where a window has no value (NaN), there is a staleness marker.
    """
    limits = ends_ms + np.maximum(2 * lengths_ms, _SHORTEST_HOLD_MS)
    nexts = np.append(ends_ms[1:], np.iinfo(np.int64).max)
    times: list[Times] = []
    out: list[Floats] = []
    for begin, limit, following, value in zip(ends_ms, limits, nexts, values, strict=True):
        until = min(limit, following)
        if until < start_ms or begin > end_ms:
            continue
        if np.isnan(value):
            times.append(np.array([begin]))
            out.append(np.array([STALE_NAN]))
            continue
        # The first minute after begin; begin itself is a sample whether or not it is on a minute.
        first = max((begin // MINUTE_MS + 1) * MINUTE_MS, start_ms // MINUTE_MS * MINUTE_MS)
        ticks = np.append(begin, np.arange(first, min(until, end_ms + 1), MINUTE_MS))
        times.append(ticks)
        out.append(np.full(len(ticks), value))
        if limit < following:
            times.append(np.array([limit]))
            out.append(np.array([STALE_NAN]))
    if not times:
        return np.empty(0, dtype=np.int64), np.empty(0)
    all_times, all_values = np.concatenate(times).astype(np.int64), np.concatenate(out)
    kept = (all_times >= start_ms) & (all_times <= end_ms)
    return all_times[kept], all_values[kept]
