"""OTLP's recursive AnyValue as finite columns: the protobuf messages, the column type and the SQL that renders it as text.

Columns cannot recurse, so nesting is unrolled to a fixed depth. What lies deeper is kept as its wire bytes, in JSON as
`{"$otlp": "<base64 of the ArrayValue or KeyValueList>"}`.
"""

from typing import Final

SPAN_DEPTH: Final = 1
"""Nesting of span attributes: GenAI messages sent as values are array > map > array > map > map (tool arguments)."""

PLAIN_DEPTH: Final = 0
"""Nesting of the attributes of resources, scopes, events and links."""

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
    return (
        f"multiIf({value}.1 = 's', {value}.2, {value}.1 = 'i', toString({value}.4), {value}.1 = 'd', toString({value}.5), "
        f"{value}.1 = 'b', toString({value}.3), {value}.1 = 'arr', {_array(value, depth)}, "
        f"{value}.1 = 'kvl', {_map(value, depth)}, {value}.1 = 'raw', base64Encode({value}.8), '')"
    )


def attributes_map(attributes: str, depth: int) -> str:
    """SQL that turns `repeated KeyValue<depth>` into a Map(String, String). Of a repeated key the first is found by
    `map[key]`; all are kept."""
    return f"mapFromArrays({attributes}.key, arrayMap(v -> {text('v', depth)}, {attributes}.value))"


def _json(value: str, depth: int) -> str:
    return (
        f"multiIf({value}.1 = 's', toJSONString({value}.2), {value}.1 = 'i', toString({value}.4), "
        f"{value}.1 = 'd', if(isFinite({value}.5), toString({value}.5), concat('\"', toString({value}.5), '\"')), "
        f"{value}.1 = 'b', toString({value}.3), {value}.1 = 'arr', {_array(value, depth)}, "
        f"{value}.1 = 'kvl', {_map(value, depth)}, {value}.1 = 'raw', concat('\"', base64Encode({value}.8), '\"'), 'null')"
    )


def _array(value: str, depth: int) -> str:
    if not depth:
        return f"concat('{{\"$otlp\":\"', base64Encode({value}.6), '\"}}')"
    inner = f"a{depth}"
    return f"concat('[', arrayStringConcat(arrayMap({inner} -> {_json(inner, depth - 1)}, {value}.6.1), ','), ']')"


def _map(value: str, depth: int) -> str:
    if not depth:
        return f"concat('{{\"$otlp\":\"', base64Encode({value}.7), '\"}}')"
    key, inner = f"k{depth}", f"m{depth}"
    pairs = f"{value}.7.1"
    return (
        f"concat('{{', arrayStringConcat(arrayMap(({key}, {inner}) -> concat(toJSONString({key}), ':', "
        f"{_json(inner, depth - 1)}), {pairs}.1, {pairs}.2), ','), '}}')"
    )
