"""OTLP/JSON to OTLP messages: protobuf's JSON mapping, but ids in hex (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding)."""

import base64
import re
from collections.abc import Iterator
from typing import Any, Final

import orjson
from google.protobuf.json_format import ParseDict, ParseError

from driftline_collector.errors import RequestRefused
from driftline_collector.signals import Signal

_HEX = re.compile(r"[0-9a-fA-F]*")
_ID_KEYS = ("traceId", "trace_id", "spanId", "span_id", "parentSpanId", "parent_span_id")

# Where ids are: the way from a request through lists (camelCase, snake_case), with holders of ids at its end; a name without a list
# is an object on the way.
_SPANS: Final = (("resourceSpans", "resource_spans"), ("scopeSpans", "scope_spans"), ("spans", "spans"))
_RECORDS: Final = (("resourceLogs", "resource_logs"), ("scopeLogs", "scope_logs"), ("logRecords", "log_records"))
_METRICS: Final = (("resourceMetrics", "resource_metrics"), ("scopeMetrics", "scope_metrics"), ("metrics", "metrics"))
_EXEMPLARS: Final = (("dataPoints", "data_points"), ("exemplars", "exemplars"))
_POINT_TYPES: Final = (
    ("gauge", "gauge"),
    ("sum", "sum"),
    ("histogram", "histogram"),
    ("exponentialHistogram", "exponential_histogram"),
)
_ID_PATHS: Final = {
    "traces": (_SPANS, (*_SPANS, ("links", "links"))),
    "logs": (_RECORDS,),
    "metrics": tuple((*_METRICS, kind, *_EXEMPLARS) for kind in _POINT_TYPES),
}


def parse_json(body: bytes, signal: Signal) -> Any:
    """The signal's request of JSON. camelCase or snake_case keys, 64-bit integers as strings or numbers, enums as
    numbers or names; unknown fields are ignored. Raises RequestRefused.
    """
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _refused(signal, f"bytes that are not JSON: {error}") from None
    if not isinstance(tree, dict):
        raise _refused(signal, f"a JSON {type(tree).__name__}")
    for path in _ID_PATHS[signal.name]:
        for holder in _at_end(tree, path):
            _ids_to_base64(holder, signal)
    try:
        return ParseDict(tree, signal.request(), ignore_unknown_fields=True)
    except (ParseError, RecursionError, ValueError, TypeError, AttributeError) as error:
        # ParseDict lets AttributeError and TypeError through for some wrong shapes; every one is the sender's.
        raise _refused(signal, f"JSON that is none: {str(error)[:300]}") from None


def _at_end(tree: dict[str, Any], path: tuple[tuple[str, str], ...]) -> Iterator[dict[str, Any]]:
    if not path:
        yield tree
        return
    camel, snake = path[0]
    found = tree.get(camel)
    found = tree.get(snake) if found is None else found
    for item in found if isinstance(found, list) else (found,):
        if isinstance(item, dict):
            yield from _at_end(item, path[1:])


def _ids_to_base64(holder: dict[str, Any], signal: Signal) -> None:
    for key in _ID_KEYS:
        value = holder.get(key)
        if value is None:
            continue
        try:
            if not isinstance(value, str) or not _HEX.fullmatch(value):  # bytes.fromhex skips spaces
                raise ValueError
            holder[key] = base64.b64encode(bytes.fromhex(value)).decode()
        except ValueError:
            raise _refused(signal, f"a {key} that is not hexadecimal") from None


def _refused(signal: Signal, what: str) -> RequestRefused:
    name = signal.request.DESCRIPTOR.name
    return RequestRefused(f"expected an {name} in JSON, got {what}", reason="malformed")
