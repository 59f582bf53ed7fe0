"""Answers in the JSON shapes of Prometheus' HTTP API."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from driftline_api.promql.numbers import format_sample, json_time
from driftline_api.promql.values import Floats, QueryResult, ResultSeries

_BLOCK_SAMPLES: Final = 1_000_000
_PLAIN_FROM: Final = 1e-6
_PLAIN_TO: Final = 1e10
"""Magnitudes that Arrow writes as Go does, shortest and without an exponent."""


def result_json(result: QueryResult) -> bytes:
    """The `data` of /api/v1/query and /api/v1/query_range as JSON: resultType and result."""
    match result.kind:
        case "string":
            answer = orjson.dumps([json_time(result.time_ms), result.text])
        case "scalar":
            answer = orjson.dumps(_sample(result.series[0]))
        case "vector":
            answer = orjson.dumps([{"metric": dict(one.labels), "value": _sample(one)} for one in result.series])
        case "matrix":
            answer = _matrix(result.series)
    return b'{"resultType":"%s","result":%s}' % (result.kind.encode(), answer)


def _sample(series: ResultSeries) -> list[Any]:
    return [json_time(int(series.times_ms[0])), format_sample(float(series.values[0]))]


def _matrix(series: Sequence[ResultSeries]) -> bytes:
    edges = np.cumsum([len(one.values) for one in series])
    rows: list[bytes] = []
    while len(rows) < len(series):
        begin = len(rows)
        until = int(edges[begin - 1]) + _BLOCK_SAMPLES if begin else _BLOCK_SAMPLES
        end = max(int(np.searchsorted(edges, until, side="right")), begin + 1)
        rows += _rows(series[begin:end])
    return b"[" + b",".join(rows) + b"]"


def _rows(series: Sequence[ResultSeries]) -> list[bytes]:
    """The samples are written by Arrow: a list in Python of each would take longer than the query."""
    offsets = np.concatenate([[0], np.cumsum([len(one.values) for one in series])]).astype(np.int32)
    distinct, at = np.unique(np.concatenate([one.times_ms for one in series]), return_inverse=True)
    times = pa.array([str(json_time(time_ms)) for time_ms in distinct.tolist()], pa.string()).take(pa.array(at.ravel()))
    numbers = format_samples(np.concatenate([one.values for one in series]))
    samples = pc.binary_join_element_wise("[", times, ',"', numbers, '"]', "")
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), samples), ",").to_pylist()
    return [
        b'{"metric":%s,"values":[%s]}' % (orjson.dumps(dict(one.labels)), text.encode())
        for one, text in zip(series, joined, strict=True)
    ]


def format_samples(values: Floats) -> pa.Array:
    """`format_sample` of each."""
    magnitude = np.abs(values)
    is_plain = (values == 0) | ((magnitude >= _PLAIN_FROM) & (magnitude < _PLAIN_TO))
    written = pc.cast(pa.array(values), pa.string())
    if is_plain.all():
        return written
    others = pa.array([format_sample(value) for value in values[~is_plain].tolist()], pa.string())
    return pc.replace_with_mask(written, pa.array(~is_plain), others)
