"""Direct delivery to a webhook, in the shape of Alertmanager's webhook (version 4), so its receivers work unchanged.

Unlike Alertmanager's, a request holds only what is new: an alert once when it fires, once when it resolves, and again after
webhook_repeat_s while it lasts. Delivery is at least once: a crash between the answer and our note of it repeats one request,
which the `Driftline-Delivery` header lets a receiver recognise: a repeat has the same one, a reminder another.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import SecretStr

from driftline_alerts.notification import Notification
from driftline_alerts.receiver_http import receiver_client, send

SIGNATURE_HEADER: Final = "Driftline-Signature"
TIMESTAMP_HEADER: Final = "Driftline-Timestamp"
DELIVERY_HEADER: Final = "Driftline-Delivery"


class Webhook:
    """One webhook URL. post raises DeliveryError; its messages and `name` hold the host alone, because paths are often keys."""

    batch_alerts = 256

    def __init__(
        self,
        url: str,
        *,
        secret: SecretStr | None = None,
        external_url: str = "",
        verify_tls: bool = True,
        ca_file: Path | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self._url = url
        self._secret = secret
        self._external_url = external_url
        self.receiver_id = hashlib.sha256(url.encode()).hexdigest()[:16]
        host = httpx.URL(url).netloc.decode().rpartition("@")[2]
        self.name = f"webhook {host} ({self.receiver_id[:6]})"
        self._client = receiver_client(timeout_s=timeout_s, verify_tls=verify_tls, ca_file=ca_file)

    def post(self, notifications: Sequence[Notification], *, now: datetime, delivery_id: str) -> None:
        """Send alerts of one alertname as one group. delivery_id: see the module's docstring."""
        body = json.dumps(group_body(notifications, external_url=self._external_url), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", DELIVERY_HEADER: delivery_id}
        if self._secret is not None:
            timestamp = str(int(now.timestamp()))
            headers[TIMESTAMP_HEADER] = timestamp
            headers[SIGNATURE_HEADER] = sign(self._secret.get_secret_value(), timestamp, body)
        send(self._client, "POST", self._url, receiver=self.name, content=body, headers=headers)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """`sha256=` and the hex HMAC-SHA256, keyed by secret, of timestamp, a dot and the body. Compare with hmac.compare_digest."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def group_body(notifications: Sequence[Notification], *, external_url: str) -> dict[str, Any]:
    """The request body for alerts that share an alertname."""
    alerts = [each.as_webhook() for each in notifications]
    name = notifications[0].labels.get("alertname", "")
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{name}"}}',
        "truncatedAlerts": 0,
        "status": "resolved" if all(each.is_resolved for each in notifications) else "firing",
        "receiver": "driftline",
        "groupLabels": {"alertname": name},
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": external_url,
        "alerts": alerts,
    }


def _common(sets: list[dict[str, str]]) -> dict[str, str]:
    first, *rest = sets
    return {name: text for name, text in first.items() if all(each.get(name) == text for each in rest)}
