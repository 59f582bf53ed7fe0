"""A signal's own way through the collector: a spool and a loader that no other signal can hold up."""

import fcntl
import os
from pathlib import Path

from driftline_collector.deadletter import DeadLetters
from driftline_collector.derivation_queue import DerivationQueue
from driftline_collector.ledger import Ledger
from driftline_collector.loader import Loader
from driftline_collector.schemas import SCHEMAS
from driftline_collector.segment import Recovered, Segment, sync_directory
from driftline_collector.settings import CollectorSettings
from driftline_collector.signals import Signal
from driftline_collector.spool import Spool
from driftline_core.errors import StoreError
from driftline_core.log import get_logger
from driftline_core.store import Store

_LOG = get_logger("collector")


class Lane:
    """One signal's spool and loader. Raises StoreError when the spool is in use or cannot be opened."""

    def __init__(self, signal: Signal, folder: Path, settings: CollectorSettings, ledger: Ledger) -> None:
        self.signal = signal
        self._settings = settings
        self._ledger = ledger

        def count_kept(project: str, *, received_at_ns: int, n_items: int, n_duplicates: int) -> None:
            ledger.count_kept(
                signal.name, project, received_at_ns=received_at_ns, n_items=n_items, n_duplicates=n_duplicates
            )

        self.spool = Spool(
            folder / signal.name,
            max_bytes=settings.spool_max_bytes,
            segment_max_bytes=settings.segment_max_bytes,
            linger_s=settings.linger_s,
            linger_max_s=settings.linger_max_s,
            dedup_window_s=settings.dedup_window_s,
            dedup_max_bodies=settings.dedup_max_bodies,
            min_free_bytes=settings.spool_min_free_bytes,
            count_kept=count_kept,
        )
        self.loader: Loader | None = None

    def recover(self, dead_letters: DeadLetters) -> None:
        """Take up what an earlier process left. Raises OSError, StoreError."""
        name = self.signal.name

        def bury(file: str, data: bytes) -> None:
            project, n_items = dead_letters.put_damaged(file, data, signal=name)
            self._ledger.count_dead_lettered(name, project, n_items=n_items)

        for recovered in self.spool.recover(bury=bury):
            self._take_up(recovered)

    def start(self, store: Store, dead_letters: DeadLetters, derivations: DerivationQueue) -> None:
        """derivations: where stored spans and log records go on to."""

        def derive(segment: Segment) -> None:
            derivations.put(segment, self.spool, self.signal.name)

        self.spool.start()
        self.loader = Loader(
            self.spool,
            store,
            dead_letters,
            self._ledger,
            schema=SCHEMAS[self.signal.name],
            on_stored=self.spool.remove if self.signal.name == "metrics" else derive,
            n_threads=self._settings.loader_threads if self.signal.name == "traces" else 1,
            retry_max_s=self._settings.load_retry_max_s,
        )
        self.loader.start()

    def complaint(self) -> str:
        """What is wrong, '' when nothing is."""
        if self.loader is None or not self.loader.is_running:
            return f"the loader of {self.signal.name} ended"
        if self.spool.disk_error is not None:
            return self.spool.disk_error
        if self.loader.last_error is not None:
            return f"the store refuses what was acknowledged: {self.loader.last_error}"
        return ""

    def _take_up(self, recovered: Recovered) -> None:
        segment = recovered.segment
        self._ledger.count_recovered(self.signal.name, segment.tally)
        if recovered.n_torn_bytes:
            _LOG.warning(
                "torn tail cut off, it was never acknowledged", segment=segment.token, n_bytes=recovered.n_torn_bytes
            )


def take_over_earlier(folder: Path) -> None:
    """Move what a version that knew traces alone left in the spool's folder to where traces are now. Raises OSError, StoreError."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "lock"
    if not lock.exists():
        return
    fd = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"expected the spool {folder} to be free, got one that another process uses") from None
        traces = folder / "traces"
        traces.mkdir(exist_ok=True)
        # Digests first, the lock last: a crash in between leaves what is done again at the next start.
        for path in (*sorted(folder.glob("digests/*.digests")), *folder.glob("*.splits"), *folder.glob("*.pb")):
            target = traces / path.relative_to(folder)
            target.parent.mkdir(exist_ok=True)
            path.replace(target)
        sync_directory(traces)
        lock.unlink()
        sync_directory(folder)
    finally:
        os.close(fd)
