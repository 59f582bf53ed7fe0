"""Segments that are stored and wait for their generations: one thread derives them, many at a time, and lets go of them.

A segment's file stays in the spool until then, so a crash in between repeats the INSERT, which its token makes a no-op, and derives again.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from driftline_collector.deriver import Deriver
from driftline_collector.segment import Segment
from driftline_collector.spool import Spool
from driftline_core.log import get_logger

_LOG = get_logger("collector")
_BATCH_ITEMS: Final = 40_000
_BATCH_BYTES: Final = 256 << 20
_SLACK: Final = timedelta(hours=1)
# A run has a price of its own, however few its spans: a pause this many times as long follows it, so that a trickle leaves the processor
# idle. The price is what the cheapest of the latest runs took.
_SHARE: Final = 3.0
_FORGET: Final = 1.1


@dataclass(slots=True, kw_only=True, eq=False)
class _Stored:
    segment: Segment
    spool: Spool
    signal: str
    since: datetime
    is_derived: bool = False


class DerivationQueue:
    """Takes stored segments of spans and log records; bounded by the spools, which hold their files.

    n_failed: spans that could not be derived whatever was tried; they are stored, and `driftline replay-mapping` tries again.
    """

    def __init__(
        self,
        deriver: Deriver,
        *,
        pause_max_s: float,
        retry_max_s: float,
        count_error: Callable[[], None] = lambda: None,
    ) -> None:
        """count_error: called for every run that failed and is tried again."""
        self._deriver = deriver
        self._count_error = count_error
        self._pause_max_s = pause_max_s
        self._retry_max_s = retry_max_s
        self._changed = threading.Condition()
        self._waiting: deque[_Stored] = deque()
        self._derived: deque[_Stored] = deque()  # what the spool has not let go of yet
        self._n_items = 0
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        self.n_derived = 0
        self.n_failed = 0
        self.last_error: str | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="deriver", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def n_waiting(self) -> int:
        """Items that are stored and not derived yet."""
        return self._n_items

    def put(self, segment: Segment, spool: Spool, signal: str) -> None:
        """A segment that is stored; it is removed from its spool when it is derived. Raises OSError."""
        since = datetime.fromtimestamp(segment.path.stat().st_mtime, UTC) - _SLACK
        with self._changed:
            self._waiting.append(_Stored(segment=segment, spool=spool, signal=signal, since=since))
            self._n_items += segment.n_items
            self._changed.notify_all()

    def stop(self, *, deadline_s: float) -> bool:
        """End after the run that is under way; True when it ended within deadline_s. What waits is derived after the next start."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(deadline_s)
        return not self.is_running

    def _run(self) -> None:
        pause_s = 0.1
        price_s = float("inf")
        while (batch := self._next()) is not None:
            started_s = time.monotonic()
            try:
                self._derive(batch)
                self._let_go()
            except Exception as error:  # noqa: BLE001 - the edge of the loop: what is stored must be derived
                self.last_error = f"{type(error).__name__}: {str(error)[:500]}"
                self._count_error()
                _LOG.warning(
                    "segments not derived or not let go of, will be tried again", error=self.last_error, pause_s=pause_s
                )
                with self._changed:
                    self._waiting.extendleft(one for one in reversed(batch) if not one.is_derived)
                    self._changed.wait_for(lambda: self._is_stopping, pause_s)
                pause_s = min(pause_s * 2, self._retry_max_s)
                continue
            self.last_error = None
            pause_s = 0.1
            price_s = min(price_s * _FORGET, time.monotonic() - started_s)
            with self._changed:
                self._rest(min(self._pause_max_s, _SHARE * price_s))

    def _next(self) -> list[_Stored] | None:
        """The segments of one signal that are derived together, oldest first; none when there are only files to let go of; None at the
        end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._derived or self._is_stopping)
            if self._is_stopping:
                return None
            if not self._waiting:
                return []
            batch = [self._waiting.popleft()]
            n_items, n_bytes = batch[0].segment.n_items, batch[0].segment.n_bytes
            while self._waiting and self._waiting[0].signal == batch[0].signal:
                n_items += self._waiting[0].segment.n_items
                n_bytes += self._waiting[0].segment.n_bytes
                if n_items > _BATCH_ITEMS or n_bytes > _BATCH_BYTES:
                    break
                batch.append(self._waiting.popleft())
            return batch

    def _rest(self, pause_s: float) -> None:
        """Wait for more to share the next run; not when much waits already, or somebody waits for it. Caller holds _changed."""
        deadline = time.monotonic() + pause_s
        while not self._is_stopping and (left_s := deadline - time.monotonic()) > 0:
            if sum(one.segment.n_items for one in self._waiting) >= _BATCH_ITEMS:
                return
            if any(one.spool.is_draining for one in self._waiting):
                return
            self._changed.wait(min(left_s, 0.1))

    def _derive(self, batch: Sequence[_Stored]) -> None:
        """Derive them together. Raises InsertFailed, StoreError when the store is at fault."""
        if not batch:
            return
        run = self._deriver.spans if batch[0].signal == "traces" else self._deriver.logs
        derived = run([one.segment.token for one in batch], since=min(one.since for one in batch))
        self.n_derived += derived.n_spans - derived.n_failed
        self.n_failed += derived.n_failed
        for one in batch:
            one.is_derived = True
            self._derived.append(one)

    def _let_go(self) -> None:
        """Remove the files of what is derived. Raises OSError; what is left is tried again."""
        while self._derived:
            one = self._derived[0]
            one.spool.remove(one.segment)
            self._derived.popleft()
            with self._changed:
                self._n_items -= one.segment.n_items
