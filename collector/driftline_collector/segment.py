"""One file of the spool: frames one after another, appended and made durable by one thread."""

import errno
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from driftline_collector.envelope import Frame, is_beginning, read_frames, reframed
from driftline_collector.tally import Tally

_SUFFIX = ".pb"
_MAX_IOVECS = 1024


@dataclass(slots=True, kw_only=True)
class Segment:
    """A segment's file and what is known of it. number orders segments; salt seeds its checksums; digests in order of frames.

    tally: its requests and items. is_stored: they are in the store or dead letters, and it waits for its generations.
    opened_at_s: monotonic seconds. first_sequence: place of its first request among all of this process, 0 from an earlier one.

    The file's name never changes, so the deduplication token made of it is the same after a crash.
    """

    path: Path
    number: int
    salt: int
    n_bytes: int = 0
    tally: Tally = field(default_factory=Tally)
    digests: list[bytes]
    opened_at_s: float = 0.0
    first_sequence: int = 0
    is_stored: bool = False

    @property
    def n_items(self) -> int:
        return self.tally.n_items

    @property
    def token(self) -> str:
        return self.path.stem

    @classmethod
    def new(cls, folder: Path, number: int) -> "Segment":
        """A name never used before."""
        salt = secrets.randbits(64)
        return cls(path=folder / f"{number:016d}-{salt:016x}{_SUFFIX}", number=number, salt=salt, digests=[])

    @classmethod
    def named(cls, path: Path) -> "Segment | None":
        """The segment that this file name says, None when it says none."""
        number, _, salt = path.name.removesuffix(_SUFFIX).partition("-")
        if not path.name.endswith(_SUFFIX) or not number.isdigit() or len(salt) != 16:
            return None
        try:
            return cls(path=path, number=int(number), salt=int(salt, 16), digests=[])
        except ValueError:
            return None

    def read(self) -> tuple[bytes, list[Frame]]:
        """Its bytes and its sound frames."""
        data = self.path.read_bytes()
        return data, [part for part in read_frames(data, salt=self.salt) if isinstance(part, Frame)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What a segment left by an earlier process held. n_damaged: stretches of bytes that were frames once and fail their checksum."""

    segment: Segment
    n_damaged: int
    n_torn_bytes: int


def recover(segment: Segment, *, bury: Callable[[str, bytes], None]) -> Recovered:
    """Make a left segment hold sound frames only: a torn tail is cut off, damaged frames are buried (name, bytes) and taken out."""
    data = segment.path.read_bytes()
    frames: list[Frame] = []
    n_damaged = 0
    torn = 0
    for part in read_frames(data, salt=segment.salt):
        if isinstance(part, Frame):
            frames.append(part)
        elif part.is_tail and _is_torn(data[part.start :]):
            torn = part.end - part.start
        else:
            bury(f"{segment.token}-{part.start}-damaged", data[part.start : part.end])
            n_damaged += 1
    # A flipped length leaves a gap of nothing but the bad varint, or shifts where a frame begins: any difference is rewritten.
    sound = reframed(data, frames)
    if n_damaged or sound != data[: len(data) - torn]:
        replacement = segment.path.with_suffix(".repair")
        with replacement.open("wb") as file:
            file.write(sound)
            file.flush()
            os.fsync(file.fileno())
        replacement.replace(segment.path)
        sync_directory(segment.path.parent)
    elif torn:
        with segment.path.open("r+b") as file:
            file.truncate(len(sound))
            os.fsync(file.fileno())
    segment.n_bytes = len(sound)
    segment.tally = Tally.of(frames)
    segment.digests = [frame.digest for frame in frames]
    return Recovered(segment=segment, n_damaged=n_damaged, n_torn_bytes=torn)


def _is_torn(tail: bytes) -> bool:
    """Whether the last bytes are what a write that was cut off leaves, which was never acknowledged: a beginning, or pages of zeros
    that were allocated and not written. Anything else was a frame once, and damaged later."""
    return is_beginning(tail) or not any(tail)


class SegmentWriter:
    """Appends to one new segment. Not thread-safe: one writer thread owns it."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self._fd = os.open(segment.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            sync_directory(segment.path.parent)
        except OSError:
            os.close(self._fd)
            raise

    def append(self, parts: Sequence[bytes]) -> None:
        """Write and make durable. Raises OSError; then the file may hold part of it: see undo."""
        for first in range(0, len(parts), _MAX_IOVECS):
            group = parts[first : first + _MAX_IOVECS]
            wanted = sum(map(len, group))
            written = os.writev(self._fd, group)
            if written < wanted:
                rest = memoryview(b"".join(group))
                while written < wanted:
                    written += os.write(self._fd, rest[written:])
        os.fdatasync(self._fd)

    def undo(self, n_bytes: int) -> None:
        """Cut the file back to n_bytes, its length when the last append succeeded. Raises OSError."""
        os.ftruncate(self._fd, n_bytes)
        os.fdatasync(self._fd)

    def close(self) -> None:
        os.close(self._fd)


def require_space(folder: Path, n_bytes: int) -> None:
    """Raises OSError when its disk has less than that free: without room for digests, dead letters and the store's own INSERTs a
    spool that filled its disk could never drain again."""
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    if free < n_bytes:
        told = f"{free} bytes are free, {n_bytes} are wanted with what is kept for the store and dead letters"
        raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}: {told}")


def splits_path(segment: Segment) -> Path:
    """Where it is noted how the segment was split, if it was."""
    return segment.path.with_suffix(".splits")


def sync_directory(folder: Path) -> None:
    """Make names created or renamed in the folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
