"""The rate family, with Prometheus' extrapolation to the edges of the window.

Every function takes a RangeVector with n_series series and n_steps steps, and the numbers of its other arguments, and returns
values and whether there is one, both (n_series, n_steps). Prometheus 2.42, promql/functions.go, is the reference.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np

from driftline_api.promql.errors import ExecutionError
from driftline_api.promql.values import Floats, Mask, RangeVector, Times
from driftline_api.promql.windows import Chunk, chunks, count_flags, map_chunks, reduce_windows

RangeFunction = Callable[[RangeVector, Sequence[Floats], Times], tuple[Floats, Mask]]
"""(window, scalar arguments each (n_steps,), evaluation times (n_steps,) ms) -> values, present."""

_EXTRAPOLATION_LIMIT: Final = 1.1


def _extrapolated(
    vector: RangeVector, _arguments: Sequence[Floats], _times: Times, *, is_counter: bool, is_rate: bool
) -> tuple[Floats, Mask]:
    present = vector.counts >= 2
    if not present.any():
        return np.full(present.shape, np.nan), present
    first, last = _ends(vector, present)
    v_first = vector.values[first]
    result = vector.values[last] - v_first
    if is_counter:
        result = result + _lost_to_resets(vector, present)
    t_first, t_last = vector.timestamps[first], vector.timestamps[last]
    to_start = (t_first - vector.window_start) / 1000.0
    to_end = (vector.window_end - t_last) / 1000.0
    sampled = (t_last - t_first) / 1000.0
    between = sampled / np.maximum(vector.counts - 1, 1)
    if is_counter:
        # A counter cannot have been below zero: do not extrapolate to before it was.
        to_zero = sampled * (v_first / result)
        is_bounded = (result > 0) & (v_first >= 0) & (to_zero < to_start)
        to_start = np.where(is_bounded, to_zero, to_start)
    limit = between * _EXTRAPOLATION_LIMIT
    length = sampled + np.where(to_start < limit, to_start, between / 2) + np.where(to_end < limit, to_end, between / 2)
    factor = length / sampled
    if is_rate:
        factor = factor / (vector.range_ms / 1000.0)
    return result * factor, present


def _ends(vector: RangeVector, present: Mask) -> tuple[np.ndarray, np.ndarray]:
    return np.where(present, vector.first, 0), np.where(present, vector.last - 1, 0)


def _lost_to_resets(vector: RangeVector, present: Mask) -> Floats:
    """What a counter had counted before each of its resets in the window, summed over exactly the windows that have one."""
    lost = np.zeros(present.shape)
    falls = np.append(False, vector.values[1:] < vector.values[:-1])
    if not falls.any():
        return lost
    has_reset = (count_flags(vector, falls) > 0) & present
    before = np.where(falls, np.append(0.0, vector.values[:-1]), 0.0)
    inner = RangeVector(
        labels=vector.labels,
        timestamps=vector.timestamps,
        values=before,
        first=np.where(has_reset, vector.first + 1, 0),
        last=np.where(has_reset, vector.last, 0),
        window_start=vector.window_start,
        window_end=vector.window_end,
        range_ms=vector.range_ms,
    )
    sums = reduce_windows(inner, np.add)
    lost[has_reset] = sums[has_reset]
    return lost


def _instant(vector: RangeVector, _arguments: Sequence[Floats], _times: Times, *, is_rate: bool) -> tuple[Floats, Mask]:
    present = vector.counts >= 2
    if not present.any():
        return np.full(present.shape, np.nan), present
    last = np.where(present, vector.last - 1, 1)
    result = vector.values[last] - vector.values[last - 1]
    if is_rate:
        result = np.where(vector.values[last] < vector.values[last - 1], vector.values[last], result)
        seconds = (vector.timestamps[last] - vector.timestamps[last - 1]) / 1000.0
        present = present & (seconds != 0)
        result = result / np.where(seconds == 0, 1.0, seconds)
    return result, present


def _resets(vector: RangeVector, _arguments: Sequence[Floats], _times: Times) -> tuple[Floats, Mask]:
    falls = np.append(False, vector.values[1:] < vector.values[:-1])[: len(vector.values)]
    return count_flags(vector, falls), vector.counts > 0


def _changes(vector: RangeVector, _arguments: Sequence[Floats], _times: Times) -> tuple[Floats, Mask]:
    now, before = vector.values[1:], vector.values[:-1]
    moves = np.append(False, (now != before) & ~(np.isnan(now) & np.isnan(before)))[: len(vector.values)]
    return count_flags(vector, moves), vector.counts > 0


def _regression(chunk: Chunk, origin: Floats) -> tuple[Floats, Floats]:
    """Slope (per second) and value at the origin (ms) of the least-squares line of each window."""
    x = (chunk.timestamps - chunk.spread(origin)) / 1000.0
    y = chunk.values
    n = chunk.counts.astype(np.float64)
    sum_x, sum_y = chunk.sum(x), chunk.sum(y)
    mean_x, mean_y = sum_x / n, sum_y / n
    dx = x - chunk.spread(mean_x)
    slope = chunk.sum(dx * (y - chunk.spread(mean_y))) / chunk.sum(dx * dx)
    intercept = mean_y - slope * mean_x
    first = y[chunk.starts]
    is_flat = np.minimum.reduceat(y == chunk.spread(first), chunk.starts)
    is_infinite = is_flat & np.isinf(first)
    slope = np.where(is_infinite, np.nan, np.where(is_flat, 0.0, slope))
    intercept = np.where(is_infinite, np.nan, np.where(is_flat, first, intercept))
    return slope, intercept


def _deriv(vector: RangeVector, _arguments: Sequence[Floats], _times: Times) -> tuple[Floats, Mask]:
    def slope(chunk: Chunk) -> Floats:
        return _regression(chunk, chunk.timestamps[chunk.starts].astype(np.float64))[0]

    return map_chunks(vector, slope, at_least=2), vector.counts >= 2


def _predict_linear(vector: RangeVector, arguments: Sequence[Floats], times: Times) -> tuple[Floats, Mask]:
    n_steps = vector.counts.shape[1]

    def predicted(chunk: Chunk) -> Floats:
        step = chunk.cells % n_steps
        slope, intercept = _regression(chunk, times[step].astype(np.float64))
        ahead: Floats = slope * arguments[0][step] + intercept
        return ahead

    return map_chunks(vector, predicted, at_least=2), vector.counts >= 2


def _holt_winters(vector: RangeVector, arguments: Sequence[Floats], _times: Times) -> tuple[Floats, Mask]:
    n_steps = vector.counts.shape[1]
    for name, factors in zip(("smoothing", "trend"), arguments, strict=True):
        bad = factors[~((factors > 0) & (factors < 1))]
        if len(bad):
            raise ExecutionError(f"invalid {name} factor. Expected: 0 < {name[0]}f < 1, got: {bad[0]:f}")
    out = np.full(vector.counts.size, np.nan)
    for chunk in chunks(vector, at_least=2):
        step = chunk.cells % n_steps
        smoothing, trend = arguments[0][step], arguments[1][step]
        level = chunk.values[chunk.starts]
        slope = chunk.values[chunk.starts + 1] - level
        before = np.zeros_like(level)
        for i in range(1, int(chunk.counts.max())):
            alive = chunk.counts > i
            sample = chunk.values[np.minimum(chunk.starts + i, len(chunk.values) - 1)]
            if i > 1:
                slope = np.where(alive, trend * (level - before) + (1 - trend) * slope, slope)
            smoothed = smoothing * sample + (1 - smoothing) * (level + slope)
            before, level = np.where(alive, level, before), np.where(alive, smoothed, level)
        out[chunk.cells] = level
    return out.reshape(vector.counts.shape), vector.counts >= 2


RATE_FUNCTIONS: Final[dict[str, RangeFunction]] = {
    "rate": partial(_extrapolated, is_counter=True, is_rate=True),
    "increase": partial(_extrapolated, is_counter=True, is_rate=False),
    "delta": partial(_extrapolated, is_counter=False, is_rate=False),
    "irate": partial(_instant, is_rate=True),
    "idelta": partial(_instant, is_rate=False),
    "resets": _resets,
    "changes": _changes,
    "deriv": _deriv,
    "predict_linear": _predict_linear,
    "holt_winters": _holt_winters,
    "double_exponential_smoothing": _holt_winters,
}
