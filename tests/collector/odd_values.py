"""Texts that no SDK means to send: whatever stands in an attribute, no span may fail for it."""

import json
from collections.abc import Iterator
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_NOT_UTF8: Final = "\ue000not-utf8\ue000"  # replaced on the wire by as many bytes that are no UTF-8
_MESSAGE: Final = {
    "role": "user",
    "content": "hi",
    "parts": [{"type": "text", "content": "hi"}],
    "tool_calls": [{"id": "1"}],
}

ODD_TEXTS: Final[dict[str, str]] = {
    "empty": "",
    "nul": "a\0b",
    "not UTF-8": _NOT_UTF8,
    "lone surrogate": '["\\ud800"]',
    "huge number": "9" * 400,
    "huge float": "1e999999",
    "number in JSON": '{"temperature": 1e999999, "max_tokens": 99999999999999999999999, "usage": -1, "role": NaN}',
    "not a number": "NaN",
    "infinity": "-Infinity",
    "minus": "-9223372036854775809",
    "open object": "{",
    "open array": "[",
    "cut off": json.dumps([_MESSAGE] * 3)[:-40],
    "wrong types": '[{"role": {"a": 1}, "content": 7, "parts": "x", "tool_calls": {"id": []}}, null, 3, "x", [], {}]',
    "object of scalars": '{"messages": 3, "choices": "x", "output": null, "content": {"parts": [[]]}, "kwargs": []}',
    "nested": "[" * 5000 + "]" * 5000,
    "nested objects": '{"messages":' * 2000 + "1" + "}" * 2000,
    "many messages": json.dumps([_MESSAGE] * 10_000),
    "quotes": "\\'\"`{}$spans%s",
    "huge text": "long " * 200_000,
}


def odd_requests(body: bytes) -> Iterator[tuple[str, bytes]]:
    """A recorded request once for each odd text, which stands in place of every string that the spans and their events carry, and
    once with every number at its bounds. Ids differ; the keys stay."""
    for number, (name, text) in enumerate(ODD_TEXTS.items(), start=1):
        request = ExportTraceServiceRequest.FromString(body)
        for value in _values(request, number):
            if value.WhichOneof("value") != "bool_value":
                value.string_value = text
        yield (
            name,
            request.SerializeToString().replace(_NOT_UTF8.encode(), b"\xff\xfe" * (len(_NOT_UTF8.encode()) // 2)),
        )
    for number, bound in enumerate((float("nan"), float("inf"), 2**63 - 1, -(2**63)), start=len(ODD_TEXTS) + 1):
        request = ExportTraceServiceRequest.FromString(body)
        for value in _values(request, number):
            if isinstance(bound, float):
                value.double_value = bound
            else:
                value.int_value = bound
        yield str(bound), request.SerializeToString()


def _values(request: Any, number: int) -> Iterator[Any]:
    """Every attribute's value, after the spans got ids of their own; what makes a span one of GenAI stays, and so does its service."""
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                span.trace_id = bytes((number,)) + span.trace_id[1:]
                span.span_id = bytes((number,)) + span.span_id[1:]
                for owner in (span, *span.events):
                    for attribute in owner.attributes:
                        yield attribute.value
