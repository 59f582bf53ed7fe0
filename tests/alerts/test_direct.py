"""What a direct receiver is owed: told once across crashes, refusals and a store that is away."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from driftline_alerts.courier import Courier
from driftline_alerts.direct import DirectReceiver
from driftline_alerts.errors import DeliveryError
from driftline_alerts.notification import Notification, from_stored
from driftline_alerts.outbox import Outbox
from driftline_core.clock import utc_now
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from tests.alerts import notices
from tests.alerts.numbers import Time

MINUTE = timedelta(minutes=1)
NOW = utc_now().replace(second=0, microsecond=0)  # the outbox forgets what is a week old


def notice(
    service: str = "chat", *, severity: str = "critical", is_resolved: bool = False, at: datetime = NOW
) -> Notification:
    """An alert of now."""
    shift = NOW - notices.NOW
    one = notices.notice(service, severity=severity, is_resolved=is_resolved, at=at)
    return replace(one, active_at=one.active_at + shift, starts_at=one.starts_at + shift)


class Killed(BaseException):
    """Stands for a kill -9: nothing after it runs."""


class Wire:
    """A channel in memory: keeps what is posted. fails: raised instead; dies: a kill before or after the post."""

    def __init__(self, *, batch_alerts: int = 50) -> None:
        self.name = "wire"
        self.receiver_id = secrets.token_hex(8)
        self.batch_alerts = batch_alerts
        self.posted: list[tuple[str, list[str]]] = []
        self.fails: DeliveryError | None = None
        self.dies = ""
        self.refuses = ""

    def post(self, notifications: Sequence[Notification], *, now: datetime, delivery_id: str) -> None:
        if self.fails is not None:
            raise self.fails
        if self.dies == "before":
            raise Killed
        said = [f"{each.labels['service']} {each.status}" for each in notifications]
        if self.refuses and any(self.refuses in each for each in said):
            raise DeliveryError("wire answered HTTP 400", is_retryable=False, status_code=400)
        self.posted.append((delivery_id, said))
        if self.dies == "after":
            raise Killed

    def close(self) -> None:
        """Nothing is open."""

    def said(self) -> list[list[str]]:
        return [said for _, said in self.posted]


class Process:
    """A courier and its receiver over the store, as one life of the evaluator has them; nothing is kept between two but the store."""

    def __init__(self, store: Store, wire: Wire, clock: Time, *, severities: tuple[str, ...] = ()) -> None:
        self.receiver = DirectReceiver(
            wire, Outbox(store, wire.receiver_id), repeat=timedelta(0), severities=severities
        )
        self.courier = Courier(self.receiver, queue_alerts=100, deadline=timedelta(minutes=15), clock=clock)

    def tell(self, *notifications: Notification, within_s: float = 5.0) -> bool:
        self.courier.offer(notifications)
        return self.courier.drain(deadline_s=within_s)


@pytest.fixture(scope="module")
def store(engine: Store, engine_path: Path) -> Iterator[Store]:
    """One database for all: each wire has an outbox of its own."""
    store = Store(StoreSettings(path=engine_path, database="test_direct"))
    migrate(store)
    yield store
    store.command("DROP DATABASE test_direct SYNC")
    store.close()


AWAY = DeliveryError("wire does not answer", is_retryable=True)


@pytest.fixture
def clock() -> Time:
    return Time(NOW)


@pytest.fixture
def wire() -> Wire:
    return Wire()


def kill(store: Store, wire: Wire, clock: Time, when: str, *notifications: Notification) -> None:
    """A process that offers these and dies before or after the request."""
    wire.dies = when
    with pytest.raises(Killed):
        Process(store, wire, clock).tell(*notifications)
    wire.dies = ""


@pytest.mark.parametrize("alerts", [("chat",), ("chat", "search")])
def test_killed_before_sending_sends_after_the_restart(
    store: Store, wire: Wire, clock: Time, alerts: tuple[str, ...]
) -> None:
    kill(store, wire, clock, "before", *(notice(each) for each in alerts))
    assert wire.posted == []
    process = Process(store, wire, clock)
    assert process.tell(*(notice(each) for each in alerts))
    assert process.tell(*(notice(each) for each in alerts))
    assert wire.said() == [[f"{each} firing" for each in alerts]]


def test_what_fired_when_the_process_ended_is_told_though_it_is_over(store: Store, wire: Wire, clock: Time) -> None:
    Process(store, wire, clock).tell(notice("known"))
    process = Process(store, wire, clock)
    process.courier.owe([notice("chat"), notice("known")])
    over = [notice(each, is_resolved=True) for each in ("chat", "known")]
    assert process.tell(*over)
    assert sorted(wire.said()[1:]) == [["chat firing"], ["chat resolved", "known resolved"]]
    again = Process(store, wire, clock)
    again.courier.owe([notice("chat")])
    again.tell()
    assert len(wire.posted) == 3


def test_killed_between_answer_and_mark_repeats_the_same_request_and_only_that(
    store: Store, wire: Wire, clock: Time
) -> None:
    Process(store, wire, clock).tell(notice("old"))
    kill(store, wire, clock, "after", notice("old"), notice("chat"))
    clock.now += MINUTE
    Process(store, wire, clock).tell(notice("old"), notice("chat"), notice("new"))
    assert wire.said() == [["old firing"], ["chat firing"], ["chat firing"], ["new firing"]]
    assert wire.posted[1][0] == wire.posted[2][0]
    assert len({delivery_id for delivery_id, _ in wire.posted}) == 3
    Process(store, wire, clock).tell(notice("old"), notice("chat"), notice("new"))
    assert len(wire.posted) == 4


@pytest.mark.parametrize("when", ["before", "after"])
def test_alert_that_ended_while_the_process_was_away_is_told_whole(
    store: Store, wire: Wire, clock: Time, when: str
) -> None:
    kill(store, wire, clock, when, notice())
    wire.posted.clear()
    clock.now += MINUTE
    assert Process(store, wire, clock).tell(notice(is_resolved=True))
    assert wire.said() == [["chat firing"], ["chat resolved"]]


def test_what_nobody_says_any_more_is_still_owed(store: Store, wire: Wire, clock: Time) -> None:
    kill(store, wire, clock, "before", notice())
    clock.now += timedelta(hours=2)
    process = Process(store, wire, clock)
    assert process.tell()
    assert process.tell()
    assert wire.said() == [["chat firing"]]


def test_page_of_the_day_before_yesterday_is_not_sent(store: Store, wire: Wire, clock: Time) -> None:
    kill(store, wire, clock, "before", notice())
    clock.now += timedelta(hours=25)
    assert Process(store, wire, clock).tell()
    assert wire.posted == []


def test_end_that_was_not_marked_is_repeated(store: Store, wire: Wire, clock: Time) -> None:
    Process(store, wire, clock).tell(notice())
    kill(store, wire, clock, "after", notice(is_resolved=True))
    assert Process(store, wire, clock).tell(notice(is_resolved=True))
    assert wire.said() == [["chat firing"], ["chat resolved"], ["chat resolved"]]
    assert wire.posted[1] == wire.posted[2]


def test_receiver_that_was_away_hears_of_beginning_and_end(store: Store, wire: Wire, clock: Time) -> None:
    process = Process(store, wire, clock)
    wire.fails = AWAY
    assert not process.tell(notice(), within_s=0.05)
    clock.now += MINUTE
    assert not process.tell(notice(is_resolved=True, at=clock.now), within_s=0.05)
    wire.fails = None
    assert process.tell(notice(is_resolved=True, at=clock.now))
    assert wire.said() == [["chat firing"], ["chat resolved"]]


def test_end_of_an_alert_that_was_never_told_is_not_told(store: Store, wire: Wire, clock: Time) -> None:
    assert Process(store, wire, clock).tell(notice(is_resolved=True))
    assert wire.posted == []


def test_refused_alert_does_not_take_others_with_it_nor_double_them(store: Store, wire: Wire, clock: Time) -> None:
    wire.refuses = "bad"
    process = Process(store, wire, clock)
    first = replace(notice("first"), labels={**notice("first").labels, "alertname": "Another"})
    alerts = (first, notice("bad"), notice("chat"))
    assert process.tell(*alerts)
    assert sorted(wire.said()) == [["chat firing"], ["first firing"]]
    assert process.courier.stats().dropped == {"rejected": 1}
    assert Process(store, wire, clock).tell(first, notice("chat"))
    assert len(wire.posted) == 2  # nor is what was refused owed after a restart


def test_store_that_is_away_stops_no_page_and_is_caught_up_with(store: Store, wire: Wire, clock: Time) -> None:
    process = Process(store, wire, clock)
    process.tell()
    for table in ("alert_outbox", "alert_deliveries"):
        store.command(f"RENAME TABLE {table} TO {table}_away")
    assert process.tell(notice())
    assert wire.said() == [["chat firing"]]
    for table in ("alert_outbox", "alert_deliveries"):
        store.command(f"RENAME TABLE {table}_away TO {table}")
    assert process.tell(notice())
    assert Process(store, wire, clock).tell(notice())
    assert wire.said() == [["chat firing"]]


def test_clock_that_steps_back_neither_loses_nor_doubles(store: Store, wire: Wire, clock: Time) -> None:
    Process(store, wire, clock).tell(notice())
    clock.now -= timedelta(minutes=3)
    Process(store, wire, clock).tell(notice())
    kill(store, wire, clock, "before", notice(is_resolved=True))
    Process(store, wire, clock).tell(notice(is_resolved=True))
    Process(store, wire, clock).tell(notice(is_resolved=True))
    assert wire.said() == [["chat firing"], ["chat resolved"]]


def test_receiver_hears_only_of_its_severities(store: Store, wire: Wire, clock: Time) -> None:
    process = Process(store, wire, clock, severities=("critical",))
    process.tell(notice("chat"), notice("search", severity="warning"))
    process.tell(notice("chat", is_resolved=True), notice("search", severity="warning", is_resolved=True))
    assert wire.said() == [["chat firing"], ["chat resolved"]]


def test_channel_of_single_alerts_gets_them_one_by_one(store: Store, clock: Time) -> None:
    wire = Wire(batch_alerts=1)
    process = Process(store, wire, clock)
    assert process.tell(notice("a"), notice("b"), notice("c"))
    assert wire.said() == [["a firing"], ["b firing"], ["c firing"]]
    assert process.courier.stats().sent == 3


def test_stored_notification_is_the_same_when_read_back() -> None:
    original = replace(notice(), annotations={"summary": "\ud800 half a pair"}, detail={"rows": [1, 2]})
    assert from_stored(original.as_stored()) == original
