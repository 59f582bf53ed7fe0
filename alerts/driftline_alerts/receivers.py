"""What each kind of receiver needs to hear, and when: Alertmanager again and again, a webhook once.

Alertmanager forgets what nobody repeats, so it gets every firing alert each resend_s and resolved ones for a while. A webhook
pages whoever it reaches, so what it took is remembered in the store (`alert_deliveries`) and said once, through restarts.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, Protocol

from driftline_alerts.alertmanager import Alertmanager
from driftline_alerts.notification import Notification, rfc3339
from driftline_alerts.sql_files import read_sql
from driftline_alerts.state import as_utc, sql_time
from driftline_alerts.webhook import Webhook
from driftline_core.errors import StoreError
from driftline_core.log import get_logger
from driftline_core.store import Store

_LOG = get_logger("alerts")
_LEDGER_AGE: Final = timedelta(days=90)
_COLUMNS: Final = ("receiver", "rule_uid", "fingerprint", "active_at", "status", "sent_at")


class Receiver(Protocol):
    """Somebody who is told of alerts."""

    name: str

    def is_due(self, notification: Notification, now: datetime) -> bool:
        """Whether it should hear this now."""
        ...

    def deliver(self, batch: Sequence[Notification], now: datetime) -> None:
        """Tell it, and remember that it knows. Raises DeliveryError."""
        ...

    def forget(self, keep: Collection[str]) -> None:
        """Drop what is remembered of alerts whose key is not in keep."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """What a receiver last took of an alert."""

    active_at: datetime
    status: str
    sent_at: datetime


class AlertmanagerReceiver:
    """One Alertmanager, kept up to date."""

    def __init__(self, alertmanager: Alertmanager, *, resend: timedelta, resend_resolved: timedelta) -> None:
        self._alertmanager = alertmanager
        self._resend = resend
        self._resend_resolved = resend_resolved
        self._taken: dict[str, _Taken] = {}
        self.name = alertmanager.name

    def is_due(self, notification: Notification, now: datetime) -> bool:
        taken = self._taken.get(notification.key)
        if taken is None or (taken.active_at, taken.status) != (notification.active_at, notification.status):
            return True
        if notification.is_resolved and now - notification.ends_at > self._resend_resolved:
            return False
        return now - taken.sent_at >= self._resend

    def deliver(self, batch: Sequence[Notification], now: datetime) -> None:
        self._alertmanager.post_alerts(batch)
        for each in batch:
            self._taken[each.key] = _Taken(active_at=each.active_at, status=each.status, sent_at=now)

    def forget(self, keep: Collection[str]) -> None:
        for key in self._taken.keys() - set(keep):
            self._taken.pop(key, None)

    def close(self) -> None:
        self._alertmanager.close()


class WebhookReceiver:
    """One webhook, told once: of a firing alert, and of its end when it heard of the beginning. repeat 0: no reminders."""

    def __init__(self, webhook: Webhook, store: Store, *, repeat: timedelta) -> None:
        self._webhook = webhook
        self._store = store
        self._repeat = repeat
        self._taken: dict[str, _Taken] | None = None
        self.name = webhook.name

    def is_due(self, notification: Notification, now: datetime) -> bool:
        taken = self._ledger(now).get(notification.key)
        is_known = taken is not None and taken.active_at == notification.active_at
        if taken is None or not is_known:
            return not notification.is_resolved
        if notification.is_resolved:
            return taken.status == "firing"
        return taken.status == "firing" and bool(self._repeat) and now - taken.sent_at >= self._repeat

    def deliver(self, batch: Sequence[Notification], now: datetime) -> None:
        ordered = sorted(batch, key=_alertname)
        for _, group in groupby(ordered, key=_alertname):
            alerts = list(group)
            self._webhook.post(alerts, now=now, delivery_id=self._delivery_id(alerts, now))
            self._note(alerts, now)

    def forget(self, keep: Collection[str]) -> None:
        ledger = self._taken or {}
        for key in ledger.keys() - set(keep):
            if ledger[key].status == "resolved":
                del ledger[key]

    def close(self) -> None:
        self._webhook.close()

    def _ledger(self, now: datetime) -> dict[str, _Taken]:
        if self._taken is None:
            parameters = {"receiver": self._webhook.receiver_id, "since": sql_time(now - _LEDGER_AGE)}
            newest: dict[str, _Taken] = {}
            for row in self._store.rows(read_sql("load_deliveries"), parameters):
                taken = _Taken(active_at=as_utc(row["active_at"]), status=row["status"], sent_at=as_utc(row["sent_at"]))
                key = f"{row['rule_uid']}:{row['fingerprint']}"
                if key not in newest or newest[key].active_at <= taken.active_at:
                    newest[key] = taken
            self._taken = newest
        return self._taken

    def _note(self, alerts: Sequence[Notification], now: datetime) -> None:
        ledger = self._ledger(now)
        rows = []
        for each in alerts:
            ledger[each.key] = _Taken(active_at=each.active_at, status=each.status, sent_at=now)
            rule_uid, _, fingerprint = each.key.partition(":")
            rows.append((self._webhook.receiver_id, rule_uid, fingerprint, each.active_at, each.status, now))
        try:
            self._store.insert("alert_deliveries", _COLUMNS, rows)
        except StoreError as error:  # sent all the same; a restart before the next note may say it again
            _LOG.warning("delivery not noted", receiver=self.name, alerts=len(rows), error=str(error))

    def _delivery_id(self, alerts: Sequence[Notification], now: datetime) -> str:
        ledger = self._ledger(now)
        parts = []
        for each in alerts:
            before = ledger.get(each.key)
            last = rfc3339(before.sent_at) if before is not None else ""
            parts.append(f"{each.key} {rfc3339(each.active_at)} {each.status} {last}")
        return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:32]


def _alertname(notification: Notification) -> str:
    return notification.labels.get("alertname", "")
