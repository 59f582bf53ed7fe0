"""OTLP's five types of data point as one tuple: the SQL behind the view otlp_metrics -> metric_points."""

from typing import Final

from driftline_collector import anyvalue

_DEPTH: Final = anyvalue.PLAIN_DEPTH
_NULL: Final = "NULL::Nullable(Float64)"
_EXEMPLAR: Final = "Tuple(UInt64, Nullable(Float64), String, String, Map(String, String))"

# What a type of point does not have; each key is one element of the tuple, in the order that metric_points_view.sql names them.
_ABSENT: Final = {
    "value": _NULL,
    "count": "0::UInt64",
    "sum": _NULL,
    "min": _NULL,
    "max": _NULL,
    "bucket_counts": "[]::Array(UInt64)",
    "explicit_bounds": "[]::Array(Float64)",
    "scale": "0::Int32",
    "zero_count": "0::UInt64",
    "zero_threshold": "0::Float64",
    "positive_offset": "0::Int32",
    "positive_counts": "[]::Array(UInt64)",
    "negative_offset": "0::Int32",
    "negative_counts": "[]::Array(UInt64)",
    "quantiles": "[]::Array(Tuple(quantile Float64, value Float64))",
    "exemplars": "(p).exemplars",
}

NUMBER_POINTS: Final = (
    "Array(Tuple(start_time_unix_nano UInt64, time_unix_nano UInt64, as_double Nullable(Float64), as_int Nullable(Int64), "
    "attributes $plain_attributes, exemplars $exemplars, flags UInt32))"
)
"""The column type of the points of gauges and sums; its two placeholders are those of otlp_metrics.sql."""


def exemplars_type() -> str:
    """The column type of `repeated Exemplar`."""
    return (
        "Array(Tuple(time_unix_nano UInt64, as_double Nullable(Float64), as_int Nullable(Int64), span_id String, trace_id String, "
        f"filtered_attributes {anyvalue.attributes_type(_DEPTH)}))"
    )


def points() -> str:
    """SQL: every data point of the column `metric`; only one of the five lists has any.

    Attributes and exemplars stay as they came: every INSERT plans this query anew, and rendering them once, after the lists are one,
    halves it.
    """
    number = {"value": "coalesce((p).as_double, toFloat64((p).as_int))"}
    counted = {"count": "(p).count", "sum": "(p).sum", "min": "(p).min", "max": "(p).max"}
    explicit = {**counted, "bucket_counts": "(p).bucket_counts", "explicit_bounds": "(p).explicit_bounds"}
    exponential = {
        **counted,
        **{name: f"(p).{name}" for name in ("scale", "zero_count", "zero_threshold")},
        "positive_offset": "(p).positive.offset",
        "positive_counts": "(p).positive.bucket_counts",
        "negative_offset": "(p).negative.offset",
        "negative_counts": "(p).negative.bucket_counts",
    }
    summary = {"count": "(p).count", "sum": "toNullable((p).sum)", "quantiles": "(p).quantile_values"}
    summary["exemplars"] = f"[]::{exemplars_type()}"
    return (
        "arrayConcat("
        + ", ".join(
            (
                _points("gauge", number, is_temporal=False),
                _points("sum", number, is_monotonic="toUInt8((metric).sum.is_monotonic)"),
                _points("histogram", explicit),
                _points("exponential_histogram", exponential),
                _points("summary", summary, is_temporal=False),
            )
        )
        + ")"
    )


def n_points(metrics: str) -> str:
    """SQL: how many data points the array `metrics` of metrics has."""
    lists = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
    return f"arraySum(m -> {' + '.join(f'length((m).{name}.data_points)' for name in lists)}, {metrics})"


def _points(name: str, fields: dict[str, str], *, is_temporal: bool = True, is_monotonic: str = "toUInt8(0)") -> str:
    temporality = (
        f"multiIf((metric).{name}.aggregation_temporality = 1, 'delta', (metric).{name}.aggregation_temporality = 2, 'cumulative', '')"
        if is_temporal
        else "''"
    )
    head = (f"'{name}'", temporality, is_monotonic, "(p).attributes")
    body = (*head, "(p).start_time_unix_nano", "(p).time_unix_nano", *({**_ABSENT, **fields}).values(), "(p).flags")
    return f"arrayMap(p -> ({', '.join(body)}), (metric).{name}.data_points)"


def exemplars(column: str) -> str:
    """SQL: exemplars as metric_points keeps them."""
    attributes = anyvalue.attributes_map("(e).filtered_attributes", _DEPTH)
    value = "coalesce((e).as_double, toFloat64((e).as_int))"
    ids = "lower(hex((e).trace_id)), lower(hex((e).span_id))"
    return f"arrayMap(e -> ((e).time_unix_nano, {value}, {ids}, {attributes}), {column})::Array({_EXEMPLAR})"
