"""A client of Alertmanager's API v2, for one endpoint; tested against 0.25, tolerant of fields that newer versions add."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
from pydantic import SecretStr

from driftline_alerts.errors import DeliveryError
from driftline_alerts.notification import Notification, rfc3339
from driftline_alerts.receiver_http import receiver_client, send


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One condition of a silence or filter on a label; its text is Alertmanager's: `service=~"chat.*"`."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def __str__(self) -> str:
        op = ("=~" if self.is_equal else "!~") if self.is_regex else ("=" if self.is_equal else "!=")
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{op}"{quoted}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedAlert:
    """An alert as Alertmanager holds it. state: unprocessed, active or suppressed."""

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime
    state: str
    silenced_by: tuple[str, ...]
    inhibited_by: tuple[str, ...]
    receivers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A silence as Alertmanager holds it. state: pending, active or expired."""

    silence_id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertmanagerStatus:
    """Version, and the state of its cluster: ready, settling or disabled."""

    version: str
    cluster: str
    uptime_since: datetime


class Alertmanager:
    """One Alertmanager. Every method raises DeliveryError, which says whether trying again helps.

    url: without /api/v2. A bearer token replaces basic authentication.
    """

    def __init__(
        self,
        url: str,
        *,
        username: str | None = None,
        password: SecretStr | None = None,
        bearer_token: SecretStr | None = None,
        verify_tls: bool = True,
        ca_file: Path | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self._base = f"{url.rstrip('/')}/api/v2"
        self.name = f"Alertmanager {httpx.URL(url).netloc.decode().rpartition('@')[2]}"
        headers = {} if bearer_token is None else {"Authorization": f"Bearer {bearer_token.get_secret_value()}"}
        auth = None
        if bearer_token is None and username is not None:
            auth = httpx.BasicAuth(username, password.get_secret_value() if password is not None else "")
        self._client = receiver_client(
            timeout_s=timeout_s, verify_tls=verify_tls, ca_file=ca_file, auth=auth, headers=headers
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def post_alerts(self, notifications: Sequence[Notification]) -> None:
        """Tell of alerts. A 400 for one of them still lets Alertmanager take the others (0.25 does)."""
        self._send("POST", "alerts", json=[each.as_alertmanager() for each in notifications])

    def alerts(self, matchers: Iterable[Matcher] = ()) -> list[ReceivedAlert]:
        """What it holds, silenced and inhibited ones too, where every matcher fits."""
        response = self._send("GET", "alerts", params={"filter": [str(each) for each in matchers]})
        return _read(lambda body: [_alert(raw) for raw in body], response)

    def status(self) -> AlertmanagerStatus:
        """Version and cluster state."""
        return _read(_status, self._send("GET", "status"))

    def is_ready(self) -> bool:
        """True when it answers; never raises."""
        try:
            self.status()
        except DeliveryError:
            return False
        return True

    def silence(
        self,
        matchers: Sequence[Matcher],
        *,
        starts_at: datetime,
        ends_at: datetime,
        created_by: str,
        comment: str,
        replaces: str | None = None,
    ) -> str:
        """Create a silence, or replace one; returns its id."""
        body: dict[str, Any] = {
            "matchers": [
                {"name": m.name, "value": m.value, "isRegex": m.is_regex, "isEqual": m.is_equal} for m in matchers
            ],
            "startsAt": rfc3339(starts_at),
            "endsAt": rfc3339(ends_at),
            "createdBy": created_by,
            "comment": comment,
        }
        if replaces is not None:
            body["id"] = replaces
        return _read(lambda raw: str(raw["silenceID"]), self._send("POST", "silences", json=body))

    def silences(self, matchers: Iterable[Matcher] = ()) -> list[Silence]:
        """Every silence it knows, expired ones too."""
        response = self._send("GET", "silences", params={"filter": [str(each) for each in matchers]})
        return _read(lambda body: [_silence(raw) for raw in body], response)

    def expire_silence(self, silence_id: str) -> None:
        """End a silence now."""
        try:
            safe = str(uuid.UUID(silence_id))
        except ValueError as error:
            raise DeliveryError(f"expected a silence's id (a UUID), got {silence_id!r}", is_retryable=False) from error
        self._send("DELETE", f"silence/{safe}")

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return send(self._client, method, f"{self._base}/{path}", receiver=self.name, **arguments)


_Record = TypeVar("_Record")


def _read(parse: Callable[[Any], _Record], response: httpx.Response) -> _Record:
    try:
        return parse(response.json())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DeliveryError(
            f"expected Alertmanager's API v2, got an answer that cannot be read: {type(error).__name__}: {error}",
            is_retryable=False,
        ) from error


def _alert(raw: Any) -> ReceivedAlert:
    status = raw["status"]
    return ReceivedAlert(
        fingerprint=raw["fingerprint"],
        labels=dict(raw["labels"]),
        annotations=dict(raw["annotations"]),
        starts_at=datetime.fromisoformat(raw["startsAt"]),
        ends_at=datetime.fromisoformat(raw["endsAt"]),
        state=status["state"],
        silenced_by=tuple(status["silencedBy"] or ()),
        inhibited_by=tuple(status["inhibitedBy"] or ()),
        receivers=tuple(receiver["name"] for receiver in raw["receivers"]),
    )


def _silence(raw: Any) -> Silence:
    return Silence(
        silence_id=raw["id"],
        matchers=tuple(
            Matcher(name=m["name"], value=m["value"], is_regex=m["isRegex"], is_equal=m.get("isEqual", True))
            for m in raw["matchers"]
        ),
        starts_at=datetime.fromisoformat(raw["startsAt"]),
        ends_at=datetime.fromisoformat(raw["endsAt"]),
        created_by=raw["createdBy"],
        comment=raw["comment"],
        state=raw["status"]["state"],
    )


def _status(raw: Any) -> AlertmanagerStatus:
    return AlertmanagerStatus(
        version=raw["versionInfo"]["version"],
        cluster=raw["cluster"]["status"],
        uptime_since=datetime.fromisoformat(raw["uptime"]),
    )
