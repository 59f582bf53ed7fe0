"""The port through which rules ask for numbers, and the source that asks a Prometheus-compatible server."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx

from driftline_core.errors import QueryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One series' value at one time. labels may hold `__name__`; a scalar has none at all."""

    labels: Mapping[str, str]
    value: float
    timestamp: datetime


class QuerySource(Protocol):
    """Something that answers PromQL."""

    def instant(self, expr: str, time: datetime) -> Sequence[Sample]:
        """The instant vector of expr at time. Raises QueryError: an empty answer always means that there is no data."""
        ...


class HttpQuerySource:
    """Asks a Prometheus-compatible HTTP API, e.g. `http://127.0.0.1:9090` or `http://127.0.0.1:8000/prometheus`.

    A warning in the answer counts as a failure, because servers report partial data that way and a rule must not resolve
    on half an answer. timeout_s bounds the query on the server and the wait for it here.
    """

    def __init__(self, base_url: str, *, timeout_s: float = 30.0, bearer_token: str | None = None) -> None:
        headers = {} if bearer_token is None else {"Authorization": f"Bearer {bearer_token}"}
        self._timeout_s = timeout_s
        self._client = httpx.Client(
            base_url=base_url.rstrip("/") + "/", timeout=timeout_s, headers=headers, trust_env=False
        )

    def instant(self, expr: str, time: datetime) -> list[Sample]:
        form = {"query": expr, "time": f"{time.timestamp():.3f}", "timeout": f"{max(1, round(self._timeout_s))}s"}
        try:
            response = self._client.post("api/v1/query", data=form)
        except httpx.HTTPError as error:
            raise QueryError(f"no answer from the query API: {type(error).__name__}: {error}") from error
        try:
            body = response.json()
        except ValueError as error:
            raise QueryError(
                f"expected JSON from the query API, got HTTP {response.status_code} {response.headers.get('content-type', '')}"
            ) from error
        return _samples(body, response.status_code)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _samples(body: Any, status_code: int) -> list[Sample]:
    if not isinstance(body, dict):
        raise QueryError(f"expected a JSON object from the query API, got {type(body).__name__}")
    if status_code != httpx.codes.OK or body.get("status") != "success":
        raise QueryError(f"query failed with HTTP {status_code}: {body.get('errorType')}: {body.get('error')}")
    if body.get("warnings"):
        raise QueryError(f"query answered in part: {body['warnings']}")
    try:
        data = body["data"]
        if data["resultType"] == "scalar":
            return [_sample({}, data["result"])]
        if data["resultType"] == "vector":
            return [_sample(series["metric"], series["value"]) for series in data["result"]]
        raise QueryError(f"expected a vector or scalar, got {data['resultType']}")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise QueryError(f"malformed answer from the query API: {type(error).__name__}: {error}") from error


def _sample(metric: Any, point: Any) -> Sample:
    at, value = point
    if not isinstance(metric, dict) or not all(isinstance(text, str) for text in metric.values()):
        raise TypeError(f"expected labels as an object of strings, got {metric!r}")
    if not math.isfinite(at):
        raise ValueError(f"expected a time in seconds, got {at!r}")
    return Sample(labels=metric, value=float(value), timestamp=datetime.fromtimestamp(at, UTC))
