"""PagerDuty by its Events API v2: one incident an alert. A repeat changes nothing there, so a crash cannot page twice.

Only `trigger` and `resolve` are sent on Driftline's own account. Acknowledging stops an escalation, which a person must decide:
`acknowledge` is for those who do so from here.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import SecretStr

from driftline_alerts.labels import Labels, sanitise_labels
from driftline_alerts.message import cut, headline, links, slice_text
from driftline_alerts.notification import Notification, rfc3339
from driftline_alerts.receiver_http import receiver_client, send

EVENTS_URL: Final = "https://events.pagerduty.com/v2/enqueue"
_MAX_SUMMARY: Final = 1024  # PagerDuty refuses more
_MAX_DETAIL: Final = 4_000  # an event may have 512 kB
_MAX_FIELD: Final = 255
_COMPONENT: Final = ("model", "provider", "analyzer", "field")
_GROUP: Final = ("environment", "segment", "service")
_SEVERITIES: Final = {
    "critical": "critical", "page": "critical", "error": "error", "warning": "warning", "ticket": "warning", "info": "info",
    "none": "info",
}  # fmt: skip
_DETAILS: Final = ("description", "finding", "examples", "export_version", "export_url", "export_error")


class PagerDuty:
    """One integration (its routing key). Methods raise DeliveryError; neither messages nor `name` hold the key."""

    batch_alerts = 1

    def __init__(
        self,
        routing_key: SecretStr,
        *,
        url: str = EVENTS_URL,
        external_url: str = "",
        verify_tls: bool = True,
        ca_file: Path | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self._routing_key = routing_key
        self._url = url
        self._external_url = external_url
        self.receiver_id = hashlib.sha256(f"{url} {routing_key.get_secret_value()}".encode()).hexdigest()[:16]
        self.name = f"PagerDuty {httpx.URL(url).netloc.decode().rpartition('@')[2]} ({self.receiver_id[:6]})"
        self._client = receiver_client(timeout_s=timeout_s, verify_tls=verify_tls, ca_file=ca_file)

    def post(self, notifications: Sequence[Notification], *, now: datetime, delivery_id: str) -> None:
        """Trigger or resolve the incident of each alert. Neither now nor delivery_id matter: the dedup_key tells repeats."""
        for each in notifications:
            self._enqueue(event(each, external_url=self._external_url))

    def acknowledge(self, notification: Notification) -> None:
        """Say that somebody works on an alert's incident, which ends its escalation."""
        self._enqueue({"event_action": "acknowledge", "dedup_key": dedup_key(notification)})

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _enqueue(self, body: Mapping[str, Any]) -> None:
        content = json.dumps({"routing_key": self._routing_key.get_secret_value(), **body}).encode()
        headers = {"Content-Type": "application/json"}
        send(self._client, "POST", self._url, receiver=self.name, content=content, headers=headers)


def dedup_key(notification: Notification) -> str:
    """What makes events one incident: the SHA-256, in hex, of the rule's uid and the sorted labels."""
    rule_uid = notification.key.partition(":")[0]
    text = json.dumps([rule_uid, sorted(notification.labels.items())], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def event(notification: Notification, *, external_url: str) -> dict[str, Any]:
    """An event without its routing key: a trigger with everything a person needs, or a resolve."""
    if notification.is_resolved:
        return {"event_action": "resolve", "dedup_key": dedup_key(notification)}
    labels = notification.labels
    payload = {
        "summary": cut(headline([notification]).partition(": ")[2], _MAX_SUMMARY),
        "source": cut(labels.get("service") or labels.get("instance") or "driftline", _MAX_FIELD),
        "severity": _SEVERITIES.get(labels.get("severity", "").lower(), "error"),
        "timestamp": rfc3339(notification.starts_at),
        "component": _first(labels, _COMPONENT),
        "group": _first(labels, _GROUP),
        "class": cut(labels.get("alertname", ""), _MAX_FIELD),
        "custom_details": _details(notification),
    }
    return {
        "event_action": "trigger",
        "dedup_key": dedup_key(notification),
        "payload": {name: text for name, text in payload.items() if text},
        "links": [{"href": link.url, "text": link.name} for link in links(notification)],
        "client": "Driftline",
        "client_url": external_url,
    }


def _first(labels: Labels, names: Sequence[str]) -> str:
    return cut(next((labels[name] for name in names if labels.get(name)), ""), _MAX_FIELD)


def _details(notification: Notification) -> dict[str, Any]:
    annotations = notification.annotations
    details: dict[str, Any] = {name: cut(annotations[name], _MAX_DETAIL) for name in _DETAILS if annotations.get(name)}
    if "examples" in details:
        details["examples"] = details["examples"].splitlines()
    labels = {name: cut(text, _MAX_FIELD) for name, text in sanitise_labels(notification.labels).items()}
    return {"slice": cut(slice_text(notification), _MAX_DETAIL), "labels": labels, **details}
