"""OTLP/JSON to OTLP messages: protobuf's JSON mapping, but ids in hex (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding)."""

import base64
import re
from typing import Any

import orjson
from google.protobuf.json_format import ParseDict, ParseError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline_collector.errors import RequestRefused

_HEX = re.compile(r"[0-9a-fA-F]*")
_ID_KEYS = ("traceId", "trace_id", "spanId", "span_id", "parentSpanId", "parent_span_id")


def parse_json(body: bytes) -> Any:
    """An ExportTraceServiceRequest of JSON. camelCase or snake_case keys, 64-bit integers as strings or numbers, enums as
    numbers or names; unknown fields are ignored. Raises RequestRefused.
    """
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _refused(f"bytes that are not JSON: {error}") from None
    if not isinstance(tree, dict):
        raise _refused(f"a JSON {type(tree).__name__}")
    for resource_spans in _listed(tree, "resourceSpans", "resource_spans"):
        for scope_spans in _listed(resource_spans, "scopeSpans", "scope_spans"):
            for span in _listed(scope_spans, "spans", "spans"):
                _ids_to_base64(span)
                for link in _listed(span, "links", "links"):
                    _ids_to_base64(link)
    try:
        return ParseDict(tree, ExportTraceServiceRequest(), ignore_unknown_fields=True)
    except (ParseError, RecursionError, ValueError, TypeError, AttributeError) as error:
        # ParseDict lets AttributeError and TypeError through for some wrong shapes; every one is the sender's.
        raise _refused(f"JSON that is none: {str(error)[:300]}") from None


def _listed(tree: dict[str, Any], camel: str, snake: str) -> list[dict[str, Any]]:
    found = tree.get(camel)
    found = tree.get(snake) if found is None else found
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _ids_to_base64(holder: dict[str, Any]) -> None:
    for key in _ID_KEYS:
        value = holder.get(key)
        if value is None:
            continue
        try:
            if not isinstance(value, str) or not _HEX.fullmatch(value):  # bytes.fromhex skips spaces
                raise ValueError
            holder[key] = base64.b64encode(bytes.fromhex(value)).decode()
        except ValueError:
            raise _refused(f"a {key} that is not hexadecimal") from None


def _refused(what: str) -> RequestRefused:
    return RequestRefused(f"expected an ExportTraceServiceRequest in JSON, got {what}", reason="malformed")
