"""OTLP requests for tests: built with the real protobuf classes, sent over bare HTTP so that every header is the test's own."""

import http.client
import secrets
from dataclasses import dataclass, field
from typing import Any

from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from driftline_collector.envelope import varint

START_NS = 1_763_690_400_000_000_000
PROTOBUF = "application/x-protobuf"


def build_request(n_spans: int = 1, *, name: str = "chat", text: str = "hello") -> Any:
    """A request of n_spans with random ids, of one service and one scope."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    attribute = resource_spans.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", "svc"
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "test"
    for _ in range(n_spans):
        span = scope_spans.spans.add()
        span.trace_id, span.span_id, span.name, span.kind = secrets.token_bytes(16), secrets.token_bytes(8), name, 3
        span.start_time_unix_nano, span.end_time_unix_nano = START_NS, START_NS + 10**9
        attribute = span.attributes.add()
        attribute.key, attribute.value.string_value = "text", text
    return request


def spans_of(request: Any) -> list[Any]:
    """Every span of a request."""
    return [span for rs in request.resource_spans for ss in rs.scope_spans for span in ss.spans]


def poisoned_request() -> bytes:
    """A request that Python's protobuf takes and the engine refuses: an attribute's value set twice, as a string and as an integer."""
    attribute = _field(0x0A, b"key") + _field(0x12, b"\x0a\x01a\x18\x01")
    span = spans_of(build_request(name="poison"))[0].SerializeToString() + _field(0x4A, attribute)
    return _field(0x0A, _field(0x12, _field(0x12, span)))


def _field(tag: int, value: bytes) -> bytes:
    return bytes((tag,)) + varint(len(value)) + value


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back over HTTP."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def error(self) -> str:
        """The message of the google.rpc.Status in protobuf."""
        return str(Status.FromString(self.body).message)

    @property
    def rejected_spans(self) -> int:
        return int(ExportTraceServiceResponse.FromString(self.body).partial_success.rejected_spans)


def post(
    port: int,
    body: Any,
    *,
    content_type: str | None = PROTOBUF,
    path: str = "/v1/traces",
    method: str = "POST",
    **headers: str,
) -> Answer:
    """Send one request on a connection of its own. A body that is an iterator goes in chunks without a length."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type is not None:
        sent["content-type"] = content_type
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body=body, headers=sent)
        response = connection.getresponse()
        return Answer(
            status=response.status,
            body=response.read(),
            headers={name.lower(): value for name, value in response.getheaders()},
        )
    finally:
        connection.close()
