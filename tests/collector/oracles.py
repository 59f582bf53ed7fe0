"""What must hold of every input to the collector's decoders, whatever it is. Each returns whether the input was accepted."""

import gzip
import random
import zlib
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline_collector.envelope import Damage, Frame, digest_of, frame_head, read_frames
from driftline_collector.errors import RequestRefused
from driftline_collector.inflate import Inflater
from driftline_collector.otlp_json import parse_json
from driftline_collector.signals import SIGNALS
from driftline_collector.validation import Checked, check_traces, decode
from tests.collector.mutations import mutated, mutated_json, recorded, written
from tests.collector.otlp_requests import spans_of

_MAX_BYTES = 1 << 20
_SALT = 77
_TRACES = SIGNALS["traces"]


def checked_protobuf(body: bytes) -> Checked:
    """As the door does it. Raises RequestRefused."""
    return check_traces(decode(body, _TRACES.request), body)


def protobuf(body: bytes) -> bool:
    """What is accepted decodes, in a decoder of its own too, with valid ids only; a body with no bad span stays as it came."""
    try:
        checked = checked_protobuf(body)
    except RequestRefused:
        return False
    if not checked.n_rejected:
        assert checked.body is body
    _sound(checked)
    return True


def json(body: bytes) -> bool:
    """As for protobuf."""
    try:
        checked = check_traces(parse_json(body, _TRACES), None)
    except RequestRefused:
        return False
    _sound(checked)
    return True


def _sound(checked: Checked) -> None:
    spans = spans_of(ExportTraceServiceRequest.FromString(checked.body))
    ids = [(span.trace_id, span.span_id, span.parent_span_id) for span in spans]
    assert len(ids) == checked.n_items
    for trace_id, span_id, parent_span_id in ids:
        assert len(trace_id) == 16
        assert any(trace_id)
        assert len(span_id) == 8
        assert any(span_id)
        assert len(parent_span_id) in (0, 8)
    assert list(_ids_by_hand(checked.body)) == ids


def _ids_by_hand(body: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """The ids of every span, read from the wire without the library that the collector trusts."""
    for resource_spans in _submessages(body, 1):
        for scope_spans in _submessages(resource_spans, 2):
            for span in _submessages(scope_spans, 2):
                found = {1: b"", 2: b"", 4: b""}
                for number, value in _fields(span):
                    if number in found and isinstance(value, bytes):
                        found[number] = value
                yield found[1], found[2], found[4]


def _submessages(message: bytes, number: int) -> Iterator[bytes]:
    return (value for found, value in _fields(message) if found == number and isinstance(value, bytes))


def _fields(message: bytes) -> Iterator[tuple[int, bytes | None]]:
    """Fields outside groups: number, and the value of a length-delimited one."""
    at = depth = 0
    while at < len(message):
        tag, at = _varint(message, at)
        value: bytes | None = None
        match tag & 7:
            case 0:
                _, at = _varint(message, at)
            case 1:
                at += 8
            case 2:
                length, at = _varint(message, at)
                value = message[at : at + length]
                at += length
            case 3:
                depth += 1
            case 4:
                depth -= 1
            case 5:
                at += 4
            case other:
                raise AssertionError(f"wire type {other} was accepted")
        if not depth:
            yield (tag & 0xFFFFFFFF) >> 3, value
    assert at == len(message)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        shift += 7
        if byte < 128:
            return value, at


def inflated(rng: random.Random, encoding: str, body: bytes) -> bool:
    """However it is cut, the outcome is that of the whole, and what is accepted is what zlib says."""
    outcomes = [_inflate(encoding, [body]), _inflate(encoding, _cut(rng, body))]
    assert outcomes[0] == outcomes[1]
    if outcomes[0] is not None:
        assert outcomes[0] == _reference(encoding, body)
    return outcomes[0] is not None


def _inflate(encoding: str, chunks: list[bytes]) -> bytes | None:
    inflater = Inflater(encoding, max_bytes=_MAX_BYTES)
    try:
        for chunk in chunks:
            inflater.feed(chunk)
        return inflater.finish()
    except RequestRefused:
        assert inflater.n_bytes <= 2 * _MAX_BYTES
        return None


def _cut(rng: random.Random, body: bytes) -> list[bytes]:
    places = sorted(rng.randrange(len(body) + 1) for _ in range(rng.choice((1, 1, 2, 5))))
    return [body[low:high] for low, high in zip([0, *places], [*places, len(body)], strict=True)]


def _reference(encoding: str, body: bytes) -> bytes:
    if encoding == "gzip":
        out = b""
        while body:
            stream = zlib.decompressobj(31)
            out += stream.decompress(body)
            body = stream.unused_data
        return out
    try:
        return zlib.decompress(body)
    except zlib.error:
        return zlib.decompress(body, wbits=-15)


def segment_of(bodies: list[bytes]) -> bytes:
    """A segment's bytes."""
    return b"".join(
        frame_head(project="p", received_at_ns=7, digest=digest_of("p", body), n_items=2, body=body, salt=_SALT) + body
        for body in bodies
    )


def frames(data: bytes, bodies: list[bytes]) -> bool:
    """The parts cover every byte in order, and each frame is one that was written, unaltered; True when all of them are there."""
    at = 0
    found: list[bytes] = []
    for part in read_frames(data, salt=_SALT):
        assert part.start == at
        assert part.end > part.start
        at = part.end
        if isinstance(part, Frame):
            body = data[part.body : part.end]
            assert (part.project, part.received_at_ns, part.n_items, part.digest) == ("p", 7, 2, digest_of("p", body))
            found.append(body)
        else:
            assert isinstance(part, Damage)
    assert at == len(data)
    assert set(found) <= set(bodies)
    return len(set(found)) == len(set(bodies))


def one(rng: random.Random, seeds: dict[str, Any]) -> tuple[str, bool]:
    """Make one input for one decoder and hold it against its oracle; the decoder's name, and whether it was accepted."""
    kind = rng.choice(("mutated", "mutated", "written", "written", "json", "inflate", "frames"))
    match kind:
        case "mutated":
            accepted = protobuf(mutated(rng, seeds["bin"]))
        case "written":
            accepted = protobuf(written(rng) if rng.random() < 0.7 else mutated(rng, [written(rng)]))
        case "json":
            accepted = json(mutated_json(rng, seeds["json"]))
        case "inflate":
            encoding = rng.choice(("gzip", "deflate"))
            accepted = inflated(rng, encoding, mutated(rng, seeds[encoding]))
        case _:
            bodies = [rng.randbytes(rng.randrange(200)) for _ in range(rng.randrange(1, 5))]
            accepted = frames(mutated(rng, [segment_of(bodies)]), bodies)
    return kind, accepted


def seeds() -> dict[str, Any]:
    """What `one` mutates."""
    bodies = recorded("bin")
    small = [body[:20_000] for body in bodies]
    deflated = [zlib.compress(body) for body in small] + [zlib.compress(body)[2:-4] for body in small]
    return {
        "bin": bodies,
        "json": recorded("json"),
        "gzip": [gzip.compress(body) for body in small],
        "deflate": deflated,
    }
