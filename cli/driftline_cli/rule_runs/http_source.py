"""Samples from a Prometheus-compatible HTTP API: a running Driftline's, or a Prometheus'."""

from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np

from driftline_api.promql.errors import ExecutionError
from driftline_api.promql.matchers import LabelMatcher
from driftline_api.promql.values import Series, make_labels


class HttpSource:
    """A `SeriesSource` that asks for raw samples: a range selector at one time. client: its base URL is that of the API, without /api/v1.

    Such an answer has no staleness markers, so that a series that ended is read on for the lookback of 5 minutes. Raises ExecutionError.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def select(self, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> list[Series]:
        """Every series that passes all matchers with its samples in start_ms..end_ms, both inclusive."""
        selector = ",".join(f"{one.name}{one.kind.value}{_quoted(one.value)}" for one in matchers)
        # A millisecond more, because Prometheus 3 leaves the first instant of a range out.
        form = {"query": f"{{{selector}}}[{end_ms - start_ms + 1}ms]", "time": f"{end_ms / 1000:.3f}"}
        try:
            answer = self._client.post("api/v1/query", data=form)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ExecutionError(f"no answer from the query API: {type(error).__name__}: {error}") from error
        if not isinstance(body, dict) or body.get("status") != "success":
            raise ExecutionError(f"the query API answered HTTP {answer.status_code}: {_error(body)}")
        if body.get("warnings"):
            raise ExecutionError(f"the query API answered in part: {body['warnings']}")
        return [_series(row, start_ms) for row in body["data"]["result"]]


def _series(row: Any, start_ms: int) -> Series:
    points = [(round(float(time) * 1000), float(value)) for time, value in row["values"]]
    kept = [point for point in points if point[0] >= start_ms]
    return Series(
        labels=make_labels(row["metric"]),
        timestamps=np.array([time for time, _ in kept], dtype=np.int64),
        values=np.array([value for _, value in kept], dtype=np.float64),
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _error(body: Any) -> str:
    return f"{body.get('errorType')}: {body.get('error')}" if isinstance(body, dict) else str(body)[:200]
