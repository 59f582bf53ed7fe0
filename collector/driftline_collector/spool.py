"""The spool: what was acknowledged and is not in the store yet. Append-only segments, checksummed, bounded, shared fsync.

One writer thread takes every request that waits, writes them with one writev, makes them durable with one fdatasync and then
settles them all (group commit). The loader asks for segments; a segment closes when it is full, or when the loader is free and it
is linger_s old, so that INSERTs grow with the load by themselves.
"""

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from driftline_collector.acknowledgement import AckSink, KeptCounter, Pending, settle_all, uncounted
from driftline_collector.digests import DigestMemory
from driftline_collector.envelope import frame_head
from driftline_collector.errors import Busy, RequestRefused
from driftline_collector.segment import Recovered, Segment, SegmentWriter, recover, require_space, splits_path
from driftline_collector.tally import Tally
from driftline_core.errors import StoreError
from driftline_core.log import get_logger

_LOG = get_logger("collector")
_GROUP_REQUESTS: Final = 512


class Spool:
    """Appends, hands segments to loaders, knows what it holds. Thread-safe.

    folder: its own directory, locked against a second process. Raises StoreError when it is in use or cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        segment_max_bytes: int,
        linger_s: float,
        linger_max_s: float = 0.0,
        dedup_window_s: int = 900,
        dedup_max_bodies: int = 1_000_000,
        min_free_bytes: int = 0,
        wall_s: Callable[[], float] = time.time,
        count_kept: KeptCounter = uncounted,
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_max_bytes = segment_max_bytes
        self._linger_s = self._linger_min_s = linger_s
        self._linger_max_s = linger_max_s
        self._min_free_bytes = min_free_bytes
        self._wall_s = wall_s
        self._count_kept = count_kept
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock_fd = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._lock_fd)
                raise StoreError(f"expected the spool {folder} to be free, got one that another process uses") from None
            self._digests = DigestMemory(folder / "digests", window_s=dedup_window_s, max_bodies=dedup_max_bodies)
        except OSError as error:
            raise StoreError(f"cannot open the spool {folder}: {error}") from error
        self._saving = threading.Lock()
        self._changed = threading.Condition()
        # All below is guarded by _changed; the writer alone touches _writer's file.
        self._waiting: deque[Pending] = deque()
        self._in_flight: dict[bytes, Pending] = {}
        self._writer: SegmentWriter | None = None
        self._closed: deque[Segment] = deque()
        self._loading: dict[int, Segment] = {}
        self._next_number = 1
        self._n_bytes = 0
        self._tally = Tally()
        self._n_appended = 0
        self._writing_from: int | None = None  # sequence of the first request that the writer has in hand
        self._is_rotation_due = False
        self._n_draining = 0
        self._is_stopping = False
        self._disk_error: str | None = None
        self._thread: threading.Thread | None = None

    def recover(self, *, bury: Callable[[str, bytes], None]) -> list[Recovered]:
        """Take up what an earlier process left; damaged bytes are buried under a name. Call once, before start. Raises OSError."""
        now_s = self._wall_s()
        self._digests.load(now_s=now_s)
        recovered = []
        for draft in self._folder.glob("*.repair"):
            draft.unlink()
        for splits in self._folder.glob("*.splits"):
            if not splits.with_suffix(".pb").exists():
                splits.unlink()
        for path in sorted(self._folder.glob("*.pb")):
            segment = Segment.named(path)
            if segment is None:
                continue
            found = recover(segment, bury=bury)
            recovered.append(found)
            self._next_number = max(self._next_number, segment.number + 1)
            if not segment.n_bytes:
                path.unlink()
                continue
            segment.opened_at_s = time.monotonic()
            self._digests.remember(segment.digests, now_s=now_s)
            self._n_bytes += segment.n_bytes
            self._tally.plus(segment.tally)
            self._closed.append(segment)
        return recovered

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="spool-writer", daemon=True)
        self._thread.start()

    def append(self, *, project: str, digest: bytes, body: bytes, n_items: int, sink: AckSink, waiter: Any) -> bool:
        """Keep one request. False: it will be settled through the sink; True: it was kept before, acknowledge it now.

        Raises Busy when the spool is full or stopping, RequestRefused when it could not take the request were it empty.
        """
        with self._changed:
            if self._is_stopping:
                raise Busy("the collector is stopping", reason="stopping", is_full=False)
            known = self._in_flight.get(digest)
            if known is not None:
                known.waiters.append((sink, waiter))
                return False
            if self._digests.knows(digest):
                return True
            if len(body) > self._max_bytes:
                raise RequestRefused(
                    f"expected at most {self._max_bytes} bytes, all that the spool may hold, got {len(body)}; send smaller batches",
                    reason="too_large",
                )
            if self._n_bytes + len(body) > self._max_bytes:
                raise Busy(
                    f"the spool is full: it holds {self._n_bytes} of at most {self._max_bytes} bytes until the store catches up",
                    reason="spool_full",
                    is_full=True,
                )
            self._n_appended += 1
            request = Pending(
                project=project,
                digest=digest,
                body=body,
                received_at_ns=time.time_ns(),
                n_items=n_items,
                sequence=self._n_appended,
                waiters=[(sink, waiter)],
            )
            self._in_flight[digest] = request
            self._waiting.append(request)
            self._n_bytes += len(body)
            self._changed.notify_all()
        return False

    def take(self, *, timeout_s: float) -> Segment | None:
        """The next segment to load, oldest first; None when none is ready within timeout_s. Give it back or remove it."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                if self._closed:
                    segment = self._closed.popleft()
                    self._loading[segment.number] = segment
                    return segment
                now = time.monotonic()
                wake_at = deadline
                if self._writer is not None and self._writer.segment.n_bytes > 0:
                    due = self._writer.segment.opened_at_s + self._linger_s
                    if now >= due or self._n_draining or self._is_stopping:
                        if self._writing_from is None:
                            self._rotate()
                            continue
                        self._is_rotation_due = True  # the writer does it as soon as its group is durable
                    else:
                        wake_at = min(wake_at, due)
                if now >= deadline:
                    return None
                self._changed.wait(wake_at - now)

    def pace(self, insert_s: float) -> None:
        """An INSERT took this long: let the next segment gather for four times that, within the limits.

        An INSERT has a cost of its own, however few its items: the engine plans the views anew. A trickle must not keep a core busy
        with it. Under load segments close because they are full, or have waited longer than this while the loaders worked.
        """
        with self._changed:
            self._linger_s = max(self._linger_min_s, min(self._linger_max_s, 4 * insert_s))

    def give_back(self, segment: Segment) -> None:
        """A taken segment that could not be loaded now: it stays the next in its place."""
        with self._changed:
            self._loading.pop(segment.number, None)
            self._closed.appendleft(segment)
            self._changed.notify_all()

    def remove(self, segment: Segment) -> None:
        """A taken segment whose every request is in the store or a dead letter. Raises OSError; then it stays taken."""
        with self._saving:
            self._digests.save(segment.digests, now_s=self._wall_s())
        segment.path.unlink(missing_ok=True)
        splits_path(segment).unlink(missing_ok=True)
        with self._changed:
            self._loading.pop(segment.number, None)
            self._n_bytes -= segment.n_bytes
            if not segment.is_stored:
                self._tally.minus(segment.tally)
            self._changed.notify_all()

    def mark_stored(self, segment: Segment) -> None:
        """Every request of a taken segment is in the store or a dead letter: it no longer waits, though its file is kept for now."""
        with self._changed:
            if not segment.is_stored:
                segment.is_stored = True
                self._tally.minus(segment.tally)

    @property
    def is_draining(self) -> bool:
        """Somebody waits until all that was appended has been removed."""
        return self._n_draining > 0

    def drain(self, *, timeout_s: float) -> bool:
        """Wait until all that was appended before this call has been removed; True when it was in time."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            last = self._n_appended
            self._n_draining += 1
            try:
                while self._oldest_sequence() <= last:
                    self._changed.notify_all()
                    remaining = deadline - time.monotonic()
                    if remaining <= 0:
                        return False
                    self._changed.wait(min(remaining, 0.5))
                return True
            finally:
                self._n_draining -= 1

    @property
    def n_bytes(self) -> int:
        """Bytes that were accepted and not removed yet."""
        with self._changed:
            return self._n_bytes

    def waiting(self) -> dict[tuple[str, int], tuple[int, int]]:
        """What is durable and was not removed yet: (project, minute of receipt in unix seconds) -> (requests, items)."""
        with self._changed:
            return self._tally.copy()

    @property
    def disk_error(self) -> str | None:
        """Why the last write failed, None when it succeeded."""
        return self._disk_error

    def oldest_age_s(self) -> float:
        """Seconds since the oldest request that is not in the store was written; 0 when there is none."""
        with self._changed:
            opened = [segment.opened_at_s for segment in (*self._closed, *self._loading.values())]
            if self._writer is not None and self._writer.segment.n_bytes:
                opened.append(self._writer.segment.opened_at_s)
            return max(0.0, time.monotonic() - min(opened)) if opened else 0.0

    def stop(self, *, deadline_s: float) -> None:
        """Write what waits, refuse what comes. Segments may still be taken, loaded and removed until close."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(deadline_s)

    def close(self) -> None:
        """Let go of the files; what was not loaded waits for the next process."""
        with self._changed:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            if self._lock_fd >= 0:
                os.close(self._lock_fd)
                self._lock_fd = -1

    def _oldest_sequence(self) -> int:
        """Of all requests that are not in the store; one more than the newest when there is none. Caller holds _changed."""
        oldest = [segment.first_sequence for segment in (*self._closed, *self._loading.values())]
        if self._writer is not None and self._writer.segment.n_bytes:
            oldest.append(self._writer.segment.first_sequence)
        if self._writing_from is not None:
            oldest.append(self._writing_from)
        if self._waiting:
            oldest.append(self._waiting[0].sequence)
        return min(oldest, default=self._n_appended + 1)

    def _rotate(self) -> None:
        """Close the open segment for the loader. Caller holds _changed, and the writer is not writing."""
        if self._writer is None:
            return
        self._writer.close()
        self._closed.append(self._writer.segment)
        self._writer = None
        self._is_rotation_due = False

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._is_stopping:
                    self._changed.wait()
                if not self._waiting:
                    return
                group: list[Pending] = []
                n_bytes = 0
                while self._waiting and len(group) < _GROUP_REQUESTS and n_bytes < self._segment_max_bytes:
                    request = self._waiting.popleft()
                    n_bytes += len(request.body)
                    group.append(request)
                self._writing_from = group[0].sequence
            error: Busy | None = None
            try:
                n_written = self._write(group)
            except OSError as failure:
                n_written = 0
                error = Busy(f"the spool cannot be written: {failure.strerror}", reason="spool_error", is_full=False)
                _LOG.error("spool write failed", error=str(failure), n_requests=len(group))
            except Exception:  # noqa: BLE001 - the edge of the loop: without its writer the spool would answer nobody any more
                n_written = 0
                error = Busy("the spool cannot be written: internal error", reason="spool_error", is_full=False)
                _LOG.exception("spool write failed unexpectedly")
            with self._changed:
                self._writing_from = None
                self._disk_error = None if error is None else str(error)
                self._n_bytes += n_written - n_bytes
                for request in group:
                    del self._in_flight[request.digest]
                if error is None:
                    self._digests.remember([request.digest for request in group], now_s=self._wall_s())
                    for request in group:
                        self._tally.add(request.project, request.received_at_ns, request.n_items)
                        self._count_kept(
                            request.project,
                            received_at_ns=request.received_at_ns,
                            n_items=request.n_items,
                            n_duplicates=len(request.waiters) - 1,
                        )
                if self._writer is not None and (
                    self._is_rotation_due or self._writer.segment.n_bytes >= self._segment_max_bytes
                ):
                    self._rotate()
                self._changed.notify_all()
            settle_all([waiter for request in group for waiter in request.waiters], error)

    def _write(self, group: list[Pending]) -> int:
        """Append the group to the open segment, durably; returns its bytes there. Raises OSError and leaves no trace of it."""
        require_space(self._folder, sum(len(request.body) for request in group) + self._min_free_bytes)
        if self._writer is None:
            segment = Segment.new(self._folder, self._next_number)
            self._next_number += 1
            segment.opened_at_s = time.monotonic()
            self._writer = SegmentWriter(segment)
        writer = self._writer
        segment = writer.segment
        parts: list[bytes] = []
        for request in group:
            head = frame_head(
                project=request.project,
                received_at_ns=request.received_at_ns,
                digest=request.digest,
                n_items=request.n_items,
                body=request.body,
                salt=segment.salt,
            )
            parts += (head, request.body)
        try:
            writer.append(parts)
        except BaseException:
            self._abandon(writer)
            raise
        n_bytes = sum(map(len, parts))
        if not segment.n_bytes:
            segment.first_sequence = group[0].sequence
        segment.n_bytes += n_bytes
        for request in group:
            segment.tally.add(request.project, request.received_at_ns, request.n_items)
        segment.digests += [request.digest for request in group]
        return n_bytes

    def _abandon(self, writer: SegmentWriter) -> None:
        """After a failed append: cut off what it wrote and never append to that file again (its pages cannot be trusted)."""
        segment = writer.segment
        try:
            writer.undo(segment.n_bytes)
        except OSError as failure:
            _LOG.error("spool segment could not be cut back", error=str(failure), segment=segment.token)
        with self._changed:
            writer.close()
            self._writer = None
            if segment.n_bytes:
                self._closed.append(segment)
            else:
                segment.path.unlink(missing_ok=True)
