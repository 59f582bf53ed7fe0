"""The collector as one service: receivers in front, the spool between, the loader behind."""

import time
from pathlib import Path

from driftline_collector.deadletter import DeadLetters
from driftline_collector.grpc_receiver import GrpcReceiver
from driftline_collector.http_receiver import HttpReceiver
from driftline_collector.intake import Intake
from driftline_collector.ledger import CollectorStats, Ledger
from driftline_collector.loader import Loader
from driftline_collector.segment import Recovered
from driftline_collector.settings import CollectorSettings
from driftline_collector.spool import Spool
from driftline_collector.views import ensure_ingest
from driftline_core.errors import StoreError
from driftline_core.log import get_logger
from driftline_core.service import Health
from driftline_core.store import Store

_LOG = get_logger("collector")


class Collector:
    """Takes OTLP traces in, keeps what it acknowledged, puts it into the store. A `driftline_core.Service`.

    http_port, grpc_port: what it listens on, known after start. The store must be migrated.
    """

    name = "collector"

    def __init__(self, settings: CollectorSettings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._folder = settings.spool_path or default_spool(store)
        self._ledger = Ledger()
        self._spool: Spool | None = None
        self._loader: Loader | None = None
        self._dead_letters: DeadLetters | None = None
        self._http: HttpReceiver | None = None
        self._grpc: GrpcReceiver | None = None
        self._is_stopped = False

    @property
    def http_port(self) -> int:
        return self._http.port if self._http is not None else self._settings.http_port

    @property
    def grpc_port(self) -> int:
        return self._grpc.port if self._grpc is not None else self._settings.grpc_port

    def start(self) -> None:
        """Recover the spool, then load and listen. Raises StoreError when the spool is in use or a port is taken."""
        ensure_ingest(self._store)
        settings = self._settings
        spool = self._spool = Spool(
            self._folder,
            max_bytes=settings.spool_max_bytes,
            segment_max_bytes=settings.segment_max_bytes,
            linger_s=settings.linger_s,
            linger_max_s=settings.linger_max_s,
            dedup_window_s=settings.dedup_window_s,
            dedup_max_bodies=settings.dedup_max_bodies,
            min_free_bytes=settings.spool_min_free_bytes,
        )
        try:
            dead_letters = self._dead_letters = DeadLetters(self._folder / "dead-letters")
            for recovered in spool.recover(bury=dead_letters.put_damaged):
                self._take_up(recovered)
            spool.start()
            self._loader = Loader(
                spool,
                self._store,
                dead_letters,
                self._ledger,
                n_threads=settings.loader_threads,
                retry_max_s=settings.load_retry_max_s,
            )
            self._loader.start()
            intake = Intake(spool, self._ledger)
            self._http = HttpReceiver(settings, intake)
            self._http.start()
            self._grpc = GrpcReceiver(settings, intake)
            self._grpc.start()
        except (OSError, StoreError) as error:
            self.stop(deadline_s=5.0)
            raise (
                error if isinstance(error, StoreError) else StoreError(f"cannot open the spool {self._folder}: {error}")
            ) from error
        _LOG.info("collector listens", http_port=self.http_port, grpc_port=self.grpc_port, spool=str(self._folder))

    def stop(self, *, deadline_s: float) -> None:
        """Refuse what comes, write what waits, load what there is time for; the rest waits in the spool for the next start."""
        if self._is_stopped:
            return
        self._is_stopped = True
        deadline = time.monotonic() + deadline_s

        def left_s() -> float:
            return max(0.0, deadline - time.monotonic())

        if self._http is not None:
            self._http.stop(deadline_s=min(left_s(), 5.0))
        if self._grpc is not None:
            self._grpc.stop(deadline_s=min(left_s(), 5.0))
        if self._spool is None:
            return
        self._spool.stop(deadline_s=max(1.0, left_s()))
        if self._loader is not None:
            is_empty = self._spool.drain(timeout_s=left_s())
            if not is_empty:
                _LOG.warning("spool not empty at stop, it waits for the next start", spool_bytes=self._spool.n_bytes)
            if not self._loader.stop(deadline_s=max(1.0, left_s())):
                _LOG.warning("loader did not stop in time", deadline_s=deadline_s)
        self._spool.close()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that was acknowledged before this call can be queried; True when it was within timeout_s seconds."""
        if self._spool is None:
            return True
        return self._spool.drain(timeout_s=timeout_s)

    def health(self) -> Health:
        """Not ok when it does not run, the disk refuses writes, or the store refuses what is loaded."""
        if self._spool is None or self._loader is None or self._http is None or self._is_stopped:
            return Health(is_ok=False, detail="not running")
        if not self._http.is_running:
            return Health(is_ok=False, detail="the OTLP/HTTP receiver ended")
        if not self._loader.is_running:
            return Health(is_ok=False, detail="the loader ended")
        if self._spool.disk_error is not None:
            return Health(is_ok=False, detail=self._spool.disk_error)
        if self._loader.last_error is not None:
            return Health(is_ok=False, detail=f"the store refuses what was acknowledged: {self._loader.last_error}")
        return Health(is_ok=True)

    def stats(self) -> CollectorStats:
        """What became of every request and span since the start, and how the spool stands."""
        spool = self._spool
        dead_letters, dead_letters_bytes = self._dead_letters.usage() if self._dead_letters is not None else (0, 0)
        return self._ledger.stats(
            spool_bytes=spool.n_bytes if spool is not None else 0,
            spool_max_bytes=self._settings.spool_max_bytes,
            oldest_unloaded_s=spool.oldest_age_s() if spool is not None else 0.0,
            dead_letters=dead_letters,
            dead_letters_bytes=dead_letters_bytes,
        )

    def _take_up(self, recovered: Recovered) -> None:
        segment = recovered.segment
        self._ledger.count_recovered(n_requests=len(segment.digests), n_spans=segment.n_spans)
        if recovered.n_damaged:
            self._ledger.count_dead_lettered(n_requests=recovered.n_damaged, n_spans=0)
        if recovered.n_torn_bytes:
            _LOG.warning(
                "torn tail cut off, it was never acknowledged", segment=segment.token, n_bytes=recovered.n_torn_bytes
            )


def default_spool(store: Store) -> Path:
    """Beside the store's directory; for a server, where that directory would be."""
    return Path(store.settings.path).parent / "spool"
