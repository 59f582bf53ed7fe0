"""Functions of instant vectors and numbers. Those of range vectors are in rates.py and over_time.py.

Registries by shape: ELEMENTWISE (each value alone), CLOCKS (a part of a date), and VECTOR_FUNCTIONS (everything else that
takes evaluated arguments).
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from driftline_api.promql.errors import ExecutionError
from driftline_api.promql.label_functions import label_join, label_replace
from driftline_api.promql.numbers import parse_float
from driftline_api.promql.quantiles import bucket_quantile
from driftline_api.promql.values import (
    Floats,
    InstantVector,
    Labels,
    Scalars,
    Text,
    Times,
    Value,
    drop_name,
    empty_vector,
)

Arguments = Sequence[Value]

ELEMENTWISE: Final[dict[str, Callable[[Floats], Floats]]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "exp": np.exp,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "sgn": np.sign,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "deg": np.degrees,
    "rad": np.radians,
}


def _dates(seconds: Floats) -> npt.NDArray[np.datetime64]:
    """Whole seconds, towards zero as Go converts them."""
    return np.trunc(np.where(np.isfinite(seconds), seconds, 0)).astype("int64").astype("datetime64[s]")


def _part(outer: str, inner: str, *, first: int) -> Callable[[Floats], Floats]:
    def part(seconds: Floats) -> Floats:
        dates = _dates(seconds)
        whole = dates.astype(f"datetime64[{outer}]").astype(f"datetime64[{inner}]")
        parts: Floats = (dates.astype(f"datetime64[{inner}]") - whole).astype(np.float64) + first
        return parts

    return part


def _day_of_week(seconds: Floats) -> Floats:
    days = _dates(seconds).astype("datetime64[D]").astype(np.int64)
    weekday: Floats = ((days + 4) % 7).astype(np.float64)
    return weekday


def _days_in_month(seconds: Floats) -> Floats:
    month = _dates(seconds).astype("datetime64[M]")
    days: Floats = ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.float64)
    return days


CLOCKS: Final[dict[str, Callable[[Floats], Floats]]] = {
    "minute": _part("h", "m", first=0),
    "hour": _part("D", "h", first=0),
    "day_of_month": _part("M", "D", first=1),
    "day_of_year": _part("Y", "D", first=1),
    "day_of_week": _day_of_week,
    "days_in_month": _days_in_month,
    "month": _part("Y", "M", first=1),
    "year": lambda seconds: _dates(seconds).astype("datetime64[Y]").astype(np.float64) + 1970,
}


def vector_of(argument: Value) -> InstantVector:
    """The argument as an instant vector; the parser has checked its type."""
    if not isinstance(argument, InstantVector):
        raise ExecutionError(f"expected type instant vector, got {type(argument).__name__}")
    return argument


def number_of(argument: Value) -> Floats:
    """The argument as one number a step."""
    if not isinstance(argument, Scalars):
        raise ExecutionError(f"expected type scalar, got {type(argument).__name__}")
    return argument.values


def text_of(argument: Value) -> str:
    """The argument as a string."""
    if not isinstance(argument, Text):
        raise ExecutionError(f"expected type string, got {type(argument).__name__}")
    return argument.value


def _clamped(vector: InstantVector, *, low: Floats | None = None, high: Floats | None = None) -> InstantVector:
    values = vector.values
    if high is not None:
        values = np.minimum(high[None, :], values)
    if low is not None:
        values = np.maximum(low[None, :], values)
    return vector.with_values(values).without_name()


def _clamp(arguments: Arguments, _times: Times) -> InstantVector:
    vector, low, high = vector_of(arguments[0]), number_of(arguments[1]), number_of(arguments[2])
    inverted = (high < low)[None, :]
    if inverted.any():
        vector = InstantVector(labels=vector.labels, values=vector.values, present=vector.present & ~inverted).compact()
    return _clamped(vector, low=low, high=high)


def _round(arguments: Arguments, times: Times) -> InstantVector:
    vector = vector_of(arguments[0])
    nearest = number_of(arguments[1]) if len(arguments) > 1 else np.ones(len(times))
    inverse = (1.0 / nearest)[None, :]
    return vector.with_values(np.floor(vector.values * inverse + 0.5) / inverse).without_name()


def _scalar(arguments: Arguments, _times: Times) -> Scalars:
    vector = vector_of(arguments[0])
    is_single = vector.present.sum(axis=0) == 1
    values = np.where(vector.present, vector.values, 0.0).sum(axis=0)
    return Scalars(values=np.where(is_single, values, np.nan))


def _vector(arguments: Arguments, _times: Times) -> InstantVector:
    values = number_of(arguments[0])[None, :].copy()
    return InstantVector(labels=[()], values=values, present=np.ones(values.shape, dtype=np.bool_))


def _sorted(*, is_descending: bool) -> Callable[[Arguments, Times], InstantVector]:
    def function(arguments: Arguments, times: Times) -> InstantVector:
        vector = vector_of(arguments[0])
        if len(times) != 1 or not vector.labels:
            return vector
        keys = -vector.values[:, 0] if is_descending else vector.values[:, 0]
        return _reordered(vector, np.argsort(keys, kind="stable").tolist())

    return function


def _sorted_by_label(*, is_descending: bool) -> Callable[[Arguments, Times], InstantVector]:
    def function(arguments: Arguments, times: Times) -> InstantVector:
        vector, names = vector_of(arguments[0]), [text_of(argument) for argument in arguments[1:]]
        if len(times) != 1:
            return vector

        def key(row: int) -> tuple[list[str], Labels]:
            values = dict(vector.labels[row])
            return [values.get(name, "") for name in names], vector.labels[row]

        return _reordered(vector, sorted(range(len(vector.labels)), key=key, reverse=is_descending))

    return function


def _reordered(vector: InstantVector, rows: list[int]) -> InstantVector:
    return InstantVector(
        labels=[vector.labels[row] for row in rows], values=vector.values[rows], present=vector.present[rows]
    )


def _histogram_quantile(arguments: Arguments, times: Times) -> InstantVector:
    quantile, vector = number_of(arguments[0]), vector_of(arguments[1])
    rows_of: dict[Labels, list[tuple[float, int]]] = {}
    for row, labels in enumerate(vector.labels):
        bound = parse_float(dict(labels).get("le", ""))
        if bound is not None:
            key = tuple(pair for pair in drop_name(labels) if pair[0] != "le")
            rows_of.setdefault(key, []).append((bound, row))
    if not rows_of:
        return empty_vector(len(times))
    values = np.full((len(rows_of), len(times)), np.nan)
    present = np.zeros(values.shape, dtype=np.bool_)
    for i, buckets in enumerate(rows_of.values()):
        buckets.sort()
        bounds = np.array([bound for bound, _ in buckets])
        rows = [row for _, row in buckets]
        mask = vector.present[rows]
        # Steps that have the same buckets are computed together; mostly that is all of them.
        patterns, pattern_of = np.unique(mask, axis=1, return_inverse=True)
        for number in range(patterns.shape[1]):
            there = patterns[:, number]
            if there.any():
                steps = np.nonzero(pattern_of.ravel() == number)[0]
                counts = vector.values[rows][there][:, steps]
                values[i, steps] = bucket_quantile(quantile[steps], bounds[there], counts)
                present[i, steps] = True
    return InstantVector(labels=list(rows_of), values=values, present=present)


def _label_replace(arguments: Arguments, _times: Times) -> InstantVector:
    destination, replacement, source, pattern = (text_of(argument) for argument in arguments[1:])
    return label_replace(
        vector_of(arguments[0]), destination=destination, replacement=replacement, source=source, pattern=pattern
    )


def _label_join(arguments: Arguments, _times: Times) -> InstantVector:
    destination, separator, *sources = (text_of(argument) for argument in arguments[1:])
    return label_join(vector_of(arguments[0]), destination=destination, separator=separator, sources=sources)


def _no_native_histograms(_arguments: Arguments, times: Times) -> InstantVector:
    return empty_vector(len(times))


VECTOR_FUNCTIONS: Final[dict[str, Callable[[Arguments, Times], Value]]] = {
    "clamp": _clamp,
    "clamp_min": lambda arguments, _: _clamped(vector_of(arguments[0]), low=number_of(arguments[1])),
    "clamp_max": lambda arguments, _: _clamped(vector_of(arguments[0]), high=number_of(arguments[1])),
    "round": _round,
    "scalar": _scalar,
    "vector": _vector,
    "time": lambda _, times: Scalars(values=times / 1000.0),
    "pi": lambda _, times: Scalars(values=np.full(len(times), np.pi)),
    "sort": _sorted(is_descending=False),
    "sort_desc": _sorted(is_descending=True),
    "sort_by_label": _sorted_by_label(is_descending=False),
    "sort_by_label_desc": _sorted_by_label(is_descending=True),
    "histogram_quantile": _histogram_quantile,
    "label_replace": _label_replace,
    "label_join": _label_join,
    "histogram_count": _no_native_histograms,
    "histogram_sum": _no_native_histograms,
    "histogram_fraction": _no_native_histograms,
}
