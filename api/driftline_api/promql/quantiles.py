"""Quantiles of sorted samples and of histogram buckets, as Prometheus computes them (promql/quantile.go, 2.42)."""

import numpy as np
import numpy.typing as npt

from driftline_api.promql.values import Floats


def interpolate(
    values: Floats, starts: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], quantile: Floats
) -> Floats:
    """The quantile of each slice values[starts:starts + counts], which is sorted and not empty; starts, counts, quantile: (n,).

    Below 0 it is -Inf, above 1 +Inf.
    """
    safe = np.where((quantile >= 0) & (quantile <= 1), quantile, 0.0)
    rank = safe * (counts - 1)
    lower = np.floor(rank).astype(np.int64)
    upper = np.minimum(counts - 1, lower + 1)
    weight = rank - lower
    result = values[starts + lower] * (1 - weight) + values[starts + upper] * weight
    return _outside(quantile, result)


def bucket_quantile(quantile: Floats, bounds: Floats, counts: Floats) -> Floats:
    """The quantile of cumulative histograms. bounds: (n_buckets,) ascending; counts: (n_buckets, n); quantile: (n,).

    NaN when the last bound is not +Inf, when there is one bucket only or no observation.
    """
    bounds, counts = _coalesce(bounds, counts)
    n = counts.shape[1]
    if not len(bounds) or not np.isposinf(bounds[-1]) or len(bounds) < 2:
        return np.where(np.isnan(quantile), np.nan, _outside(quantile, np.full(n, np.nan)))
    counts = np.fmax.accumulate(counts, axis=0)
    total = counts[-1]
    rank = np.where((quantile >= 0) & (quantile <= 1), quantile, 0.0) * total
    reached = counts[:-1] >= rank
    bucket = np.where(reached.any(axis=0), reached.argmax(axis=0), len(bounds) - 1)
    column = np.arange(n)
    below = np.maximum(bucket - 1, 0)
    start = np.where(bucket > 0, bounds[below], 0.0)
    count_below = np.where(bucket > 0, counts[below, column], 0.0)
    in_bucket = counts[bucket, column] - count_below
    result = start + (bounds[bucket] - start) * ((rank - count_below) / in_bucket)
    result = np.where((bucket == 0) & (bounds[0] <= 0), bounds[0], result)
    result = np.where(bucket == len(bounds) - 1, bounds[-2], result)
    result = np.where((total == 0) | np.isnan(total), np.nan, result)
    return _outside(quantile, result)


def _coalesce(bounds: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Buckets of equal bounds (written in two ways, e.g. 1 and 1.0) summed."""
    distinct, starts = np.unique(bounds, return_index=True)
    if len(distinct) == len(bounds):
        return bounds, counts
    return distinct, np.add.reduceat(counts, starts, axis=0)


def _outside(quantile: Floats, result: Floats) -> Floats:
    result = np.where(quantile < 0, -np.inf, np.where(quantile > 1, np.inf, result))
    return np.where(np.isnan(quantile), np.nan, result)
