"""Robust parts of a seasonal baseline, on hours: medians that step over gaps, a level that follows, a shape of the day and the week."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY_HOURS: Final = 24
WEEK_HOURS: Final = 168


def row_medians(rows: Floats) -> Floats:
    """Median of what is known in each row. rows: (n, m), NaN: unknown. Returns (n,), NaN where nothing is known."""
    if rows.shape[1] == 0:
        return np.full(len(rows), np.nan)
    ordered = np.sort(rows, axis=1)  # NaN last
    n_known = np.isfinite(rows).sum(axis=1)
    last = np.maximum(n_known - 1, 0)
    every = np.arange(len(rows))
    medians: Floats = (ordered[every, last // 2] + ordered[every, (last + 1) // 2]) / 2
    return np.where(n_known > 0, medians, np.nan)


def running_medians(values: Floats, *, before: int, after: int) -> Floats:
    """Median of values[i - before : i + after] at each i. values: (n,), NaN: unknown. Returns (n + 1,): also one step past the end."""
    padded = np.concatenate([np.full(before, np.nan), values, np.full(after + 1, np.nan)])
    return row_medians(np.lib.stride_tricks.sliding_window_view(padded, before + after)[: len(values) + 1])


def carried(values: Floats) -> Floats:
    """The last known value in place of what is unknown. values: (n,); NaN stays only before the first known one."""
    at = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), -1))
    return np.where(at >= 0, values[np.maximum(at, 0)], np.nan)


def days_of(hours: Floats, *, first_hour: int) -> Floats:
    """Hours laid out by days, NaN around them. hours: (n,); first_hour: of the first one, since the epoch. Returns (days, 24)."""
    lead = first_hour % DAY_HOURS
    tail = -(lead + len(hours)) % DAY_HOURS
    return np.pad(hours, (lead, tail), constant_values=np.nan).reshape(-1, DAY_HOURS)


def day_shape(
    days: Floats, weekdays: NDArray[np.int64], *, weekday: int, daily_prior: float, weekly_prior: float
) -> Floats:
    """What the 24 hours of a weekday are above or below the level.

    The hour of the day's median, shrunk to 0 by n / (n + daily_prior), n: days that know the hour; then what the same weekdays differ
    from it, shrunk likewise with weekly_prior. days: (n, 24) hours less their level; weekdays: (n,) 0 to 6. Returns (24,), 0 where
    nothing is known.
    """
    shape = _shrunk(days, daily_prior)
    return shape + _shrunk(days[weekdays == weekday] - shape, weekly_prior)


def _shrunk(rows: Floats, prior: float) -> Floats:
    n_known = np.isfinite(rows).sum(axis=0)
    medians = np.nan_to_num(row_medians(rows.T))
    shrunk: Floats = medians * (n_known / (n_known + prior))
    return shrunk
