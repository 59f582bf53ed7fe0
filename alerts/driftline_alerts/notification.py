"""An alert as receivers get it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from driftline_alerts.labels import Labels, fingerprint, sanitise_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One alert to tell. key: rule_uid and fingerprint; with active_at it names one episode.

    ends_at: when it resolved, or until when it counts as firing if nobody says it again. detail: for webhooks, beside Alertmanager's own.
    """

    key: str
    labels: Labels
    annotations: Mapping[str, str]
    active_at: datetime
    starts_at: datetime
    ends_at: datetime
    is_resolved: bool
    generator_url: str
    detail: Mapping[str, Any] | None = None

    @property
    def status(self) -> str:
        """'firing' or 'resolved'."""
        return "resolved" if self.is_resolved else "firing"

    def as_alertmanager(self) -> dict[str, Any]:
        """A postableAlert of Alertmanager's API v2, with label names that every version takes."""
        return {
            "labels": sanitise_labels(self.labels),
            "annotations": sanitise_labels(self.annotations),
            "startsAt": rfc3339(self.starts_at),
            "endsAt": rfc3339(self.ends_at),
            "generatorURL": self.generator_url,
        }

    def as_webhook(self) -> dict[str, Any]:
        """An alert of Alertmanager's webhook; endsAt is Go's zero time while it fires, as there. `driftline` holds the detail, if any."""
        return {
            "status": self.status,
            **self.as_alertmanager(),
            "endsAt": rfc3339(self.ends_at) if self.is_resolved else "0001-01-01T00:00:00Z",
            "fingerprint": fingerprint(sanitise_labels(self.labels)),
            **({"driftline": self.detail} if self.detail is not None else {}),
        }

    def as_stored(self) -> dict[str, Any]:
        """Everything, for JSON; `from_stored` reads it back, times to the microsecond."""
        return {
            "key": self.key,
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
            "active_at": self.active_at.isoformat(),
            "starts_at": self.starts_at.isoformat(),
            "ends_at": self.ends_at.isoformat(),
            "is_resolved": self.is_resolved,
            "generator_url": self.generator_url,
            "detail": self.detail,
        }


def from_stored(stored: Mapping[str, Any]) -> Notification:
    """The notification that as_stored wrote."""
    times = {name: datetime.fromisoformat(stored[name]) for name in ("active_at", "starts_at", "ends_at")}
    return Notification(**{**stored, **times})


def rfc3339(time: datetime) -> str:
    """UTC with milliseconds, e.g. 2026-11-20T12:00:00.000Z."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
