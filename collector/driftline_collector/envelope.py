"""The frame: one request as it lies in the spool, which is also exactly what the engine's FORMAT Protobuf reads.

A frame is `varint length` + message, and the message is

    message Envelope {
      string project = 1;
      fixed64 received_at = 2;                 // Unix nanoseconds
      Export*ServiceRequest request = 3;       // of the signal that the segment's folder is for
      fixed32 n_items = 4;                     // spans, log records or data points, as the door counted them
      bytes seal = 15;                         // ours; of it the engine reads the checksum, as the ledger's name of the frame
    }

written as bytes in front of the request's body, which is never encoded again. The checksum travels inside the message, in the
seal, so that a segment is one file, one fdatasync makes it durable, and the engine reads it where it lies with no second copy:

    7A 28  magic[8] checksum[8] digest[16] length[4] n_items[4]     the seal, little-endian, always first and always 42 bytes
    11     received_at[8]
    25     n_items[4]
    0A     len project
    1A     varint(len body)  body

checksum is xxh3-64 of everything after it, seeded with the segment's salt, which stands only in the segment's file name: a
sender cannot forge a frame inside a body. n_items stands in the seal too: frames of an earlier version have it only there, and are read
as well. length repeats the message's length, so that one flipped bit in a varint loses nothing.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import xxhash

_MAGIC: Final = b"DLframe\x01"
_MARK: Final = b"\x7a\x28" + _MAGIC
_SEAL: Final = struct.Struct("<Q16sII")  # checksum, digest, length, n_items
_SEALED: Final = struct.Struct("<16sIIBQBIB")  # what follows the checksum up to the project's length
_RECEIVED: Final = struct.Struct("<BQ")
_COUNT_LENGTH: Final = 5
_CHECKSUM_AT: Final = len(_MARK)
_SEALED_AT: Final = _CHECKSUM_AT + 8
_PROJECT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_SEAL_LENGTH: Final = len(_MARK) + _SEAL.size  # 42


def varint(value: int) -> bytes:
    """An unsigned integer in protobuf's base-128 form."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def digest_of(project: str, body: bytes) -> bytes:
    """What identifies a request, 16 bytes: the same bytes sent again for the same project are the same request."""
    state = xxhash.xxh3_128(project.encode() + b"\0")
    state.update(body)
    return bytes(state.digest())


