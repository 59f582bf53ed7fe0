"""Alert state in the store: written before anything is sent, read at start, so a restart continues every timer."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from driftline_alerts.sql_files import read_sql
from driftline_alerts.transition import AlertState
from driftline_core.store import Store

_COLUMNS: Final = (
    "project",
    "rule_uid",
    "fingerprint",
    "alertname",
    "state",
    "labels",
    "annotations",
    "value",
    "active_at",
    "firing_at",
    "keep_until",
    "gap_since",
    "resolved_at",
    "last_eval",
)


class StateStore:
    """Reads and writes `alert_state` for one project. Methods raise StoreError."""

    def __init__(self, store: Store, *, project: str) -> None:
        self._store = store
        self._project = project

    def save(self, states: Iterable[AlertState]) -> int:
        """Write states in one block; returns how many."""
        return self._store.insert("alert_state", _COLUMNS, [self._row(state) for state in states])

    def load(self, *, resolved_since: datetime) -> list[AlertState]:
        """The newest episode of every alert that is active, or that fired and was resolved at resolved_since or later."""
        parameters = {"project": self._project, "since": sql_time(resolved_since)}
        return [_state(row) for row in self._store.rows(read_sql("load_states"), parameters)]

    def _row(self, state: AlertState) -> tuple[Any, ...]:
        return (
            self._project,
            state.rule_uid,
            state.fingerprint,
            state.labels.get("alertname", ""),
            state.phase,
            json.dumps(dict(state.labels), ensure_ascii=False, sort_keys=True),
            json.dumps(dict(state.annotations), ensure_ascii=False, sort_keys=True),
            state.value,
            state.active_at,
            state.firing_at,
            state.keep_until,
            state.gap_since,
            state.resolved_at,
            state.last_eval,
        )


def _state(row: dict[str, Any]) -> AlertState:
    return AlertState(
        rule_uid=row["rule_uid"],
        fingerprint=row["fingerprint"],
        labels=json.loads(row["labels"]),
        annotations=json.loads(row["annotations"]),
        value=row["value"],
        phase=row["state"],
        active_at=as_utc(row["active_at"]),
        firing_at=_optional(row["firing_at"]),
        keep_until=_optional(row["keep_until"]),
        gap_since=_optional(row["gap_since"]),
        resolved_at=_optional(row["resolved_at"]),
        last_eval=as_utc(row["last_eval"]),
    )


def as_utc(time: datetime) -> datetime:
    """A stored time with its zone, whether the driver said UTC or nothing."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _optional(time: datetime | None) -> datetime | None:
    return None if time is None else as_utc(time)


def sql_time(time: datetime) -> str:
    """A time as a DateTime64(3) parameter."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
