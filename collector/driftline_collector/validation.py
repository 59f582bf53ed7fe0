"""What is asked of a request before it is kept: that it decodes, and that its spans have ids that mean something."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline_collector.errors import RequestRefused

_NO_TRACE: Final = bytes(16)
_NO_SPAN: Final = bytes(8)
_PARENT_LENGTHS: Final = (8, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A request whose every span may be stored. body: protobuf, the bytes that came unless some spans had to be taken out.

    n_rejected, complaint: of the spans that were taken out; 0 and '' when none was.
    """

    body: bytes
    n_spans: int
    n_rejected: int = 0
    complaint: str = ""


def check_protobuf(body: bytes) -> Checked:
    """Check a request as it came over the wire. Raises RequestRefused.

    Costs 1.7 µs a span to decode and less than 1 µs for the ids; the message that it decodes is thrown away.
    """
    try:
        message = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise RequestRefused(
            f"expected an ExportTraceServiceRequest in protobuf, got {len(body)} bytes that {_fault(error)}",
            reason="malformed",
        ) from None
    return check_message(message, body)


def check_message(message: Any, body: bytes | None) -> Checked:
    """Check a decoded request. body: its bytes when there are any. Raises RequestRefused when no span is good."""
    n_spans = 0
    is_good = True
    for resource_spans in message.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            spans = scope_spans.spans
            n_spans += len(spans)
            for span in spans:
                trace_id = span.trace_id
                span_id = span.span_id
                if (
                    len(trace_id) != 16
                    or len(span_id) != 8
                    or trace_id == _NO_TRACE
                    or span_id == _NO_SPAN
                    or len(span.parent_span_id) not in _PARENT_LENGTHS
                ):
                    is_good = False
    if is_good:
        return Checked(body=message.SerializeToString() if body is None else body, n_spans=n_spans)
    return _without_bad_spans(message, n_spans)


def _without_bad_spans(message: Any, n_spans: int) -> Checked:
    complaints: Counter[str] = Counter()
    for resource_spans in message.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for index in range(len(scope_spans.spans) - 1, -1, -1):
                complaint = _complaint(scope_spans.spans[index])
                if complaint:
                    complaints[complaint] += 1
                    del scope_spans.spans[index]
    n_rejected = sum(complaints.values())
    listed = "; ".join(f"{text} ({count} spans)" for text, count in complaints.most_common(5))
    if n_rejected == n_spans:
        raise RequestRefused(f"every span of the request is invalid: {listed}", reason="invalid_ids")
    return Checked(
        body=message.SerializeToString(),
        n_spans=n_spans - n_rejected,
        n_rejected=n_rejected,
        complaint=f"{n_rejected} of {n_spans} spans are invalid and were not kept: {listed}",
    )


def _complaint(span: Any) -> str:
    if len(span.trace_id) != 16:
        return f"expected a trace_id of 16 bytes, got {len(span.trace_id)}"
    if span.trace_id == _NO_TRACE:
        return "expected a trace_id that is not all zero"
    if len(span.span_id) != 8:
        return f"expected a span_id of 8 bytes, got {len(span.span_id)}"
    if span.span_id == _NO_SPAN:
        return "expected a span_id that is not all zero"
    if len(span.parent_span_id) not in _PARENT_LENGTHS:
        return f"expected a parent_span_id of 8 bytes or none, got {len(span.parent_span_id)}"
    return ""


def _fault(error: DecodeError) -> str:
    text = str(error)
    if "UTF-8" in text:
        return "hold a string that is not valid UTF-8"
    if "corrupt" in text:
        return "are cut off or not protobuf"
    return f"do not decode ({text.rpartition(': ')[2]})"
