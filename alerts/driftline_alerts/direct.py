"""Receivers that are told directly, without Alertmanager: of an alert once when it fires and once when it ends.

Before a request is made, what it carries is in the outbox; when it was taken, that is marked. So a process killed at any time
sends after its restart what was not marked, with the same delivery_id and the same alerts, and only that. Between the receiver's
answer and the mark, an insert of some milliseconds, a kill makes one request be repeated: PagerDuty knows it by its dedup_key.

When an alert ends whose beginning was not taken yet, the receiver hears of both, in that order.
"""

import hashlib
import threading
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, Protocol

from driftline_alerts.errors import DeliveryError
from driftline_alerts.notification import Notification, rfc3339
from driftline_alerts.outbox import Mark, Outbox, Parcel, Taken
from driftline_core.errors import StoreError
from driftline_core.log import get_logger

_LOG = get_logger("alerts")
_LEDGER_AGE: Final = timedelta(days=90)
_OWED_FOR: Final = timedelta(hours=24)
_OWED_VALID_FOR: Final = timedelta(minutes=4)
_TICK: Final = timedelta(milliseconds=1)


class Channel(Protocol):
    """A way to tell somebody. receiver_id: names it in the store. batch_alerts: most alerts of one request."""

    name: str
    receiver_id: str
    batch_alerts: int

    def post(self, notifications: Sequence[Notification], *, now: datetime, delivery_id: str) -> None:
        """Tell of alerts of one alertname and status; returns once they are taken. Raises DeliveryError."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class DirectReceiver:
    """One channel and its outbox. repeat 0: no reminders of what still fires. severities: those it hears of; empty means all."""

    def __init__(
        self, channel: Channel, outbox: Outbox, *, repeat: timedelta, severities: Collection[str] = ()
    ) -> None:
        self._channel = channel
        self._outbox = outbox
        self._repeat = repeat
        self._severities = frozenset(severities)
        self._lock = threading.RLock()
        self._is_loaded = False
        self._taken: dict[str, Taken] = {}
        self._open: list[Parcel] = []
        self._unmarked: list[Mark] = []
        self.name = channel.name
        self.batch_alerts = channel.batch_alerts

    def is_due(self, notification: Notification, now: datetime) -> bool:
        with self._lock:
            self._load(now)
            if any(notification.key == each.key for parcel in self._open for each in parcel.notifications):
                return True
            return self._is_new(notification, now)

    def owed(self, now: datetime) -> list[Notification]:
        with self._lock:
            self._load(now)
            late = [parcel for parcel in self._open if now - parcel.written_at >= _OWED_FOR]
            if late:
                _LOG.warning("given up after a day", receiver=self.name, deliveries=len(late))
                self._open = [parcel for parcel in self._open if parcel not in late]
            return [
                each if each.is_resolved else replace(each, ends_at=now + _OWED_VALID_FOR)
                for parcel in self._open
                for each in parcel.notifications
            ]

    def owe(self, notifications: Sequence[Notification], now: datetime) -> None:
        now = _as_stored(now)
        with self._lock:
            self._load(now)
            waiting = {each.key for parcel in self._open for each in parcel.notifications}
            due = [each for each in notifications if each.key not in waiting and self._is_new(each, now)]
            for _, group in groupby(sorted(due, key=_group), key=_group):
                self._write(sorted(group, key=lambda each: each.key), now)

    def deliver(self, batch: Sequence[Notification], now: datetime) -> None:
        now = _as_stored(now)
        keys = {each.key for each in batch}
        with self._lock:
            self._load(now)
            first = [parcel for parcel in self._open if any(each.key in keys for each in parcel.notifications)]
        for parcel in first:
            self._send(parcel, now)
        due = sorted((each for each in batch if self._is_new(each, now)), key=_group)
        for _, group in groupby(due, key=_group):
            self._send(self._write(sorted(group, key=lambda each: each.key), now), now)

    def settle(self, keep: Collection[str]) -> None:
        with self._lock:
            gone = [key for key in self._taken.keys() - set(keep) if self._taken[key].status != "firing"]
            for key in gone:
                del self._taken[key]
            if self._unmarked:
                self._mark(())

    def close(self) -> None:
        self._channel.close()

    def _is_new(self, notification: Notification, now: datetime) -> bool:
        if self._severities and notification.labels.get("severity", "") not in self._severities:
            return False
        with self._lock:
            taken = self._taken.get(notification.key)
        if taken is None or not taken.status or taken.active_at != notification.active_at:
            return not notification.is_resolved
        if notification.is_resolved:
            return taken.status == "firing"
        return taken.status == "firing" and bool(self._repeat) and now - taken.sent_at >= self._repeat

    def _load(self, now: datetime) -> None:
        if self._is_loaded:
            return
        self._taken = self._outbox.taken(since=now - _LEDGER_AGE)
        self._open = self._outbox.owed(since=now - _OWED_FOR)
        self._is_loaded = True
        if self._open:
            _LOG.info("deliveries left over, sent again", receiver=self.name, deliveries=len(self._open))

    def _write(self, notifications: Sequence[Notification], now: datetime) -> Parcel:
        with self._lock:
            before = [self._taken[each.key].sent_at for each in notifications if each.key in self._taken]
            parcel = Parcel(
                delivery_id=self._delivery_id(notifications),
                written_at=max((now, *(sent_at + _TICK for sent_at in before))),
                notifications=tuple(notifications),
            )
            self._open.append(parcel)
        try:
            self._outbox.write(parcel)
        except StoreError as error:  # a page that cannot be noted is still sent
            _LOG.warning("delivery not written", receiver=self.name, alerts=len(notifications), error=str(error))
        return parcel

    def _send(self, parcel: Parcel, now: datetime) -> None:
        try:
            self._channel.post(parcel.notifications, now=now, delivery_id=parcel.delivery_id)
        except DeliveryError as error:
            if error.is_about_alerts:
                self._refuse(parcel, now)
            raise
        except Exception:  # our own code broke on these alerts: the courier says so, and tries them one by one
            self._refuse(parcel, now)
            raise
        sent_at = max(now, parcel.written_at)
        self._close(
            parcel,
            [
                Mark(key=each.key, taken=Taken(active_at=each.active_at, status=each.status, sent_at=sent_at))
                for each in parcel.notifications
            ],
        )

    def _refuse(self, parcel: Parcel, now: datetime) -> None:
        """These alerts together are owed no longer; what was taken of them before stands."""
        sent_at = max(now, parcel.written_at)
        with self._lock:
            marks = []
            for each in parcel.notifications:
                taken = self._taken.get(each.key)
                status = taken.status if taken is not None and taken.active_at == each.active_at else ""
                taken = Taken(active_at=each.active_at, status=status, sent_at=sent_at)
                marks.append(Mark(key=each.key, taken=taken))
        self._close(parcel, marks)

    def _close(self, parcel: Parcel, marks: Sequence[Mark]) -> None:
        with self._lock:
            self._open = [other for other in self._open if other is not parcel]
            self._taken.update((mark.key, mark.taken) for mark in marks)
            self._mark(marks)

    def _mark(self, marks: Sequence[Mark]) -> None:
        self._unmarked += marks
        try:
            self._outbox.mark(self._unmarked)
        except StoreError as error:  # told all the same; a restart before it can be noted says it again
            _LOG.warning("delivery not noted", receiver=self.name, alerts=len(self._unmarked), error=str(error))
        else:
            self._unmarked = []

    def _delivery_id(self, notifications: Sequence[Notification]) -> str:
        parts = []
        for each in notifications:
            before = self._taken.get(each.key)
            last = rfc3339(before.sent_at) if before is not None else ""
            parts.append(f"{each.key} {rfc3339(each.active_at)} {each.status} {last}")
        return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:32]


def _group(notification: Notification) -> tuple[str, str]:
    return notification.labels.get("alertname", ""), notification.status


def _as_stored(time: datetime) -> datetime:
    """To the millisecond, as the store keeps it."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
