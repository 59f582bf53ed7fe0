"""Log bodies and attributes that nest deeper than columns can hold, as JSON text before they are kept.

The engine's columns unroll OTLP's recursion, and each level doubles what every INSERT has to set up, however few rows it has: for
log records 24 ms at two levels, 68 ms at four, 245 ms at six. GenAI events nest four to six levels and come one a call, so the few
deep values are rendered here, as the engine would have, and everything else goes on as the bytes that came.
"""

import base64
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from driftline_collector.anyvalue import LOG_DEPTH


def flatten_deep(record: Any) -> bool:
    """Make JSON text of the body and of every attribute of a LogRecord that nests deeper than LOG_DEPTH; True when there was one."""
    is_changed = False
    if record.HasField("body") and _is_deep(record.body, LOG_DEPTH):
        record.body.string_value = json_text(record.body)
        is_changed = True
    for attribute in record.attributes:
        value = attribute.value
        if _is_deep(value, LOG_DEPTH):
            value.string_value = json_text(value)
            is_changed = True
    return is_changed


def json_text(value: Any) -> str:
    """An AnyValue as JSON, as the engine renders it: bytes as base64, numbers that JSON has none for as text, no value as null."""
    kind = value.WhichOneof("value")
    return "null" if kind is None else _JSON_OF[kind](getattr(value, kind))


def _array(array: Any) -> str:
    return "[" + ",".join(map(json_text, array.values)) + "]"


def _kvlist(kvlist: Any) -> str:
    return "{" + ",".join(f"{_string(kv.key)}:{json_text(kv.value)}" for kv in kvlist.values) + "}"


def _string(text: str) -> str:
    return orjson.dumps(text).decode()


def _double(number: float) -> str:
    return repr(number).removesuffix(".0") if math.isfinite(number) else f'"{number}"'


_JSON_OF: Final[Mapping[str, Callable[[Any], str]]] = {
    "string_value": _string,
    "bool_value": lambda is_true: "true" if is_true else "false",
    "int_value": str,
    "double_value": _double,
    "array_value": _array,
    "kvlist_value": _kvlist,
    "bytes_value": lambda raw: f'"{base64.b64encode(raw).decode()}"',
}


def _is_deep(value: Any, levels: int) -> bool:
    """Whether it nests more than so many levels."""
    if value.HasField("array_value"):
        return not levels or any(_is_deep(inner, levels - 1) for inner in value.array_value.values)
    if value.HasField("kvlist_value"):
        return not levels or any(_is_deep(kv.value, levels - 1) for kv in value.kvlist_value.values)
    return False
