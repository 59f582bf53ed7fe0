"""What became of every request and item: received = stored + duplicate + rejected + dead-lettered + still in the spool."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from driftline_collector.tally import Count, Tally, minute_of

_SPANS: Final = "traces"
_RECEIVED: Final = ("kept", "duplicate", "rejected", "empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCount:
    """Requests and items of a signal and project with one outcome since the start of the process.

    outcome: received, stored, duplicate, rejected (with a reason), dead_lettered. signal and project are '' when they could not be told.
    """

    signal: str
    project: str
    outcome: str
    reason: str
    requests: int
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorStats:
    """Counts since the start of the process, and how it stands now.

    Requests are of every signal, spans of traces; `items` has each signal's own. received: well-formed or not; items of a malformed
    request are unknown and count 0. duplicate: kept before, acknowledged again. recovered: found in the spool at the start,
    acknowledged by an earlier process. spool_bytes: accepted and not stored yet, of every signal; waiting_items: of each signal;
    oldest_unloaded_s: age of the oldest of them. rejected_*: by reason. dead_letters_*: what lies in the folder now.
    derived_spans: looked at for generations, underivable_spans: for which that failed; underived_items: stored, and waiting for it.
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
    items: Sequence[ItemCount]
    waiting_items: Mapping[str, int]
    spool_bytes: int
    spool_max_bytes: int
    oldest_unloaded_s: float
    dead_letters: int = 0
    dead_letters_bytes: int = 0
    derived_spans: int = 0
    underivable_spans: int = 0
    underived_items: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteCount:
    """A total of this process that grows while its minute lasts. outcome: kept, duplicate, rejected. minute: unix seconds."""

    signal: str
    project: str
    minute: int
    outcome: str
    reason: str
    requests: int
    items: int


_Key = tuple[str, str, str, str]  # signal, project, outcome, reason


