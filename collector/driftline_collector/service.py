"""The collector as one service: receivers in front, a spool a signal between, its loader behind, the books beside."""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from driftline_collector.books import Books, record_dead_letter, record_retried, spool_id
from driftline_collector.deadletter import DeadLetters
from driftline_collector.derivation_queue import DerivationQueue
from driftline_collector.deriver import Deriver
from driftline_collector.grpc_receiver import GrpcReceiver
from driftline_collector.http_receiver import HttpReceiver
from driftline_collector.intake import Intake
from driftline_collector.lane import Lane, take_over_earlier
from driftline_collector.ledger import CollectorStats, Ledger
from driftline_collector.mapping import load_table
from driftline_collector.settings import CollectorSettings
from driftline_collector.signals import SIGNALS
from driftline_collector.views import ensure_ingest
from driftline_core.errors import StoreError
from driftline_core.log import get_logger
from driftline_core.service import Health
from driftline_core.store import Store

_LOG = get_logger("collector")


class Collector:
    """Takes OTLP traces, logs and metrics in, keeps what it acknowledged, puts it into the store. A `driftline_core.Service`.

    http_port, grpc_port: what it listens on, known after start. The store must be migrated.
    """

    name = "collector"

    def __init__(self, settings: CollectorSettings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._folder = settings.spool_path or default_spool(store)
        self._ledger = Ledger()
        self._lanes: dict[str, Lane] = {}
        self._derivations: DerivationQueue | None = None
        self._books: Books | None = None
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
        """Recover the spool, then load and listen. Raises StoreError when the spool is in use or a port is taken, ConfigError
        when the dialect file cannot be used."""
        settings = self._settings
        table = load_table(extension=settings.dialects_path)
        ensure_ingest(self._store)
        try:
            take_over_earlier(self._folder)
            for signal in SIGNALS.values():
                self._lanes[signal.name] = Lane(signal, self._folder, settings, self._ledger)
            record = partial(record_dead_letter, self._store)
            dead_letters = self._dead_letters = DeadLetters(
                self._folder / "dead-letters", record=record, record_retried=partial(record_retried, self._store)
            )
            spools = {name: lane.spool for name, lane in self._lanes.items()}
            for lane in self._lanes.values():
                lane.recover(dead_letters)
            self._derivations = DerivationQueue(
                Deriver(self._store, table),
                pause_max_s=settings.derive_pause_max_s,
                retry_max_s=settings.load_retry_max_s,
                count_error=self._ledger.count_load_error,
            )
            self._derivations.start()
            for lane in self._lanes.values():
                lane.start(self._store, dead_letters, self._derivations)
            self._books = Books(self._store, self._ledger, spools, source=spool_id(self._folder))
            self._books.start()
            intake = Intake(spools, self._ledger, note_retried=dead_letters.note_retried)
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
        for lane in self._lanes.values():
            lane.spool.stop(deadline_s=max(1.0, left_s()))
        for lane in self._lanes.values():
            if lane.loader is not None and not lane.spool.drain(timeout_s=left_s()):
                _LOG.warning(
                    "spool not empty at stop, it waits for the next start",
                    signal=lane.signal.name,
                    spool_bytes=lane.spool.n_bytes,
                )
        for lane in self._lanes.values():
            if lane.loader is not None and not lane.loader.stop(deadline_s=max(1.0, left_s())):
                _LOG.warning("loader did not stop in time", signal=lane.signal.name, deadline_s=deadline_s)
        if self._derivations is not None and not self._derivations.stop(deadline_s=max(1.0, left_s())):
            _LOG.warning("deriver did not stop in time", deadline_s=deadline_s)
        if self._books is not None:
            self._books.stop(deadline_s=max(1.0, left_s()))
        for lane in self._lanes.values():
            lane.spool.close()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that was acknowledged before this call can be queried; True when it was within timeout_s seconds."""
        deadline = time.monotonic() + timeout_s
        lanes = self._lanes.values()
        return all(lane.spool.drain(timeout_s=max(0.0, deadline - time.monotonic())) for lane in lanes)

    def write_books(self) -> None:
        """Write now what the ledger counts and would write within seconds. Raises StoreError."""
        if self._books is not None:
            self._books.write()

    def health(self) -> Health:
        """Not ok when it does not run, the disk refuses writes, or the store refuses what is loaded."""
        if not self._lanes or self._http is None or self._is_stopped:
            return Health(is_ok=False, detail="not running")
        if not self._http.is_running:
            return Health(is_ok=False, detail="the OTLP/HTTP receiver ended")
        for lane in self._lanes.values():
            complaint = lane.complaint()
            if complaint:
                return Health(is_ok=False, detail=complaint)
        if self._derivations is None or not self._derivations.is_running:
            return Health(is_ok=False, detail="the deriver of generations ended")
        if self._derivations.last_error is not None:
            return Health(is_ok=False, detail=f"generations cannot be derived: {self._derivations.last_error}")
        return Health(is_ok=True)

    def stats(self) -> CollectorStats:
        """What became of every request and item since the start, and how the spools stand."""
        spools = {name: lane.spool for name, lane in self._lanes.items()}
        dead_letters, dead_letters_bytes = self._dead_letters.usage() if self._dead_letters is not None else (0, 0)
        derivations = self._derivations
        stats = self._ledger.stats(
            spool_bytes=sum(spool.n_bytes for spool in spools.values()),
            spool_max_bytes=self._settings.spool_max_bytes * len(SIGNALS),
            oldest_unloaded_s=max((spool.oldest_age_s() for spool in spools.values()), default=0.0),
            waiting_items={name: sum(items for _, items in spool.waiting().values()) for name, spool in spools.items()},
            dead_letters=dead_letters,
            dead_letters_bytes=dead_letters_bytes,
        )
        if derivations is None:
            return stats
        return replace(
            stats,
            derived_spans=derivations.n_derived,
            underivable_spans=derivations.n_failed,
            underived_items=derivations.n_waiting,
        )


def default_spool(store: Store) -> Path:
    """Beside the store's directory; for a server, where that directory would be."""
    return Path(store.settings.path).parent / "spool"
