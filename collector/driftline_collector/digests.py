"""Which requests were kept already: an exporter that lost our answer sends the same bytes again, and they must not count twice."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_BUCKET_S: Final = 60
_DIGEST_BYTES: Final = 16


class DigestMemory:
    """Digests of the last window_s seconds, bounded by max_bodies, in a set a minute; the oldest minute is forgotten first.

    In memory for what was acknowledged; `save` puts those whose segment leaves the spool into one file a minute, so that a new
    process knows them too (it reads the rest from the spool). The caller holds a lock around remember, knows and forget_old.
    """

    def __init__(self, folder: Path, *, window_s: int, max_bodies: int) -> None:
        self._folder = folder
        self._window_s = window_s
        self._max_bodies = max_bodies
        self._buckets: dict[int, set[bytes]] = {}
        self._n_bodies = 0
        folder.mkdir(parents=True, exist_ok=True)

    def __len__(self) -> int:
        return self._n_bodies

    def knows(self, digest: bytes) -> bool:
        """Whether a request of this digest was remembered within the window."""
        return any(digest in bucket for bucket in self._buckets.values())

    def remember(self, digests: Sequence[bytes], *, now_s: float) -> None:
        minute = int(now_s) // _BUCKET_S
        bucket = self._buckets.get(minute)
        if bucket is None:
            bucket = self._buckets[minute] = set()
            self._forget_old(minute)
        before = len(bucket)
        bucket.update(digests)
        self._n_bodies += len(bucket) - before
        while self._n_bodies > self._max_bodies and len(self._buckets) > 1:
            self._drop(min(self._buckets))

    def load(self, *, now_s: float) -> None:
        """Read what an earlier process saved; files older than the window go."""
        oldest = (int(now_s) - self._window_s) // _BUCKET_S
        for path in sorted(self._folder.glob("*.digests")):
            minute = int(path.stem) if path.stem.isdigit() else -1
            if minute < oldest:
                path.unlink(missing_ok=True)
                continue
            data = path.read_bytes()
            whole = len(data) - len(data) % _DIGEST_BYTES
            digests = [data[at : at + _DIGEST_BYTES] for at in range(0, whole, _DIGEST_BYTES)]
            self.remember(digests, now_s=minute * _BUCKET_S)

    def save(self, digests: Sequence[bytes], *, now_s: float) -> None:
        """Make these outlive the process, and remove files that have aged out. One caller at a time. Raises OSError."""
        minute = int(now_s) // _BUCKET_S
        path = self._folder / f"{minute}.digests"
        is_new = not path.exists()
        fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            # A crash may have left part of a digest: start at the last whole one.
            os.lseek(fd, os.fstat(fd).st_size // _DIGEST_BYTES * _DIGEST_BYTES, os.SEEK_SET)
            view = memoryview(b"".join(digests))
            while view:
                view = view[os.write(fd, view) :]
            os.fdatasync(fd)
        finally:
            os.close(fd)
        if is_new:
            oldest = (int(now_s) - self._window_s) // _BUCKET_S
            for other in self._folder.glob("*.digests"):
                if other.stem.isdigit() and int(other.stem) < oldest:
                    other.unlink(missing_ok=True)

    def _forget_old(self, minute: int) -> None:
        oldest = minute - self._window_s // _BUCKET_S - 1
        for other in [known for known in self._buckets if known < oldest]:
            self._drop(other)

    def _drop(self, minute: int) -> None:
        self._n_bodies -= len(self._buckets.pop(minute))
