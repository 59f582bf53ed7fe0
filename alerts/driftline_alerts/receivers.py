"""What each kind of receiver needs to hear, and when: Alertmanager again and again, a direct receiver once (`direct.py`).

Alertmanager forgets what nobody repeats, so it gets every firing alert each resend_s and resolved ones for a while.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from driftline_alerts.alertmanager import Alertmanager
from driftline_alerts.notification import Notification
from driftline_alerts.outbox import Taken

_BATCH_ALERTS: Final = 256


class Receiver(Protocol):
    """Somebody who is told of alerts. batch_alerts: most that deliver is given at once."""

    name: str
    batch_alerts: int

    def is_due(self, notification: Notification, now: datetime) -> bool:
        """Whether it should hear this now."""
        ...

    def owed(self, now: datetime) -> Sequence[Notification]:
        """What it must hear although nobody says it any more: left over from a process that ended before it was sent."""
        ...

    def owe(self, notifications: Sequence[Notification], now: datetime) -> None:
        """Note that it is to hear these, though they may be over before it does; what it knows is left out. Raises StoreError."""
        ...

    def deliver(self, batch: Sequence[Notification], now: datetime) -> None:
        """Tell it, and remember that it knows. Raises DeliveryError."""
        ...

    def settle(self, keep: Collection[str]) -> None:
        """Drop what is remembered of alerts whose key is not in keep, and write what could not be written so far."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class AlertmanagerReceiver:
    """One Alertmanager, kept up to date."""

    def __init__(self, alertmanager: Alertmanager, *, resend: timedelta, resend_resolved: timedelta) -> None:
        self._alertmanager = alertmanager
        self._resend = resend
        self._resend_resolved = resend_resolved
        self._taken: dict[str, Taken] = {}
        self.name = alertmanager.name
        self.batch_alerts = _BATCH_ALERTS

    def is_due(self, notification: Notification, now: datetime) -> bool:
        taken = self._taken.get(notification.key)
        if taken is None or (taken.active_at, taken.status) != (notification.active_at, notification.status):
            return True
        if notification.is_resolved and now - notification.ends_at > self._resend_resolved:
            return False
        return now - taken.sent_at >= self._resend

    def owe(self, notifications: Sequence[Notification], now: datetime) -> None:
        """Nothing: an Alertmanager that never heard of an alert tells nobody of its end."""

    def owed(self, now: datetime) -> Sequence[Notification]:
        return ()

    def deliver(self, batch: Sequence[Notification], now: datetime) -> None:
        self._alertmanager.post_alerts(batch)
        for each in batch:
            self._taken[each.key] = Taken(active_at=each.active_at, status=each.status, sent_at=now)

    def settle(self, keep: Collection[str]) -> None:
        for key in self._taken.keys() - set(keep):
            self._taken.pop(key, None)

    def close(self) -> None:
        self._alertmanager.close()
