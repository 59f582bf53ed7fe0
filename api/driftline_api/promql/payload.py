"""Answers in the JSON shapes of Prometheus' HTTP API."""

from typing import Any

from driftline_api.promql.numbers import format_sample, json_time
from driftline_api.promql.values import QueryResult, ResultSeries


def result_data(result: QueryResult) -> dict[str, Any]:
    """The `data` of /api/v1/query and /api/v1/query_range: resultType and result."""
    match result.kind:
        case "string":
            answer: Any = [json_time(result.time_ms), result.text]
        case "scalar":
            answer = _samples(result.series[0])[0]
        case "vector":
            answer = [{"metric": dict(one.labels), "value": _samples(one)[0]} for one in result.series]
        case "matrix":
            answer = [{"metric": dict(one.labels), "values": _samples(one)} for one in result.series]
    return {"resultType": result.kind, "result": answer}


def _samples(series: ResultSeries) -> list[list[Any]]:
    times, values = series.times_ms.tolist(), series.values.tolist()
    return [[json_time(time_ms), format_sample(value)] for time_ms, value in zip(times, values, strict=True)]