class Ledger:
    """The counters. Thread-safe. Times are unix nanoseconds of receipt."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[_Key, Count] = {}
        self._minutes: dict[tuple[_Key, int], Count] = {}
        self._load_errors = 0

    def count_kept(
        self, signal: str, project: str, *, received_at_ns: int, n_items: int, n_duplicates: int = 0
    ) -> None:
        """A request that is durable in the spool now; n_duplicates came again while it was being written."""
        with self._lock:
            self._count((signal, project, "kept", ""), received_at_ns, 1, n_items)
            if n_duplicates:
                key = (signal, project, "duplicate", "")
                self._count(key, received_at_ns, n_duplicates, n_items * n_duplicates)

    def count_duplicate(self, signal: str, project: str, *, received_at_ns: int, n_items: int) -> None:
        with self._lock:
            self._count((signal, project, "duplicate", ""), received_at_ns, 1, n_items)

    def count_rejected(
        self, signal: str, project: str, reason: str, *, received_at_ns: int, n_requests: int = 1, n_items: int = 0
    ) -> None:
        """n_requests is 0 when only some items of a request were refused."""
        with self._lock:
            self._count((signal, project, "rejected", reason), received_at_ns, n_requests, n_items)

    def count_empty(self, signal: str, project: str) -> None:
        """A request without items: acknowledged, and nothing to keep."""
        with self._lock:
            self._add((signal, project, "empty", ""), 1, 0)

    def count_recovered(self, signal: str, tally: Tally) -> None:
        self._count_tally(signal, "recovered", tally)

    def count_stored(self, signal: str, tally: Tally) -> None:
        self._count_tally(signal, "stored", tally)

    def count_dead_lettered(self, signal: str, project: str, *, n_items: int) -> None:
        with self._lock:
            self._add((signal, project, "dead_lettered", ""), 1, n_items)

    def count_load_error(self) -> None:
        with self._lock:
            self._load_errors += 1

    def minutes(self) -> list[MinuteCount]:
        """What was kept, sent again and refused, by minute of receipt."""
        with self._lock:
            return [
                MinuteCount(
                    signal=signal,
                    project=project,
                    minute=minute,
                    outcome=outcome,
                    reason=reason,
                    requests=count.requests,
                    items=count.items,
                )
                for ((signal, project, outcome, reason), minute), count in self._minutes.items()
            ]

    def forget(self, minutes: Sequence[MinuteCount]) -> None:
        """Drop minutes that are over and written, unless they have grown since."""
        with self._lock:
            for one in minutes:
                key = ((one.signal, one.project, one.outcome, one.reason), one.minute)
                count = self._minutes.get(key)
                if count is not None and (count.requests, count.items) == (one.requests, one.items):
                    del self._minutes[key]

    def stats(
        self,
        *,
        spool_bytes: int,
        spool_max_bytes: int,
        oldest_unloaded_s: float,
        waiting_items: Mapping[str, int] | None = None,
        dead_letters: int = 0,
        dead_letters_bytes: int = 0,
    ) -> CollectorStats:
        """The counts now, with how the spools stand."""
        with self._lock:
            return CollectorStats(
                received_requests=self._sum(*_RECEIVED).requests,
                received_spans=self._sum(*_RECEIVED, signal=_SPANS).items,
                duplicate_requests=self._sum("duplicate").requests,
                duplicate_spans=self._sum("duplicate", signal=_SPANS).items,
                recovered_requests=self._sum("recovered").requests,
                recovered_spans=self._sum("recovered", signal=_SPANS).items,
                stored_requests=self._sum("stored").requests,
                stored_spans=self._sum("stored", signal=_SPANS).items,
                dead_lettered_requests=self._sum("dead_lettered").requests,
                dead_lettered_spans=self._sum("dead_lettered", signal=_SPANS).items,
                rejected_requests={reason: count.requests for reason, count in self._rejected() if count.requests},
                rejected_spans={reason: count.items for reason, count in self._rejected(_SPANS) if count.items},
                load_errors=self._load_errors,
                items=tuple(self._items()),
                waiting_items=dict(waiting_items or {}),
                spool_bytes=spool_bytes,
                spool_max_bytes=spool_max_bytes,
                oldest_unloaded_s=oldest_unloaded_s,
                dead_letters=dead_letters,
                dead_letters_bytes=dead_letters_bytes,
            )

    def _count_tally(self, signal: str, outcome: str, tally: Tally) -> None:
        with self._lock:
            for project, count in tally.by_project():
                self._add((signal, project, outcome, ""), count.requests, count.items)

    def _count(self, key: _Key, received_at_ns: int, n_requests: int, n_items: int) -> None:
        self._add(key, n_requests, n_items)
        count = self._minutes.setdefault((key, minute_of(received_at_ns)), Count())
        count.requests += n_requests
        count.items += n_items

    def _add(self, key: _Key, n_requests: int, n_items: int) -> None:
        count = self._totals.setdefault(key, Count())
        count.requests += n_requests
        count.items += n_items

    def _sum(self, *outcomes: str, signal: str | None = None) -> Count:
        total = Count()
        for (of, _, outcome, _), count in self._totals.items():
            if outcome in outcomes and signal in (None, of):
                total.requests += count.requests
                total.items += count.items
        return total

    def _rejected(self, signal: str | None = None) -> Iterator[tuple[str, Count]]:
        reasons = sorted({reason for _, _, outcome, reason in self._totals if outcome == "rejected"})
        for wanted in reasons:
            total = Count()
            for (of, _, outcome, reason), count in self._totals.items():
                if outcome == "rejected" and reason == wanted and signal in (None, of):
                    total.requests += count.requests
                    total.items += count.items
            yield wanted, total

    def _items(self) -> Iterator[ItemCount]:
        received: dict[tuple[str, str], Count] = {}
        for (signal, project, outcome, _), count in self._totals.items():
            if outcome in _RECEIVED:
                total = received.setdefault((signal, project), Count())
                total.requests += count.requests
                total.items += count.items
        listed: dict[_Key, Count] = {(*key, "received", ""): count for key, count in received.items()}
        listed |= {key: count for key, count in self._totals.items() if key[2] not in ("kept", "empty", "recovered")}
        for (signal, project, outcome, reason), count in sorted(listed.items()):
            yield ItemCount(
                signal=signal,
                project=project,
                outcome=outcome,
                reason=reason,
                requests=count.requests,
                items=count.items,
            )
