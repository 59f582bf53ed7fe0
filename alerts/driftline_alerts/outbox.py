"""What a direct receiver is owed and what it took, in the store: written before it is sent, marked after it was taken."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from driftline_alerts.notification import Notification, from_stored
from driftline_alerts.sql_files import read_sql
from driftline_alerts.state import as_utc, sql_time
from driftline_core.store import Store

_OUTBOX: Final = (
    "receiver", "rule_uid", "fingerprint", "active_at", "status", "delivery_id", "written_at", "notification",
)  # fmt: skip
_MARKS: Final = ("receiver", "rule_uid", "fingerprint", "active_at", "status", "sent_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a receiver last took of an alert. status: firing, resolved, or '' when it took nothing and refused something."""

    active_at: datetime
    status: str
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What one request carries: alerts in the order of their keys. A repeat has the same delivery_id and the same alerts."""

    delivery_id: str
    written_at: datetime
    notifications: tuple[Notification, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """That what an alert was owed until taken.sent_at is owed no longer."""

    key: str
    taken: Taken


class Outbox:
    """One receiver's rows of `alert_outbox` and `alert_deliveries`. Methods raise StoreError.

    Reading both back gives what was written and not marked since. Times in it only ever grow for one alert, whatever the clock does.
    """

    def __init__(self, store: Store, receiver_id: str) -> None:
        self._store = store
        self._receiver_id = receiver_id

    def taken(self, *, since: datetime) -> dict[str, Taken]:
        """By the alert's key: what was last taken of its newest episode, if that was at since or later."""
        newest: dict[str, Taken] = {}
        for row in self._rows("load_deliveries", since):
            taken = Taken(active_at=as_utc(row["active_at"]), status=row["status"], sent_at=as_utc(row["sent_at"]))
            key = f"{row['rule_uid']}:{row['fingerprint']}"
            if key not in newest or newest[key].active_at <= taken.active_at:
                newest[key] = taken
        return newest

    def owed(self, *, since: datetime) -> list[Parcel]:
        """What was written at since or later and never marked, oldest first."""
        return [
            Parcel(
                delivery_id=delivery_id,
                written_at=as_utc(written_at),
                notifications=tuple(from_stored(json.loads(row["notification"])) for row in rows),
            )
            for (written_at, delivery_id), rows in groupby(
                self._rows("load_owed", since), key=lambda row: (row["written_at"], row["delivery_id"])
            )
        ]

    def write(self, parcel: Parcel) -> None:
        """Write what is about to be sent; one block, so that a crash leaves all of a parcel or nothing."""
        rows = []
        for each in parcel.notifications:
            rule_uid, _, fingerprint = each.key.partition(":")
            episode = (self._receiver_id, rule_uid, fingerprint, each.active_at, each.status)
            rows.append((*episode, parcel.delivery_id, parcel.written_at, json.dumps(each.as_stored())))
        self._store.insert("alert_outbox", _OUTBOX, rows)

    def mark(self, marks: Iterable[Mark]) -> None:
        """Note what is owed no longer, in one block."""
        rows = []
        for mark in marks:
            rule_uid, _, fingerprint = mark.key.partition(":")
            taken = mark.taken
            rows.append((self._receiver_id, rule_uid, fingerprint, taken.active_at, taken.status, taken.sent_at))
        self._store.insert("alert_deliveries", _MARKS, rows)

    def _rows(self, query: str, since: datetime) -> Sequence[dict[str, Any]]:
        return self._store.rows(read_sql(query), {"receiver": self._receiver_id, "since": sql_time(since)})
