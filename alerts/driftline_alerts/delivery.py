"""To everybody who is told: one courier a receiver, all at once and none waiting for another."""

import time
from collections.abc import Sequence
from datetime import timedelta

from driftline_alerts.alertmanager import Alertmanager
from driftline_alerts.courier import Courier, CourierStats
from driftline_alerts.direct_receivers import build_direct
from driftline_alerts.notification import Notification
from driftline_alerts.receivers import AlertmanagerReceiver, Receiver
from driftline_alerts.settings import AlertSettings
from driftline_core.clock import Clock
from driftline_core.store import Store


class Delivery:
    """The couriers together. Without receivers everything offered is simply not sent."""

    def __init__(self, receivers: Sequence[Receiver], *, queue_alerts: int, deadline: timedelta, clock: Clock) -> None:
        self._couriers = [
            Courier(receiver, queue_alerts=queue_alerts, deadline=deadline, clock=clock) for receiver in receivers
        ]

    def start(self) -> None:
        """Begin to deliver in the background."""
        for courier in self._couriers:
            courier.start()

    def stop(self, *, deadline_s: float) -> None:
        """Deliver what waits within deadline_s, end and close."""
        until = time.monotonic() + deadline_s
        for courier in self._couriers:
            courier.ask_to_stop(deadline_s=deadline_s)
        for courier in self._couriers:
            courier.stop(deadline_s=max(0.0, until - time.monotonic()))
            courier.close()

    def owe(self, notifications: Sequence[Notification]) -> None:
        """What fired when the process before this one ended."""
        for courier in self._couriers:
            courier.owe(notifications)

    def offer(self, notifications: Sequence[Notification]) -> None:
        """Everything that fires or resolved lately; each receiver picks what it is due."""
        for courier in self._couriers:
            courier.offer(notifications)

    def drain(self, *, deadline_s: float) -> bool:
        """Deliver, or wait for the delivery of, all that waits; False when time ran out."""
        results = [courier.drain(deadline_s=deadline_s) for courier in self._couriers]
        return all(results)

    def stats(self) -> tuple[CourierStats, ...]:
        """Counts by receiver."""
        return tuple(courier.stats() for courier in self._couriers)


def build_delivery(settings: AlertSettings, store: Store, clock: Clock) -> Delivery:
    """Every receiver of the settings. Raises ConfigError when one of them cannot be told as they say."""
    receivers: list[Receiver] = [
        AlertmanagerReceiver(
            Alertmanager(
                url,
                username=settings.alertmanager_username,
                password=settings.alertmanager_password,
                bearer_token=settings.alertmanager_bearer_token,
                verify_tls=settings.verify_tls,
                ca_file=settings.ca_file,
                timeout_s=settings.request_timeout_s,
            ),
            resend=timedelta(seconds=settings.resend_s),
            resend_resolved=timedelta(seconds=settings.resend_resolved_s),
        )
        for url in settings.alertmanager_urls
    ]
    receivers += build_direct(settings, store)
    return Delivery(
        receivers,
        queue_alerts=settings.queue_alerts,
        deadline=timedelta(seconds=settings.delivery_deadline_s),
        clock=clock,
    )
