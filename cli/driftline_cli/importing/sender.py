"""Sends OTLP bodies over HTTP, waiting when the collector asks for it."""

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final

import httpx
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from driftline_core.errors import DriftlineError

_RETRIED: Final = frozenset({429, 502, 503, 504})
_MAX_WAIT_S: Final = 30.0


class DeliveryError(DriftlineError, ConnectionError):
    """The collector did not take a batch. Everything acknowledged before it is kept there."""


class OtlpSender:
    """One connection to an OTLP/HTTP endpoint. A context manager.

    endpoint: base URL or the full URL; path: where the signal's requests go; headers: more of them; patience_s: how long one batch
    is retried, in seconds; sleep: for tests.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        project: str = "default",
        path: str = "/v1/traces",
        headers: Mapping[str, str] | None = None,
        patience_s: float = 120.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        base = endpoint.rstrip("/")
        self.url = base if base.endswith(path) else f"{base}{path}"
        self._patience_s = patience_s
        self._sleep = sleep
        sent = {"content-type": "application/x-protobuf", "x-driftline-project": project, **(headers or {})}
        self._client = httpx.Client(headers=sent, timeout=60.0)
        self.n_retries = 0
        self._has_answered = False

    def __enter__(self) -> "OtlpSender":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def send(self, body: bytes) -> tuple[int, str]:
        """Deliver one export request; returns how many spans (or other items) the collector rejected, and its reason.

        Raises DeliveryError when it is refused, or not taken within patience_s.
        """
        waited_s, pause_s = 0.0, 0.5
        while True:
            response: httpx.Response | None = None
            try:
                response = self._client.post(self.url, content=body)
                self._has_answered = True
                if response.status_code == 200:
                    return _rejected(response.content)
                problem = f"HTTP {response.status_code}: {_reason(response)}"
            except httpx.TransportError as error:
                problem = f"{type(error).__name__}: {error}"
                if isinstance(error, httpx.ConnectError) and not self._has_answered and waited_s >= 1:
                    raise DeliveryError(f"no collector answers at {self.url}; is `driftline up` running?") from error
            if response is not None and response.status_code not in _RETRIED:
                raise DeliveryError(f"{self.url} refused a batch: {problem}")
            if waited_s >= self._patience_s:
                raise DeliveryError(f"{self.url} did not take a batch within {self._patience_s:g} s, last: {problem}")
            wait_s = min(_retry_after(response, default=pause_s), _MAX_WAIT_S)
            self._sleep(wait_s)
            waited_s, pause_s = waited_s + wait_s, pause_s * 2
            self.n_retries += 1


def _retry_after(response: httpx.Response | None, *, default: float) -> float:
    value = response.headers.get("retry-after", "") if response is not None else ""
    return float(value) if value.isdigit() else default


def _rejected(content: bytes) -> tuple[int, str]:
    try:
        partial = ExportTraceServiceResponse.FromString(content).partial_success
    except DecodeError:
        return 0, ""
    return partial.rejected_spans, partial.error_message


def _reason(response: httpx.Response) -> str:
    """The message of an OTLP error body, or the text of any other."""
    try:
        message: str = Status.FromString(response.content).message
    except DecodeError:
        message = response.text[:300]
    return message or response.reason_phrase
