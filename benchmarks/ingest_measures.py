"""What the ingest benchmark does to a subject: as much as it takes, half of that on a schedule, and more than it can keep."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from benchmarks.otlp_load import Load, Sender, send_at, send_for
from benchmarks.otlp_payload import Payload
from benchmarks.own_subjects import OwnSubject, Usage

_POLL_S: Final = 0.05
_LOOK_S: Final = 0.1  # each look is two queries in the subject's process: oftener, they would be part of its load
_HALF_CONNECTIONS: Final = 16


class Subject(Protocol):
    """counts: rows that a query finds now, by table; `spans` at least."""

    @property
    def pid(self) -> int: ...
    def connect(self) -> Sender: ...
    def counts(self) -> Mapping[str, int]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sustained:
    """A closed loop and the wait after it. reached_s: by table, seconds from the first byte until the last row was found.

    missing: rows that never were, of the table that lacks most.
    """

    load: Load
    reached_s: Mapping[str, float]
    cpu_s: float
    peak_rss_mib: float
    missing: int

    def spans_s(self, table: str) -> float:
        return (self.load.n_spans - self.missing) / self.reached_s[table]


class Watch:
    """Resident memory of a process by second while the block runs."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.rss_mib: list[tuple[float, float]] = []

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def peak_mib(self) -> float:
        return max((mib for _, mib in self.rss_mib), default=0.0)

    def at(self, second: float) -> float:
        """As measured last before that second."""
        return max((at, mib) for at, mib in self.rss_mib if at <= second)[1]

    def _run(self) -> None:
        started_at = time.monotonic()
        while True:
            self.rss_mib.append((time.monotonic() - started_at, Usage.of(self._pid).rss_mib))
            if self._ended.wait(0.1):
                return


def sustained(
    subject: Subject,
    payloads: Sequence[Payload],
    *,
    connections: int,
    seconds: float,
    drain_s: float,
    max_requests: int | None = None,
) -> Sustained:
    """Load for that long or so many requests, then wait until every table has every row, drain_s at most without any progress."""
    before = subject.counts()
    with Watch(subject.pid) as watch:
        cpu_s = Usage.of(subject.pid).cpu_s
        load = send_for(subject.connect, payloads, connections=connections, seconds=seconds, max_requests=max_requests)
        reached, missing = _wait(subject, load, before, drain_s=drain_s)
        cpu_s = Usage.of(subject.pid).cpu_s - cpu_s
    return Sustained(load=load, reached_s=reached, cpu_s=cpu_s, peak_rss_mib=watch.peak_mib, missing=missing)


