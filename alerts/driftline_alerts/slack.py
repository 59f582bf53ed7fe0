"""Slack by an incoming webhook: what moved, by how much, the slice, examples and links, in blocks within Slack's limits.

Slack cannot tell a repeat: delivery is at least once (see `direct.py` for when it is twice).
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import SecretStr

from driftline_alerts.message import MAX_ALERTS, cut, facts, headline, links
from driftline_alerts.notification import Notification
from driftline_alerts.receiver_http import receiver_client, send

# Slack refuses a header over 150 characters, a section over 3,000 and more than 50 blocks.
_MAX_HEADER: Final = 150
_MAX_SECTION: Final = 2_900
_MAX_FALLBACK: Final = 500


class Slack:
    """One incoming webhook. post raises DeliveryError; its messages and `name` hold the host alone, because the path is the key."""

    batch_alerts = 50

    def __init__(
        self,
        url: SecretStr,
        *,
        external_url: str = "",
        verify_tls: bool = True,
        ca_file: Path | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self._url = url
        self._external_url = external_url
        self.receiver_id = hashlib.sha256(url.get_secret_value().encode()).hexdigest()[:16]
        host = httpx.URL(url.get_secret_value()).netloc.decode().rpartition("@")[2]
        self.name = f"Slack {host} ({self.receiver_id[:6]})"
        self._client = receiver_client(timeout_s=timeout_s, verify_tls=verify_tls, ca_file=ca_file)

    def post(self, notifications: Sequence[Notification], *, now: datetime, delivery_id: str) -> None:
        """Send alerts of one alertname and status as one message. Slack knows no delivery ids, so it is not sent."""
        content = json.dumps(message_body(notifications, external_url=self._external_url)).encode()
        headers = {"Content-Type": "application/json"}
        send(self._client, "POST", self._url.get_secret_value(), receiver=self.name, content=content, headers=headers)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def message_body(notifications: Sequence[Notification], *, external_url: str) -> dict[str, Any]:
    """The request body. Texts of alerts are plain text blocks, so nothing in them is markup or a mention."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(cut(headline(notifications), _MAX_HEADER))},
    ]
    for each in notifications[:MAX_ALERTS]:
        if len(notifications) > 1:
            blocks.append({"type": "divider"})
        text = "\n".join(f"{name}:\n{text}" if "\n" in text else f"{name}: {text}" for name, text in facts(each))
        blocks.append({"type": "section", "text": _plain(cut(text, _MAX_SECTION))})
        found = " · ".join(_link(link.url, link.name) for link in links(each))
        if found and len(found) <= _MAX_SECTION:
            blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": found}]})
    rest = len(notifications) - MAX_ALERTS
    if rest > 0:
        text = f"and {rest} more: {_link(external_url, 'Driftline')}"
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": text}]})
    return {"text": _escape(cut(headline(notifications), _MAX_FALLBACK)), "blocks": blocks}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _link(url: str, name: str) -> str:
    return f"<{_escape(url.replace('|', '%7C').replace('<', '%3C').replace('>', '%3E'))}|{name}>"
