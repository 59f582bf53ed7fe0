"""Whatever comes and however often the process dies: what was received is what has come to an end, or waits."""

import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driftline_collector.books import Books, record_dead_letter, spool_id
from driftline_collector.deadletter import DeadLetters
from driftline_collector.derivation_queue import DerivationQueue
from driftline_collector.deriver import Deriver
from driftline_collector.errors import Busy, RequestRefused
from driftline_collector.insert import InsertFailed, SegmentInsert
from driftline_collector.intake import Intake, Origin
from driftline_collector.lane import Lane
from driftline_collector.ledger import Ledger
from driftline_collector.mapping import load_table
from driftline_collector.schemas import SCHEMAS
from driftline_collector.segment import Segment
from driftline_collector.settings import CollectorSettings
from driftline_collector.signals import SIGNALS
from driftline_core.store import Store
from tests.collector.otlp_requests import build_request, poisoned_request, spans_of
from tests.collector.test_books import minutes_of, total

_NUMBERS = itertools.count(1)
_STEPS = (
    "good",
    "partly bad",
    "all bad",
    "garbage",
    "again",
    "poison",
    "write",
    "flush",
    "restart",
    "kill",
    "kill after INSERT",
)


class _Sink:
    def settle(self, waiters: Sequence[threading.Event], error: Busy | None) -> None:
        assert error is None
        for waiter in waiters:
            waiter.set()


class _Process:
    """The parts of a collector behind its receivers, over one folder; nothing is loaded before it is asked for."""

    def __init__(self, folder: Path, store: Store) -> None:
        self._ledger = Ledger()
        config = CollectorSettings(spool_path=folder, linger_s=60.0, linger_max_s=60.0, load_retry_max_s=0.2)
        self.lane = Lane(SIGNALS["traces"], folder, config, self._ledger)
        dead_letters = DeadLetters(folder / "dead-letters", record=partial(record_dead_letter, store))
        self.lane.recover(dead_letters)
        spools = {"traces": self.lane.spool}
        self.books = Books(store, self._ledger, spools, source=spool_id(folder))
        self.derivations = DerivationQueue(Deriver(store, load_table()), pause_max_s=0.0, retry_max_s=0.2)
        self.derivations.start()
        self.lane.start(store, dead_letters, self.derivations)
        self._intake = Intake(spools, self._ledger)

    def send(self, body: bytes, project: str) -> bool:
        """True when it was acknowledged."""
        signal = SIGNALS["traces"]
        try:
            request = self._intake.check(signal, body, project=project)
        except RequestRefused as error:
            self._intake.count_refused(error, Origin(signal=signal.name, project=project))
            return False
        waiter = threading.Event()
        assert self._intake.keep(request, sink=_Sink(), waiter=waiter) or waiter.wait(30.0)
        return True

    def flush(self) -> None:
        assert self.lane.spool.drain(timeout_s=60.0)

    def end(self) -> None:
        self.flush()
        self.books.stop(deadline_s=5.0)
        self.kill()

    def kill(self) -> None:
        """Nothing is stored, written or remembered that was not before."""
        assert self.lane.loader is not None
        assert self.lane.loader.stop(deadline_s=30.0)
        assert self.derivations.stop(deadline_s=30.0)
        self.lane.spool.stop(deadline_s=30.0)
        self.lane.spool.close()


class _World:
    """The collector's process, the store, and what the books must say."""

    def __init__(self, folder: Path, store: Store, project: str) -> None:
        self._folder, self._store, self._project = folder, store, project
        self.process = _Process(folder, store)
        self._last: tuple[bytes, int] | None = None
        self._counted = {"duplicate": 0, "rejected": 0}  # since the books were written: a kill takes it along
        self.expected = {"stored": 0, "dead_lettered": 0, "duplicate": 0, "rejected": 0}

    def step(self, name: str, n_spans: int) -> None:
        """Do one thing, and let the model do it too."""
        if name in ("good", "partly bad", "all bad"):
            self._build(name, n_spans)
        elif name == "garbage":
            assert not self.process.send(b"\xff", self._project)
        elif name == "again" and self._last is not None:
            body, n_items = self._last
            assert self.process.send(body, self._project)
            self._counted["duplicate"] += n_items
        elif name == "poison":
            assert self.process.send(poisoned_request(), self._project)
            self.expected["dead_lettered"] += 1
        elif name == "write":
            self.write()
        elif name == "flush":
            self.process.flush()
        elif name == "restart":
            self.process.end()
            self._written()
            self.process = _Process(self._folder, self._store)
        elif name.startswith("kill"):
            self.process.kill()
            if name == "kill after INSERT":
                self._insert_what_lies_there()
            self._counted = {"duplicate": 0, "rejected": 0}
            self.process = _Process(self._folder, self._store)

    def write(self) -> None:
        self.process.books.write()
        self._written()

    def check(self) -> dict[str, int]:
        """What the books say; every minute adds up at any instant."""
        return total(minutes_of(self._store, self._project))

    def _build(self, name: str, n_spans: int) -> None:
        request = build_request(n_spans + 1)
        n_bad = {"good": 0, "partly bad": n_spans, "all bad": n_spans + 1}[name]
        for span in spans_of(request)[:n_bad]:
            span.span_id = b"short"
        body = request.SerializeToString()
        assert self.process.send(body, self._project) == (name != "all bad")
        self._counted["rejected"] += n_bad
        self.expected["stored"] += n_spans + 1 - n_bad
        if name == "good":
            self._last = (body, n_spans + 1)

    def _written(self) -> None:
        for name, count in self._counted.items():
            self.expected[name] += count
        self._counted = {"duplicate": 0, "rejected": 0}

    def _insert_what_lies_there(self) -> None:
        """As a process does that dies between the end of an INSERT and the removal of its segment."""
        for path in sorted((self._folder / "traces").glob("*.pb")):
            segment = Segment.named(path)
            assert segment is not None
            with suppress(InsertFailed):  # a poisoned request refuses the whole segment
                SegmentInsert(self._store, SCHEMAS["traces"]).whole(segment)


@contextmanager
def _world(store: Store) -> Iterator[_World]:
    with TemporaryDirectory() as folder:
        world = _World(Path(folder), store, f"property-{next(_NUMBERS)}")
        try:
            yield world
        finally:
            world.process.kill()


@pytest.mark.timeout(600)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.lists(st.tuples(st.sampled_from(_STEPS), st.integers(1, 3)), min_size=1, max_size=14))
def test_the_sum_holds_over_any_sequence_of_requests_and_kills(
    ingest_store: Store, steps: list[tuple[str, int]]
) -> None:
    with _world(ingest_store) as world:
        for name, n_spans in steps:
            world.step(name, n_spans)
            world.check()
        world.process.flush()
        world.check()
        world.write()
        ends = {name: count for name, count in world.expected.items() if count}
        assert world.check() == ({"received": sum(ends.values()), **ends} if ends else {})