def _wait(subject: Subject, load: Load, before: Mapping[str, int], *, drain_s: float) -> tuple[dict[str, float], int]:
    reached: dict[str, float] = {}
    best, moved_at = -1, time.monotonic()
    while True:
        counts = subject.counts()
        now = time.monotonic()
        for table, count in counts.items():
            if count - before[table] >= load.n_spans:
                reached.setdefault(table, now - load.started_at)
        if len(reached) == len(before):
            return reached, 0
        if sum(counts.values()) > best:
            best, moved_at = sum(counts.values()), now
        elif now - moved_at > drain_s:
            # What never came is not counted as stored, nor the wait for it as time.
            missing = max(load.n_spans - (count - before[table]) for table, count in counts.items())
            return dict.fromkeys(before, moved_at - load.started_at) | reached, missing
        time.sleep(_POLL_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """An open loop. late_s: by table, a figure a request: from its acknowledgement until a query found it; lost: requests
    never found. woken_late_ms: how late the machine woke a process that did nothing meanwhile."""

    load: Load
    spans_s: float
    late_s: Mapping[str, list[float]]
    woken_late_ms: list[float]
    lost: int
    cpu_s: float
    poll_s: float


def offered(
    subject: OwnSubject, payloads: Sequence[Payload], *, spans_s: float, seconds: float, drain_s: float
) -> Offered:
    """Offer spans_s on a fixed schedule; look every poll_s which INSERTs can be queried, and ask at the end which one brought what.

    A request counts as found when the look that found it ended: late by poll_s at most, never early.
    """
    seen = _Seen(subject)
    sleeper = _Sleeper()
    cpu_s = Usage.of(subject.pid).cpu_s
    with seen:
        load = send_at(subject.connect, payloads, connections=_HALF_CONNECTIONS, seconds=seconds, spans_s=spans_s)
        cpu_s = Usage.of(subject.pid).cpu_s - cpu_s
        woken_late_ms = sleeper.late_ms()
        _wait_all(subject, drain_s)
        time.sleep(3 * _LOOK_S)
    brought = subject.ask("whence", ",".join(one.trace_id for one in load.acknowledged))
    late: dict[str, list[float]] = {}
    lost = 0
    for table, by_trace in brought.items():
        found = [(one.at, seen.first[table].get(by_trace.get(one.trace_id, ""))) for one in load.acknowledged]
        late[table] = [max(0.0, first - at) for at, first in found if first is not None]
        lost += len(found) - len(late[table])
    return Offered(
        load=load, spans_s=spans_s, late_s=late, woken_late_ms=woken_late_ms, lost=lost, cpu_s=cpu_s, poll_s=seen.step_s
    )


def _wait_all(subject: OwnSubject, drain_s: float) -> None:
    """Until every span has its generation, which every span of the load has."""
    deadline = time.monotonic() + drain_s
    last = -1
    while time.monotonic() < deadline:
        counts = subject.counts()
        if counts["spans"] == counts["generations"] == last:
            return
        last = counts["spans"]
        time.sleep(2.0 if counts["spans"] == counts["generations"] else 0.1)


class _Sleeper:
    """A process that only sleeps, 5 ms at a time, and notes how late it was woken: what of a latency is not the subject's."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _SLEEP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def late_ms(self) -> list[float]:
        """All of them until now; it ends."""
        late_ms: list[float] = json.loads(self._process.communicate("\n")[0])
        return late_ms


_SLEEP: Final = """
import json, select, sys, time
late_ms = []
while True:
    at = time.monotonic()
    if select.select([sys.stdin], [], [], 0.005)[0]:
        break
    late_ms.append((time.monotonic() - at - 0.005) * 1e3)
print(json.dumps(late_ms))
"""


class _Seen:
    """Looks, from a thread, which INSERTs a query finds; first: by table and INSERT, the monotonic second."""

    def __init__(self, subject: OwnSubject) -> None:
        self._subject = subject
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._ats: list[float] = []
        self.first: dict[str, dict[str, float]] = {"spans": {}, "generations": {}}

    def __enter__(self) -> "_Seen":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def step_s(self) -> float:
        """Mean seconds between looks: the resolution."""
        return (self._ats[-1] - self._ats[0]) / max(1, len(self._ats) - 1)

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_S):
            seen = self._subject.ask("seen")
            self._ats.append(seen["at"])
            for table, first in self.first.items():
                for name in seen[table]:
                    first.setdefault(name, seen["at"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Overloaded:
    """A closed loop against a small spool. missing: spans that were acknowledged and are not there at the end."""

    load: Load
    rss_mib: Mapping[str, float]
    missing: int
    figures: Mapping[str, Any] = field(default_factory=dict)


def overloaded(
    subject: OwnSubject, payloads: Sequence[Payload], *, connections: int, seconds: float, drain_s: float
) -> Overloaded:
    """Offer as much as the connections carry for that long; memory at a quarter, half and the whole of it."""
    before = subject.counts()
    with Watch(subject.pid) as watch:
        load = send_for(subject.connect, payloads, connections=connections, seconds=seconds)
    _, missing = _wait(subject, load, before, drain_s=drain_s)
    rss_mib = {f"{part * seconds:g}": watch.at(part * seconds) for part in (0.25, 0.5, 1.0)}
    return Overloaded(load=load, rss_mib=rss_mib | {"peak": watch.peak_mib}, missing=missing)
