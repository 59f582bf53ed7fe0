"""What became of every request and span: received = stored + duplicate + rejected + dead-lettered + still in the spool."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorStats:
    """Counts since the start of the process, and how it stands now.

    received: well-formed or not; spans of a malformed request are unknown and count 0. duplicate: kept before, acknowledged again.
    recovered: found in the spool at the start, acknowledged by an earlier process. spool_bytes: accepted and not stored yet;
    oldest_unloaded_s: age of the oldest of them. rejected_*: by reason. dead_letters_*: what lies in the folder now.
    """

    received_requests: int
    received_spans: int
    duplicate_requests: int
    duplicate_spans: int
    recovered_requests: int
    recovered_spans: int
    stored_requests: int
    stored_spans: int
    dead_lettered_requests: int
    dead_lettered_spans: int
    rejected_requests: Mapping[str, int]
    rejected_spans: Mapping[str, int]
    load_errors: int
    spool_bytes: int
    spool_max_bytes: int
    oldest_unloaded_s: float
    dead_letters: int = 0
    dead_letters_bytes: int = 0


class Ledger:
    """The counters. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._rejected_requests: Counter[str] = Counter()
        self._rejected_spans: Counter[str] = Counter()

    def count_received(self, *, n_spans: int) -> None:
        with self._lock:
            self._counts["received_requests"] += 1
            self._counts["received_spans"] += n_spans

    def count_duplicate(self, *, n_spans: int) -> None:
        with self._lock:
            self._counts["duplicate_requests"] += 1
            self._counts["duplicate_spans"] += n_spans

    def count_recovered(self, *, n_requests: int, n_spans: int) -> None:
        with self._lock:
            self._counts["recovered_requests"] += n_requests
            self._counts["recovered_spans"] += n_spans

    def count_rejected(self, reason: str, *, n_requests: int = 1, n_spans: int = 0) -> None:
        """n_requests is 0 when only some spans of a request were refused."""
        with self._lock:
            if n_requests:
                self._rejected_requests[reason] += n_requests
            if n_spans:
                self._rejected_spans[reason] += n_spans

    def count_stored(self, *, n_requests: int, n_spans: int) -> None:
        with self._lock:
            self._counts["stored_requests"] += n_requests
            self._counts["stored_spans"] += n_spans

    def count_dead_lettered(self, *, n_requests: int, n_spans: int) -> None:
        with self._lock:
            self._counts["dead_lettered_requests"] += n_requests
            self._counts["dead_lettered_spans"] += n_spans

    def count_load_error(self) -> None:
        with self._lock:
            self._counts["load_errors"] += 1

    def stats(
        self,
        *,
        spool_bytes: int,
        spool_max_bytes: int,
        oldest_unloaded_s: float,
        dead_letters: int = 0,
        dead_letters_bytes: int = 0,
    ) -> CollectorStats:
        """The counts now, with how the spool stands."""
        with self._lock:
            counts = self._counts
            return CollectorStats(
                received_requests=counts["received_requests"],
                received_spans=counts["received_spans"],
                duplicate_requests=counts["duplicate_requests"],
                duplicate_spans=counts["duplicate_spans"],
                recovered_requests=counts["recovered_requests"],
                recovered_spans=counts["recovered_spans"],
                stored_requests=counts["stored_requests"],
                stored_spans=counts["stored_spans"],
                dead_lettered_requests=counts["dead_lettered_requests"],
                dead_lettered_spans=counts["dead_lettered_spans"],
                rejected_requests=dict(self._rejected_requests),
                rejected_spans=dict(self._rejected_spans),
                load_errors=counts["load_errors"],
                spool_bytes=spool_bytes,
                spool_max_bytes=spool_max_bytes,
                oldest_unloaded_s=oldest_unloaded_s,
                dead_letters=dead_letters,
                dead_letters_bytes=dead_letters_bytes,
            )
