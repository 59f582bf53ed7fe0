"""`<aggregation>_over_time`: one number from the samples of a window. Shapes as in rates.py."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from driftline_api.promql.quantiles import interpolate
from driftline_api.promql.rates import RangeFunction
from driftline_api.promql.values import Floats, Mask, RangeVector, Times
from driftline_api.promql.windows import Chunk, map_chunks, reduce_windows


def _simple(reduce: Callable[[RangeVector], Floats]) -> RangeFunction:
    def function(vector: RangeVector, _arguments: Sequence[Floats], _times: Times) -> tuple[Floats, Mask]:
        return reduce(vector), vector.counts > 0

    return function


def _mean(vector: RangeVector) -> Floats:
    total = reduce_windows(vector, np.add)
    mean = total / np.maximum(vector.counts, 1)
    overflowed = np.isinf(total) & np.isfinite(reduce_windows(vector, np.maximum) - reduce_windows(vector, np.minimum))
    if overflowed.any():
        scaled = map_chunks(
            vector, lambda chunk: chunk.sum(chunk.values / chunk.spread(chunk.counts.astype(np.float64)))
        )
        mean = np.where(overflowed, scaled, mean)
    return mean


def _variance(vector: RangeVector) -> Floats:
    def variance(chunk: Chunk) -> Floats:
        n = chunk.counts.astype(np.float64)
        # From the first sample on, so that equal samples have exactly no variance.
        offset = chunk.values - chunk.spread(chunk.values[chunk.starts])
        deviation = offset - chunk.spread(chunk.sum(offset) / n)
        return chunk.sum(deviation * deviation) / n

    return map_chunks(vector, variance)


def _last(vector: RangeVector) -> Floats:
    if not len(vector.values):
        return np.full(vector.counts.shape, np.nan)
    return vector.values[np.maximum(vector.last - 1, 0)]


def _quantile(vector: RangeVector, arguments: Sequence[Floats], _times: Times) -> tuple[Floats, Mask]:
    n_steps = vector.counts.shape[1]

    def quantile(chunk: Chunk) -> Floats:
        return interpolate(_sorted_in_windows(chunk), chunk.starts, chunk.counts, arguments[0][chunk.cells % n_steps])

    return map_chunks(vector, quantile), vector.counts > 0


def _mad(vector: RangeVector) -> Floats:
    def mad(chunk: Chunk) -> Floats:
        half = np.full(len(chunk.cells), 0.5)
        median = interpolate(_sorted_in_windows(chunk), chunk.starts, chunk.counts, half)
        distance = np.abs(chunk.values - chunk.spread(median))
        order = np.lexsort((distance, chunk.owner))
        return interpolate(distance[order], chunk.starts, chunk.counts, half)

    return map_chunks(vector, mad)


def _sorted_in_windows(chunk: Chunk) -> Floats:
    """Values ascending inside each window, NaN first as Prometheus sorts them."""
    is_number = ~np.isnan(chunk.values)
    return chunk.values[np.lexsort((chunk.values, is_number, chunk.owner))]


OVER_TIME_FUNCTIONS: Final[dict[str, RangeFunction]] = {
    "avg_over_time": _simple(_mean),
    "sum_over_time": _simple(lambda vector: reduce_windows(vector, np.add)),
    "min_over_time": _simple(lambda vector: reduce_windows(vector, np.fmin)),
    "max_over_time": _simple(lambda vector: reduce_windows(vector, np.fmax)),
    "count_over_time": _simple(lambda vector: vector.counts.astype(np.float64)),
    "present_over_time": _simple(lambda vector: np.ones(vector.counts.shape)),
    "last_over_time": _simple(_last),
    "stdvar_over_time": _simple(_variance),
    "stddev_over_time": _simple(lambda vector: np.sqrt(_variance(vector))),
    "mad_over_time": _simple(_mad),
    "quantile_over_time": _quantile,
}
