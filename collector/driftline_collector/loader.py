"""The loader: segments of the spool become rows, each segment one INSERT of one block under a token of its own."""

import threading
import time
from collections.abc import Callable
from typing import Final

from driftline_collector.deadletter import DeadLetters
from driftline_collector.envelope import Frame
from driftline_collector.insert import InsertFailed, SegmentInsert
from driftline_collector.ledger import Ledger
from driftline_collector.parted import PartedLoad
from driftline_collector.schemas import Schema
from driftline_collector.segment import Segment
from driftline_collector.splits import SplitJournal
from driftline_collector.spool import Spool
from driftline_collector.tally import Tally
from driftline_core.errors import StoreError
from driftline_core.log import get_logger
from driftline_core.store import Store

_LOG = get_logger("collector")
_POLL_S: Final = 0.5


class Loader:
    """Threads that take segments, insert them, and hand them on once every request is in the store or a dead letter.

    on_stored: what becomes of a segment then; it is removed from the spool there, at once or later.

    A store that is away or overloaded is retried for ever, with growing pauses; only a request that fails alone while it is the
    data's fault, or while its neighbours succeed, is dead-lettered.
    """

    def __init__(
        self,
        spool: Spool,
        store: Store,
        dead_letters: DeadLetters,
        ledger: Ledger,
        *,
        schema: Schema,
        on_stored: Callable[[Segment], None],
        n_threads: int,
        retry_max_s: float,
    ) -> None:
        self._spool = spool
        self._dead_letters = dead_letters
        self._ledger = ledger
        self._signal = schema.signal
        self._insert = SegmentInsert(store, schema)
        self._on_stored = on_stored
        self._retry_max_s = retry_max_s
        self._n_threads = n_threads
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.last_error: str | None = None

    def start(self) -> None:
        self._threads = [
            threading.Thread(target=self._run, name=f"loader-{self._signal}-{number}", daemon=True)
            for number in range(self._n_threads)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, *, deadline_s: float) -> bool:
        """End after the INSERTs that run now; True when they ended within deadline_s."""
        self._stopping.set()
        deadline = time.monotonic() + deadline_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def is_running(self) -> bool:
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        pause_s = 0.1
        while not self._stopping.is_set():
            segment = self._spool.take(timeout_s=_POLL_S)
            if segment is None:
                continue
            started_s = time.monotonic()
            try:
                if not segment.is_stored:
                    self._load(segment)
                self._spool.pace(time.monotonic() - started_s)
                self._spool.mark_stored(segment)
                self._on_stored(segment)
            except (StoreError, InsertFailed, OSError) as error:
                self._failed(segment, error, pause_s)
            except Exception as error:  # noqa: BLE001 - the edge of the loop: what is acknowledged must be tried again
                _LOG.exception("loader failed unexpectedly")
                self._failed(segment, error, pause_s)
            else:
                self.last_error = None
                pause_s = 0.1
                continue
            self._stopping.wait(pause_s)
            pause_s = min(pause_s * 2, self._retry_max_s)

    def _failed(self, segment: Segment, error: Exception, pause_s: float) -> None:
        self.last_error = f"{type(error).__name__}: {str(error)[:500]}"
        self._ledger.count_load_error()
        _LOG.warning(
            "segment not loaded, will be tried again", segment=segment.token, error=self.last_error, pause_s=pause_s
        )
        self._spool.give_back(segment)

    def _load(self, segment: Segment) -> None:
        """Store or dead-letter every request of the segment. Raises InsertFailed, StoreError, OSError to be tried again."""
        journal = SplitJournal(segment)
        if not journal.exists():
            try:
                self._insert.whole(segment)
            except InsertFailed as failure:
                if failure.is_environment:
                    raise
                _LOG.warning(
                    "segment refused by the store, looking for the request", code=failure.code, segment=segment.token
                )
            else:
                self._ledger.count_stored(self._signal, segment.tally)
                return
        result = PartedLoad(segment, journal, self._insert).run()
        refusals = [refusal for _, refusal in result.refused]
        for refusal in refusals:
            if refusal.is_memory or not (refusal.is_data or result.stored):
                raise refusal  # when nothing of a segment can be stored it is more likely the store's fault than each request's
        for frame, refusal in result.refused:
            self._bury(segment, result.data, frame, refusal)
        # Counted once all are safe: a letter that cannot be written sends the whole segment round again.
        for frame, _ in result.refused:
            self._ledger.count_dead_lettered(self._signal, frame.project, n_items=frame.n_items)
        self._ledger.count_stored(self._signal, Tally.of(result.stored))

    def _bury(self, segment: Segment, data: bytes, frame: Frame, refusal: InsertFailed) -> None:
        self._dead_letters.put(
            f"{segment.token}-{frame.start}",
            data[frame.body : frame.end],
            frame,
            signal=self._signal,
            reason="unreadable by the store",
            detail=str(refusal)[:2000],
        )