def frame_head(*, project: str, received_at_ns: int, digest: bytes, n_items: int, body: bytes, salt: int) -> bytes:
    """The bytes that stand before the body in its frame."""
    name = project.encode()
    size = varint(len(body))
    length = _SEAL_LENGTH + _RECEIVED.size + _COUNT_LENGTH + 2 + len(name) + 1 + len(size) + len(body)
    rest = b"".join(
        (
            _SEALED.pack(digest, length, n_items, 0x11, received_at_ns, 0x25, n_items, 0x0A),
            bytes((len(name),)),
            name,
            b"\x1a",
            size,
        )
    )
    state = xxhash.xxh3_64(rest, seed=salt)
    state.update(body)
    return b"".join((varint(length), _MARK, state.intdigest().to_bytes(8, "little"), rest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame in a segment. start, end: bytes of the whole frame; message: where the message begins; body: where the request does.

    checksum: which also names the frame in the ledger.
    """

    start: int
    message: int
    end: int
    checksum: int
    digest: bytes
    n_items: int
    project: str
    received_at_ns: int
    body: int

    @property
    def n_bytes(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Bytes of a segment that are not a whole frame. is_tail: nothing valid follows, as after a write that was cut off."""

    start: int
    end: int
    is_tail: bool


def read_frames(data: bytes, *, salt: int) -> Iterator[Frame | Damage]:
    """Every frame of a segment in order, and what lies between them where it was damaged."""
    position = 0
    while position < len(data):
        frame = _frame_at(data, position, salt)
        if frame is None:
            damaged_from = position
            frame = _next_frame(data, position, salt)
            if frame is None:
                yield Damage(start=damaged_from, end=len(data), is_tail=True)
                return
            if frame.start > damaged_from:
                yield Damage(start=damaged_from, end=frame.start, is_tail=False)
        yield frame
        position = frame.end


def is_beginning(data: bytes) -> bool:
    """Whether these bytes are the beginning of one frame and not all of it, as a write that was cut off leaves them."""
    length = 0
    for index, byte in enumerate(data[:5]):
        length |= (byte & 127) << (7 * index)
        if byte < 128:
            message = data[index + 1 :]
            break
    else:
        return len(data) < 5
    if len(message) >= length or not _MARK.startswith(message[: len(_MARK)]):
        return False
    return len(message) < _SEAL_LENGTH or _SEAL.unpack_from(message, _CHECKSUM_AT)[2] == length


def _frame_at(data: bytes, start: int, salt: int) -> Frame | None:
    message = start
    while message < min(start + 5, len(data)) and data[message] & 128:
        message += 1
    message += 1
    frame = _message_at(data, message, salt)
    if frame is None or data[start:message] != varint(frame.end - message):
        return None
    return _moved(frame, start)


def _next_frame(data: bytes, position: int, salt: int) -> Frame | None:
    at = data.find(_MARK, position)
    while at >= 0:
        frame = _message_at(data, at, salt)
        if frame is not None:
            # The varint before the message may be the damaged part: the length in the seal stands in for it.
            return _moved(frame, max(position, at - len(varint(frame.end - at))))
        at = data.find(_MARK, at + 1)
    return None


def claimed_frame(data: bytes) -> Frame | None:
    """What the first head of a frame in damaged bytes says, None when none makes sense. Nothing vouches for it."""
    message = data.find(_MARK)
    if message < 0:
        return None
    try:
        frame = _read_head(data, message)
    except (IndexError, struct.error, UnicodeDecodeError):
        return None
    is_plausible = frame.end <= len(data) and frame.body <= frame.end and frame.n_items <= frame.end - frame.body
    return frame if is_plausible and _PROJECT.fullmatch(frame.project) else None


def _message_at(data: bytes, message: int, salt: int) -> Frame | None:
    if not data.startswith(_MARK, message) or len(data) < message + _SEAL_LENGTH + 11:
        return None
    checksum, _, length, _ = _SEAL.unpack_from(data, message + _CHECKSUM_AT)
    end = message + length
    if end > len(data) or xxhash.xxh3_64_intdigest(memoryview(data)[message + _SEALED_AT : end], seed=salt) != checksum:
        return None
    return _read_head(data, message)


def _read_head(data: bytes, message: int) -> Frame:
    checksum, digest, length, n_items = _SEAL.unpack_from(data, message + _CHECKSUM_AT)
    _, received_at_ns = _RECEIVED.unpack_from(data, message + _SEAL_LENGTH)
    at = message + _SEAL_LENGTH + _RECEIVED.size
    at += _COUNT_LENGTH if data[at] == 0x25 else 0
    name = at + 2
    body = name + data[at + 1] + 1
    project = data[name : body - 1].decode()
    while data[body] & 128:
        body += 1
    return Frame(
        start=message,
        message=message,
        end=message + length,
        checksum=checksum,
        digest=digest,
        n_items=n_items,
        project=project,
        received_at_ns=received_at_ns,
        body=body + 1,
    )


def _moved(frame: Frame, start: int) -> Frame:
    return replace(frame, start=start)


def reframed(data: bytes, frames: list[Frame]) -> bytes:
    """Those frames again, one after another, each with a sound length in front."""
    parts: list[bytes | memoryview] = []
    view = memoryview(data)
    for frame in frames:
        parts.append(varint(frame.end - frame.message))
        parts.append(view[frame.message : frame.end])
    return b"".join(parts)
