"""The hundred other services, through the package apprise (`pip install 'driftline[apprise]'`).

apprise says of a request only whether it went well, so everything that fails is tried again; delivery is at least once.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import SecretStr

from driftline_alerts.errors import DeliveryError
from driftline_alerts.message import headline, plain_text
from driftline_alerts.notification import Notification
from driftline_core.errors import ConfigError

_TYPES: Final = {"critical": "failure", "page": "failure", "error": "failure", "info": "info", "none": "info"}


class AppriseChannel:
    """One apprise URL, e.g. `tgram://token/chat`. Raises ConfigError without the package, or when it does not know the URL.

    `name` and messages hold the URL's scheme alone: the rest is keys.
    """

    batch_alerts = 50

    def __init__(self, url: SecretStr, *, external_url: str = "") -> None:
        try:
            import apprise
        except ImportError as error:
            raise ConfigError(
                "expected the package apprise for apprise_urls: pip install 'driftline[apprise]'"
            ) from error
        text = url.get_secret_value()
        self.receiver_id = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.name = f"{text.partition(':')[0]} by apprise ({self.receiver_id[:6]})"
        self._apprise: Any = apprise.Apprise()
        if not self._apprise.add(text):
            raise ConfigError(f"expected a URL that apprise knows, got one of scheme {text.partition(':')[0]!r}")
        self._external_url = external_url

    def post(self, notifications: Sequence[Notification], *, now: datetime, delivery_id: str) -> None:
        """Send alerts of one alertname and status as one message."""
        severity = notifications[0].labels.get("severity", "").lower()
        is_taken = self._apprise.notify(
            title=headline(notifications),
            body=plain_text(notifications, external_url=self._external_url),
            notify_type="success" if notifications[0].is_resolved else _TYPES.get(severity, "warning"),
            body_format="text",
        )
        if not is_taken:
            raise DeliveryError(f"{self.name} did not take it", is_retryable=True)

    def close(self) -> None:
        """Nothing stays open."""
