"""Couriers: bounded, coalescing, retrying, counting."""

import threading
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from driftline_alerts.courier import Courier
from driftline_alerts.errors import DeliveryError
from driftline_alerts.notification import Notification
from tests.alerts.numbers import Time
from tests.alerts.receiver import wait_until

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Ear:
    """A receiver in memory. deaf: how many deliveries fail first; refuses: keys it never takes."""

    def __init__(self, *, deaf: int = 0, refuses: Collection[str] = ()) -> None:
        self.name = "ear"
        self.batch_alerts = 256
        self.deaf = deaf
        self.refuses = refuses
        self.heard: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()

    def is_due(self, notification: Notification, now: datetime) -> bool:
        return not any(_said(notification) in batch for batch in self.heard)

    def deliver(self, batch: Sequence[Notification], now: datetime) -> None:
        self.gate.wait(10)
        if self.deaf:
            self.deaf -= 1
            raise DeliveryError("ear answered HTTP 503: busy", is_retryable=True, status_code=503)
        if any(each.key in self.refuses for each in batch):
            raise DeliveryError("ear answered HTTP 400: bad", is_retryable=False, status_code=400)
        self.heard.append([_said(each) for each in batch])

    def owe(self, notifications: Sequence[Notification], now: datetime) -> None:
        """Keeps nothing."""

    def owed(self, now: datetime) -> Sequence[Notification]:
        return ()

    def settle(self, keep: Collection[str]) -> None:
        """Nothing is remembered but what was heard."""

    def close(self) -> None:
        """Nothing is open."""


def _said(notification: Notification) -> str:
    return f"{notification.key} {notification.status}"


def alert(key: str, *, is_resolved: bool = False, valid: timedelta = timedelta(minutes=4)) -> Notification:
    return Notification(
        key=key,
        labels={"alertname": key},
        annotations={},
        active_at=NOW,
        starts_at=NOW,
        ends_at=NOW if is_resolved else NOW + valid,
        is_resolved=is_resolved,
        generator_url="",
    )


def courier(ear: Ear, clock: Time, *, queue_alerts: int = 100) -> Courier:
    return Courier(ear, queue_alerts=queue_alerts, deadline=timedelta(minutes=10), clock=clock, jitter=lambda: 0.0)


def test_failed_delivery_is_tried_again_until_it_is_taken() -> None:
    ear = Ear(deaf=2)
    subject = courier(ear, Time(NOW))
    subject.start()
    subject.offer([alert("a")])
    wait_until(lambda: bool(ear.heard))
    subject.stop(deadline_s=1)
    assert ear.heard == [["a firing"]]
    assert (subject.stats().sent, subject.stats().failed, subject.stats().last_error) == (1, 2, "")


def test_what_is_new_replaces_what_waits() -> None:
    ear = Ear(deaf=1)
    subject = courier(ear, Time(NOW))
    subject.offer([alert("a"), alert("b")])
    assert not subject.drain(deadline_s=0.01)
    subject.offer([alert("a", is_resolved=True), alert("b")])
    assert subject.drain(deadline_s=5)
    assert ear.heard == [["a resolved", "b firing"]]


def test_full_queue_drops_and_counts() -> None:
    ear = Ear()
    subject = courier(ear, Time(NOW), queue_alerts=2)
    subject.offer([alert("a"), alert("b"), alert("c")])
    assert subject.stats().dropped == {"queue full": 1}
    assert subject.drain(deadline_s=5)
    assert ear.heard == [["a firing", "b firing"]]


def test_one_refused_alert_does_not_stop_the_others() -> None:
    ear = Ear(refuses={"b"})
    clock = Time(NOW)
    subject = courier(ear, clock)
    alerts = [alert("a"), alert("b"), alert("c")]
    subject.offer(alerts)
    assert subject.drain(deadline_s=5)
    assert ear.heard == [["a firing"], ["c firing"]]
    assert subject.stats().dropped == {"rejected": 1}
    subject.offer(alerts)
    assert subject.stats().waiting == 0  # refused is not asked again at once
    clock.now += timedelta(minutes=6)
    subject.offer([alert("b", valid=timedelta(minutes=20))])
    assert subject.stats().waiting == 1


def test_receiver_that_refuses_us_is_asked_again_and_loses_nothing() -> None:
    class Closed(Ear):
        def deliver(self, batch: Sequence[Notification], now: datetime) -> None:
            if self.deaf:
                self.deaf -= 1
                raise DeliveryError("ear answered HTTP 401: who are you", is_retryable=False, status_code=401)
            super().deliver(batch, now)

    ear = Closed(deaf=1)
    subject = courier(ear, Time(NOW))
    subject.offer([alert("a"), alert("b")])
    assert subject.drain(deadline_s=5)
    assert ear.heard == [["a firing", "b firing"]]
    assert (subject.stats().failed, subject.stats().dropped) == (1, {})


def test_alert_that_breaks_our_own_code_does_not_stop_the_others() -> None:
    class Breaks(Ear):
        def deliver(self, batch: Sequence[Notification], now: datetime) -> None:
            if any(each.key == "b" for each in batch):
                raise UnicodeEncodeError("utf-8", "x", 0, 1, "surrogates not allowed")
            super().deliver(batch, now)

    ear = Breaks()
    subject = courier(ear, Time(NOW))
    subject.offer([alert("a"), alert("b"), alert("c")])
    assert subject.drain(deadline_s=5)
    assert ear.heard == [["a firing"], ["c firing"]]
    assert subject.stats().dropped == {"rejected": 1}


def test_firing_alert_whose_validity_ended_is_not_sent_late() -> None:
    ear = Ear(deaf=1)
    clock = Time(NOW)
    subject = courier(ear, clock)
    subject.offer([alert("a")])
    assert not subject.drain(deadline_s=0.01)
    clock.now += timedelta(minutes=5)
    assert subject.drain(deadline_s=5)
    assert ear.heard == []
    assert subject.stats().dropped == {"expired": 1}


def test_stop_delivers_what_waits_and_counts_what_it_cannot() -> None:
    ear = Ear()
    subject = courier(ear, Time(NOW))
    ear.gate.clear()
    subject.start()
    subject.offer([alert("a")])
    wait_until(lambda: subject.stats().waiting == 1)
    ear.gate.set()
    subject.stop(deadline_s=5)
    assert ear.heard == [["a firing"]]
    deaf = courier(Ear(deaf=1000), Time(NOW))
    deaf.start()
    deaf.offer([alert("a")])
    deaf.stop(deadline_s=0.2)
    assert deaf.stats().dropped == {"shutdown": 1}
