"""OTLP's recursive AnyValue as finite columns: the protobuf messages, the column type and the SQL that renders it as text.

Columns cannot recurse, so nesting is unrolled to a fixed depth. What lies deeper is kept as its wire bytes, in JSON as
`{"$otlp": "<base64 of the ArrayValue or KeyValueList>"}`.
"""

from typing import Final

SPAN_DEPTH: Final = 2
"""Nesting of span attributes that becomes JSON. Each level doubles what every INSERT has to plan."""

LOG_DEPTH: Final = 2
"""Nesting of log bodies and attributes that the engine makes JSON of; the door renders what is deeper (driftline_collector.deep_values)."""

PLAIN_DEPTH: Final = 1
"""Nesting of the attributes of resources, scopes, events and links that becomes JSON."""

_KIND: Final = "Enum8('none' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'arr' = 5, 'kvl' = 6, 'raw' = 7)"


def messages(depth: int) -> str:
    """The protobuf messages KeyValue<n>, AnyValue<n>, Array<n> and Map<n>, n from 0 to `depth` levels of nesting left."""
    blocks = []
    for n in range(depth + 1):
        array, kvlist = (f"Array{n}", f"Map{n}") if n else ("bytes", "bytes")
        blocks.append(
            f"message AnyValue{n} {{ oneof value {{ string s = 1; bool b = 2; int64 i = 3; double d = 4; "
            f"{array} arr = 5; {kvlist} kvl = 6; bytes raw = 7; }} }}\n"
            f"message KeyValue{n} {{ string key = 1; AnyValue{n} value = 2; }}\n"
        )
        if n:
            blocks.append(
                f"message Array{n} {{ repeated AnyValue{n - 1} values = 1; }}\n"
                f"message Map{n} {{ repeated KeyValue{n - 1} values = 1; }}\n"
            )
    return "".join(blocks)


def column_type(depth: int) -> str:
    """The column type of one AnyValue<depth>; the Enum8 named after the oneof says which member was set."""
    array, kvlist = "String", "String"
    if depth:
        inner = column_type(depth - 1)
        array = f"Tuple(values Array({inner}))"
        kvlist = f"Tuple(values Array(Tuple(key String, value {inner})))"
    return f"Tuple(value {_KIND}, s String, b Bool, i Int64, d Float64, arr {array}, kvl {kvlist}, raw String)"


def attributes_type(depth: int) -> str:
    """The column type of `repeated KeyValue<depth>`."""
    return f"Array(Tuple(key String, value {column_type(depth)}))"


def text(value: str, depth: int) -> str:
    """SQL that renders the AnyValue<depth> column `value` as an attribute's text.

    Strings as they are, bool true/false, numbers so that they read back the same, bytes as base64, arrays and maps as
    JSON, no value as ''.
    """
    v = value
    return (
        f"multiIf({v}.1 = 's', {v}.2, {v}.1 = 'i', toString({v}.4), {v}.1 = 'd', toString({v}.5), "
        f"{v}.1 = 'b', toString({v}.3), {v}.1 = 'raw', base64Encode({v}.8), {v}.1 = 'none', '', {_nested(v, depth)})"
    )


def attributes_map(attributes: str, depth: int) -> str:
    """SQL that turns `repeated KeyValue<depth>` into a Map(String, String). Of a repeated key the first is found by
    `map[key]`; all are kept."""
    return f"mapFromArrays({attributes}.key, arrayMap(v -> {text('v', depth)}, {attributes}.value))"


def _json(value: str, depth: int) -> str:
    v = value
    return (
        f"multiIf({v}.1 = 's', toJSONString({v}.2), {v}.1 = 'i', toString({v}.4), "
        f"{v}.1 = 'd', if(isFinite({v}.5), toString({v}.5), toJSONString(toString({v}.5))), {v}.1 = 'b', toString({v}.3), "
        f"{v}.1 = 'raw', toJSONString(base64Encode({v}.8)), {v}.1 = 'none', 'null', {_nested(v, depth)})"
    )


def _nested(value: str, depth: int) -> str:
    """SQL of an array or map as JSON. One of the two is empty, so both are written as one list of prefixed members:
    every INSERT plans this query anew, and a branch for each would double it with every level."""
    v = value
    if not depth:
        return f"concat('{{\"$otlp\":\"', base64Encode(concat({v}.6, {v}.7)), '\"}}')"
    prefix, inner = f"p{depth}", f"w{depth}"
    prefixes = (
        f"arrayConcat(arrayWithConstant(length({v}.6.1), ''), arrayMap(k -> concat(toJSONString(k), ':'), {v}.7.1.1))"
    )
    members = f"arrayMap(({prefix}, {inner}) -> concat({prefix}, {_json(inner, depth - 1)}), {prefixes}, arrayConcat({v}.6.1, {v}.7.1.2))"
    return f"concat(if({v}.1 = 'arr', '[', '{{'), arrayStringConcat({members}, ','), if({v}.1 = 'arr', ']', '}}'))"
