"""Takes notifications to one receiver in a thread of its own: bounded, coalescing, retrying, counting what it drops.

An alert waits at most once: what is new about it replaces what was waiting. So a receiver that was away hears the present
state when it is back, and never an old one.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from driftline_alerts.errors import DeliveryError
from driftline_alerts.notification import Notification
from driftline_alerts.receivers import Receiver
from driftline_core.clock import Clock
from driftline_core.errors import StoreError
from driftline_core.log import get_logger

_LOG = get_logger("alerts")
_FIRST_BACKOFF_S: Final = 0.25
_MOST_BACKOFF_S: Final = 15.0
_REJECTED_REST: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierStats:
    """Counts since the start. failed: attempts that raised; dropped by reason: queue full, rejected, expired, shutdown."""

    receiver: str
    sent: int
    failed: int
    dropped: dict[str, int]
    waiting: int
    last_error: str


@dataclass(slots=True, kw_only=True)
class _Mail:
    notification: Notification
    since: datetime


class Courier:
    """One receiver's queue and thread. offer is quick and never raises for the receiver's sake."""

    def __init__(
        self,
        receiver: Receiver,
        *,
        queue_alerts: int,
        deadline: timedelta,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._receiver = receiver
        self._queue_alerts = queue_alerts
        self._deadline = deadline
        self._clock = clock
        self._jitter = jitter
        self._mail: dict[str, _Mail] = {}
        self._rejected: dict[tuple[str, datetime, str], datetime] = {}
        self._changed = threading.Condition()
        self._delivering = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop_at: float | None = None
        self._sent = 0
        self._failed = 0
        self._failures_in_row = 0
        self._dropped: Counter[str] = Counter()
        self._last_error = ""

    def start(self) -> None:
        """Begin to deliver in the background."""
        self._stop_at = None
        self._thread = threading.Thread(target=self._run, name=f"courier {self._receiver.name}", daemon=True)
        self._thread.start()

    def ask_to_stop(self, *, deadline_s: float) -> None:
        """Deliver what waits within deadline_s, then end; returns at once."""
        with self._changed:
            self._stop_at = time.monotonic() + deadline_s
            self._changed.notify_all()

    def stop(self, *, deadline_s: float) -> None:
        """Deliver what waits within deadline_s, then end; the rest is dropped and counted."""
        self.ask_to_stop(deadline_s=deadline_s)
        if self._thread is not None:
            self._thread.join(deadline_s + 0.1)
            if self._thread.is_alive():
                _LOG.warning("courier did not stop in time", receiver=self._receiver.name, deadline_s=deadline_s)
            self._thread = None
        with self._changed:
            self._drop(list(self._mail), "shutdown")

    def close(self) -> None:
        """Close the connections; after stop."""
        self._receiver.close()

    def offer(self, notifications: Sequence[Notification]) -> None:
        """All that could be said now; what the receiver is due is queued. Alerts left out are forgotten."""
        try:
            self._offer(notifications, self._clock())
        except StoreError as error:
            with self._changed:
                self._failed += 1
                self._last_error = str(error)
            _LOG.warning("deliveries not known", receiver=self._receiver.name, error=str(error))

    def owe(self, notifications: Sequence[Notification]) -> None:
        """What a process before this one may have noted and not said; the receiver hears of it even if it is over by then."""
        try:
            self._receiver.owe(notifications, self._clock())
        except StoreError as error:
            _LOG.warning("deliveries not known", receiver=self._receiver.name, error=str(error))

    def _offer(self, notifications: Sequence[Notification], now: datetime) -> None:
        keys = {each.key for each in notifications}
        self._receiver.settle(keys)
        owed = [each for each in self._receiver.owed(now) if each.key not in keys]
        self._rejected = {key: at for key, at in self._rejected.items() if now - at < _REJECTED_REST}
        with self._changed:
            for each in (*owed, *notifications):
                if _identity(each) not in self._rejected and self._receiver.is_due(each, now):
                    self._put(each, now)
            self._changed.notify_all()

    def drain(self, *, deadline_s: float) -> bool:
        """Wait until nothing waits, delivering in this thread when the courier was not started; False when time ran out."""
        until = time.monotonic() + deadline_s
        while self._mail or self._delivering.locked():
            rest_s = self._attempt() if self._thread is None else 0.02
            left_s = until - time.monotonic()
            time.sleep(max(0.0, min(rest_s, left_s)))
            if rest_s >= left_s:
                return not self._mail
        return True

    def stats(self) -> CourierStats:
        """Counts so far."""
        with self._changed:
            return CourierStats(
                receiver=self._receiver.name,
                sent=self._sent,
                failed=self._failed,
                dropped=dict(self._dropped),
                waiting=len(self._mail),
                last_error=self._last_error,
            )

    def _put(self, notification: Notification, now: datetime) -> None:
        waiting = self._mail.get(notification.key)
        if waiting is not None:
            if _identity(waiting.notification) != _identity(notification):
                waiting.since = now
            waiting.notification = notification
        elif len(self._mail) >= self._queue_alerts:
            self._dropped["queue full"] += 1
        else:
            self._mail[notification.key] = _Mail(notification=notification, since=now)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._mail and self._stop_at is None:
                    self._changed.wait()
                is_over = self._stop_at is not None and (not self._mail or time.monotonic() >= self._stop_at)
            if is_over:
                return
            try:
                rest_s = self._attempt()
            except Exception:  # noqa: BLE001 - the edge of the loop: a defect here must not silence a receiver
                _LOG.exception("courier failed", receiver=self._receiver.name)
                rest_s = _MOST_BACKOFF_S
            self._rest(rest_s)

    def _rest(self, seconds: float) -> None:
        """Sleep, but no longer than stop allows; new mail does not cut a backoff short."""
        until = time.monotonic() + seconds
        with self._changed:
            while (left_s := min(until, self._stop_at or until) - time.monotonic()) > 0:
                self._changed.wait(left_s)

    def _attempt(self) -> float:
        """Try one batch; returns the seconds to rest before the next."""
        with self._delivering:
            now = self._clock()
            batch = self._take(now)
            if not batch:
                return 0.0
            try:
                self._deliver(batch, now)
            except DeliveryError as error:
                return self._after_error(batch, error, now)
            return 0.0

    def _deliver(self, batch: Sequence[Notification], now: datetime) -> None:
        try:
            self._receiver.deliver(batch, now)
        except DeliveryError:
            raise
        except Exception as error:  # one alert that breaks our own code must not keep the others from arriving
            _LOG.exception("delivery failed", receiver=self._receiver.name)
            raise DeliveryError(
                f"{type(error).__name__} while telling {self._receiver.name}", is_retryable=False
            ) from error
        self._after_success(batch)

    def _take(self, now: datetime) -> list[Notification]:
        with self._changed:
            expired = [
                key
                for key, mail in self._mail.items()
                if now - mail.since > self._deadline
                or (not mail.notification.is_resolved and mail.notification.ends_at <= now)
            ]
            self._drop(expired, "expired")
            # What was delivered or ended while it waited is no longer due; that is no loss.
            stale = [key for key, mail in self._mail.items() if not self._receiver.is_due(mail.notification, now)]
            for key in stale:
                del self._mail[key]
            return [mail.notification for mail in list(self._mail.values())[: self._receiver.batch_alerts]]

    def _after_success(self, batch: Sequence[Notification]) -> None:
        with self._changed:
            self._sent += len(batch)
            self._failures_in_row = 0
            self._last_error = ""
            self._remove(batch)

    def _after_error(self, batch: Sequence[Notification], error: DeliveryError, now: datetime) -> float:
        if not error.is_about_alerts:
            return self._back_off(error)
        if len(batch) > 1:
            for each in batch:  # one of them is refused: find out which, so that the others arrive
                try:
                    self._deliver([each], now)
                except DeliveryError as single:
                    if not single.is_about_alerts:
                        return self._back_off(single)
                    self._reject(each, single, now)
            return 0.0
        self._reject(batch[0], error, now)
        return 0.0

    def _back_off(self, error: DeliveryError) -> float:
        with self._changed:
            self._failed += 1
            self._failures_in_row += 1
            self._last_error = str(error)
            n_failures = self._failures_in_row
        most_s = min(_MOST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(n_failures - 1, 10))
        rest_s = max(most_s * (0.5 + 0.5 * self._jitter()), min(error.retry_after_s or 0.0, 4 * _MOST_BACKOFF_S))
        _LOG.warning(
            "notification not taken", receiver=self._receiver.name, error=str(error), retry_in_s=round(rest_s, 2)
        )
        return rest_s

    def _reject(self, notification: Notification, error: DeliveryError, now: datetime) -> None:
        with self._changed:
            self._failed += 1
            self._last_error = str(error)
            self._dropped["rejected"] += 1
            self._rejected[_identity(notification)] = now
            self._remove([notification])
        _LOG.error(
            "notification refused",
            receiver=self._receiver.name,
            alertname=notification.labels.get("alertname", ""),
            error=str(error),
        )

    def _remove(self, batch: Sequence[Notification]) -> None:
        for each in batch:
            waiting = self._mail.get(each.key)
            if waiting is not None and _identity(waiting.notification) == _identity(each):
                del self._mail[each.key]

    def _drop(self, keys: Sequence[str], reason: str) -> None:
        for key in keys:
            del self._mail[key]
        if keys:
            self._dropped[reason] += len(keys)
            _LOG.warning("notifications dropped", receiver=self._receiver.name, reason=reason, alerts=len(keys))


def _identity(notification: Notification) -> tuple[str, datetime, str]:
    return notification.key, notification.active_at, notification.status
