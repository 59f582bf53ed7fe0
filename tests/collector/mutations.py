"""Bytes that are nearly right: mutations of what real SDKs sent, and OTLP written by hand in every odd way that the wire allows."""

import copy
import json
import random
from pathlib import Path
from typing import Any, Final

from driftline_collector.envelope import varint

RECORDINGS: Final = Path(__file__).parent / "recordings"
_ODD_NUMBERS: Final = (0, 1, 127, 128, 255, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1)
_ODD_TEXTS: Final = ("", "\0", "a\0b", "ß" * 100, "\ud7ff", "\U0010ffff", "{", '"', "\\", "x" * 3000)
_ODD_JSON: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**63,
    2**64,
    "",
    "x",
    "00",
    [],
    {},
    [[]],
    "NaN",
    "Infinity",
    1e308,
)


def recorded(suffix: str) -> list[bytes]:
    """Bodies of real SDKs: 'bin' for protobuf, 'json' for OTLP/JSON."""
    return [path.read_bytes() for path in sorted(RECORDINGS.glob(f"*.traces.{suffix}"))]


def mutated(rng: random.Random, seeds: list[bytes]) -> bytes:
    """One of the seeds after one to four changes."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        _mutate(rng, data, seeds)
    return bytes(data)


def _mutate(rng: random.Random, data: bytearray, seeds: list[bytes]) -> None:
    at = rng.randrange(len(data) + 1)
    length = rng.choice((1, 2, 4, 16, 100))
    match rng.randrange(9):
        case 0 if data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        case 1 if data:
            data[at % len(data)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        case 2:
            del data[at:]
        case 3:
            del data[at : at + length]
        case 4:
            data[at:at] = rng.randbytes(length)
        case 5:
            data[at:at] = data[at : at + length]
        case 6:
            other = rng.choice(seeds)
            start = rng.randrange(len(other) + 1)
            data[at : at + length] = other[start : start + length]
        case 7:
            data[at : at + 1] = varint(rng.choice(_ODD_NUMBERS))
        case _:
            data += rng.choice((b"", data[: length * 10], field(rng.randrange(1, 2000), rng.randbytes(length))))


def field(number: int, value: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def written(rng: random.Random) -> bytes:
    """An ExportTraceServiceRequest written by hand: right in most of its parts, odd in some."""
    spans = b"".join(field(2, _span(rng)) for _ in range(rng.choice((0, 1, 1, 2, 5))))
    scope = field(1, field(1, _text(rng)) + field(3, _key_value(rng))) if rng.random() < 0.5 else b""
    resource = field(1, _key_values(rng, 1)) if rng.random() < 0.7 else b""
    body = field(1, _shuffled(rng, [resource, field(2, _shuffled(rng, [scope, spans, _unknown(rng)])), _unknown(rng)]))
    return body * rng.choice((1, 1, 1, 2)) + _unknown(rng)


def _span(rng: random.Random) -> bytes:
    lengths = (16,) * 20 + (0, 8, 15, 17, 32)
    parts = [
        field(1, rng.randbytes(rng.choice(lengths)) if rng.random() < 0.97 else bytes(16)),
        field(2, rng.randbytes(rng.choice((8,) * 30 + (0, 7, 16)))),
        field(4, rng.randbytes(rng.choice((8, 8, 8, 8, 0, 0, 0, 3)))) if rng.random() < 0.5 else b"",
        field(5, _text(rng)),
        b"\x30" + varint(rng.choice((0, 1, 3, 5, 6, *_ODD_NUMBERS))),
        b"\x39" + rng.choice((rng.randbytes(8), (1_763_690_400_000_000_000).to_bytes(8, "little"))),
        b"\x41" + rng.randbytes(8) if rng.random() < 0.5 else b"",
        _key_values(rng, 9),
        field(11, b"\x09" + rng.randbytes(8) + field(2, _text(rng)) + _key_values(rng, 3))
        if rng.random() < 0.3
        else b"",
        field(13, field(1, rng.randbytes(16)) + field(2, rng.randbytes(8))) if rng.random() < 0.2 else b"",
        field(15, field(2, _text(rng)) + b"\x18" + varint(rng.choice(_ODD_NUMBERS))) if rng.random() < 0.4 else b"",
        _unknown(rng),
    ]
    return _shuffled(rng, parts)


def _key_values(rng: random.Random, number: int) -> bytes:
    return b"".join(field(number, _key_value(rng)) for _ in range(rng.choice((0, 1, 2, 3, 20))))


def _key_value(rng: random.Random) -> bytes:
    parts = [field(1, _text(rng)), field(2, _any_value(rng, rng.choice((0, 1, 2, 3, 6, 40)))), _unknown(rng)]
    return _shuffled(rng, parts if rng.random() < 0.95 else parts[:1])


def _any_value(rng: random.Random, depth: int) -> bytes:
    if depth and rng.random() < 0.8:
        if rng.random() < 0.5:
            return field(5, b"".join(field(1, _any_value(rng, depth - 1)) for _ in range(rng.choice((0, 1, 1, 2)))))
        return field(6, field(1, field(1, _text(rng)) + field(2, _any_value(rng, depth - 1))))
    values = (
        field(1, _text(rng)),
        b"\x10" + varint(rng.choice((0, 1, 2))),
        b"\x18" + varint(rng.choice(_ODD_NUMBERS)),
        b"\x21" + rng.choice((rng.randbytes(8), b"\0\0\0\0\0\0\xf0\x7f", b"\0\0\0\0\0\0\xf8\x7f")),
        field(7, rng.randbytes(rng.randrange(20))),
        b"",
    )
    value = rng.choice(values)
    return value if rng.random() < 0.97 else value + rng.choice(values)


def _unknown(rng: random.Random) -> bytes:
    """A field of a number that no message has, of every wire type; mostly nothing."""
    if rng.random() < 0.9:
        return b""
    number = rng.choice((99, 1000, 2**29 - 1))
    return rng.choice(
        (
            varint(number << 3) + varint(rng.choice(_ODD_NUMBERS)),
            varint(number << 3 | 1) + bytes(8),
            field(number, rng.randbytes(5)),
            varint(number << 3 | 3) + varint(number << 3 | 4),
            varint(number << 3 | 5) + bytes(4),
        )
    )


def _text(rng: random.Random) -> bytes:
    if rng.random() < 0.01:
        return rng.randbytes(4)  # hardly ever UTF-8
    return rng.choice(("chat", "gen_ai.operation.name", "llm.input_messages.0.message.content", *_ODD_TEXTS)).encode()


def _shuffled(rng: random.Random, parts: list[bytes]) -> bytes:
    if rng.random() < 0.3:
        rng.shuffle(parts)
    return b"".join(parts)


def mutated_json(rng: random.Random, seeds: list[bytes]) -> bytes:
    """A JSON seed with values exchanged in its tree, or its text mutated."""
    if rng.random() < 0.3:
        return mutated(rng, seeds)
    tree = json.loads(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 3))):
        _mutate_tree(rng, tree)
    return json.dumps(tree).encode()


def _mutate_tree(rng: random.Random, tree: Any) -> None:
    """Walk down at random and change what is there."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(tree[key], dict | list) and tree[key] and rng.random() < 0.85:
            tree = tree[key]
            continue
        match rng.randrange(4):
            case 0:
                tree[key] = copy.deepcopy(rng.choice(_ODD_JSON))
            case 1:
                del tree[key]
            case 2 if isinstance(tree, dict):
                tree[rng.choice(("traceId", "span_id", "kind", "name", "attributes", "x"))] = tree.pop(key)
            case _ if isinstance(tree, list):
                tree.append(copy.deepcopy(tree[key]))
            case _:
                tree[key] = [tree[key]]
        return
