"""What is asked of a request before it is kept: that it decodes, and that its ids mean something."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import DecodeError

from driftline_collector.deep_values import flatten_deep
from driftline_collector.errors import RequestRefused
from driftline_collector.shallow_logs import may_be_deep

_NO_TRACE: Final = bytes(16)
_NO_SPAN: Final = bytes(8)
_PARENT_LENGTHS: Final = (8, 0)
_LOG_TRACE_LENGTHS: Final = (0, 16)
_LOG_SPAN_LENGTHS: Final = (0, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A request whose every item may be stored. body: protobuf, the bytes that came unless some of it had to be changed.

    n_rejected, complaint: of the items that were taken out; 0 and '' when none was.
    """

    body: bytes
    n_items: int
    n_rejected: int = 0
    complaint: str = ""


def decode(body: bytes, request: Any) -> Any:
    """The message of a request class that a body holds. Raises RequestRefused."""
    try:
        return request.FromString(body)
    except DecodeError as error:
        raise RequestRefused(
            f"expected an {request.DESCRIPTOR.name} in protobuf, got {len(body)} bytes that {_fault(error)}",
            reason="malformed",
        ) from None


def check_traces(message: Any, body: bytes | None) -> Checked:
    """Every span has ids of the right length that are not zero. Raises RequestRefused when no span is good.

    Decoding costs 1.7 µs a span and this less than 1 µs; the message is thrown away.
    """
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
        return Checked(body=message.SerializeToString() if body is None else body, n_items=n_spans)
    lists = (scope_spans.spans for resource in message.resource_spans for scope_spans in resource.scope_spans)
    return _without_bad(message, lists, _span_complaint, n_items=n_spans, items="spans")


def check_logs(message: Any, body: bytes | None) -> Checked:
    """Every record has ids of the right length, or none. What nests deeper than the engine renders becomes text here.

    Raises RequestRefused when no record is good.
    """
    n_records = 0
    is_good = True
    is_changed = False
    may_flatten = body is None or may_be_deep(body)
    for resource_logs in message.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            records = scope_logs.log_records
            n_records += len(records)
            for record in records:
                if len(record.trace_id) not in _LOG_TRACE_LENGTHS or len(record.span_id) not in _LOG_SPAN_LENGTHS:
                    is_good = False
                if may_flatten and flatten_deep(record):
                    is_changed = True
    if is_good:
        return Checked(
            body=message.SerializeToString() if body is None or is_changed else body,
            n_items=n_records,
        )
    lists = (scope_logs.log_records for resource in message.resource_logs for scope_logs in resource.scope_logs)
    return _without_bad(message, lists, _record_complaint, n_items=n_records, items="log records")


def check_metrics(message: Any, body: bytes | None) -> Checked:
    """Data points have nothing that could be wrong beyond decoding; they are counted."""
    n_points = 0
    for resource_metrics in message.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                kind = metric.WhichOneof("data")
                if kind is not None:
                    n_points += len(getattr(metric, kind).data_points)
    return Checked(body=message.SerializeToString() if body is None else body, n_items=n_points)


def _without_bad(
    message: Any, lists: Iterable[Any], complaint_of: Callable[[Any], str], *, n_items: int, items: str
) -> Checked:
    complaints: Counter[str] = Counter()
    for listed in lists:
        for index in range(len(listed) - 1, -1, -1):
            complaint = complaint_of(listed[index])
            if complaint:
                complaints[complaint] += 1
                del listed[index]
    n_rejected = sum(complaints.values())
    said = "; ".join(f"{text} ({count} {items})" for text, count in complaints.most_common(5))
    if n_rejected == n_items:
        raise RequestRefused(
            f"every {items.removesuffix('s')} of the request is invalid: {said}",
            reason="invalid_ids",
            n_items=n_items,
        )
    return Checked(
        body=message.SerializeToString(),
        n_items=n_items - n_rejected,
        n_rejected=n_rejected,
        complaint=f"{n_rejected} of {n_items} {items} are invalid and were not kept: {said}",
    )


def _span_complaint(span: Any) -> str:
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


def _record_complaint(record: Any) -> str:
    if len(record.trace_id) not in _LOG_TRACE_LENGTHS:
        return f"expected a trace_id of 16 bytes or none, got {len(record.trace_id)}"
    if len(record.span_id) not in _LOG_SPAN_LENGTHS:
        return f"expected a span_id of 8 bytes or none, got {len(record.span_id)}"
    return ""


def _fault(error: DecodeError) -> str:
    text = str(error)
    if "UTF-8" in text:
        return "hold a string that is not valid UTF-8"
    if "corrupt" in text:
        return "are cut off or not protobuf"
    return f"do not decode ({text.rpartition(': ')[2]})"
