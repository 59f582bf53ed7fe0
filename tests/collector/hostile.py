"""Senders that mean harm or are broken, on bare sockets: heads without end, bodies that stop, bombs, nesting."""

import json
import socket
import zlib
from typing import Any

from driftline_collector.envelope import varint
from tests.collector.otlp_requests import PROTOBUF, build_request, spans_of


def head(length: int, *, content_type: str = PROTOBUF, encoding: str = "identity") -> bytes:
    """The head of a POST whose body is said to be `length` bytes."""
    return (
        f"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\n"
        f"content-encoding: {encoding}\r\ncontent-length: {length}\r\n\r\n"
    ).encode()


def connect(port: int, *, timeout_s: float = 30.0) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=timeout_s)


def answer_or_end(connection: socket.socket) -> bytes:
    """The first bytes of what comes back; b'' when the other side ended it, in whatever way."""
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""


def nested_json(depth: int) -> bytes:
    """A request in JSON whose one attribute is lists in lists, `depth` deep."""
    value = '{"arrayValue":{"values":[' * depth + '{"stringValue":"x"}' + "]}}" * depth
    span = (
        '{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"nested",'
        f'"attributes":[{{"key":"a","value":{value}}}]}}'
    )
    return f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}'.encode()


def nested_protobuf(depth: int, *, is_map: bool = False) -> bytes:
    """A request whose one attribute is lists (or maps) in each other, `depth` deep, written by hand: no library's limit applies."""
    value = _field(0x0A, b"x")  # AnyValue.string_value
    for _ in range(depth):
        inner = _field(0x0A, _field(0x0A, b"k") + _field(0x12, value)) if is_map else _field(0x0A, value)
        value = _field(0x32 if is_map else 0x2A, inner)
    attribute = _field(0x0A, b"a") + _field(0x12, value)
    span = spans_of(build_request(name="nested"))[0].SerializeToString() + _field(0x4A, attribute)
    return _field(0x0A, _field(0x12, _field(0x12, span)))


def member_bomb(n_members: int) -> bytes:
    """A body in gzip of many members with nothing in them."""
    stream = zlib.compressobj(wbits=31)
    return (stream.compress(b"") + stream.flush()) * n_members


def _field(tag: int, value: bytes) -> bytes:
    return bytes((tag,)) + varint(len(value)) + value


def odd_requests() -> dict[str, bytes]:
    """Requests that are odd and right: they must be kept whole."""
    found: dict[str, Any] = {}

    def span_of(name: str) -> Any:
        found[name] = build_request(1, name=name)
        return spans_of(found[name])[0]

    span = span_of("many")
    for number in range(20_000):
        attribute = span.attributes.add()
        attribute.key, attribute.value.int_value = f"key.{number}", number
    attribute = span_of("large").attributes.add()
    attribute.key, attribute.value.string_value = "big", "ß" * (2 << 20)
    span = span_of("twice")
    for value in ("first", "second"):
        attribute = span.attributes.add()
        attribute.key, attribute.value.string_value = "same", value
    attribute = span_of("nul").attributes.add()
    attribute.key, attribute.value.string_value = "n\0l", "a\0b"
    attribute = span_of("empty").attributes.add()
    attribute.key = ""
    attribute = span_of("bytes").attributes.add()
    attribute.key, attribute.value.bytes_value = "raw", b"\xff\0\xfe"
    attribute = span_of("numbers").attributes.add()
    attribute.key, attribute.value.double_value = "nan", float("nan")
    attribute = spans_of(found["numbers"])[0].attributes.add()
    attribute.key, attribute.value.int_value = "least", -(2**63)
    span = span_of("times")
    span.start_time_unix_nano, span.end_time_unix_nano = 2**64 - 1, 0
    span_of("kind").kind = 77
    span_of("name\0" + "n" * 1_000_000)
    return {name.partition("\0")[0]: request.SerializeToString() for name, request in found.items()}


def deep_json(depth: int) -> bytes:
    """Nothing but brackets."""
    return b"[" * depth + b"]" * depth


def json_with(**span: Any) -> bytes:
    """A request in JSON of one span with these fields beside sound ids."""
    ids = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [ids | span]}]}]}).encode()
