"""PagerDuty's Events API v2 on loopback: its checks, its answers, and the incidents that events make of one another."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from tests.alerts.receiver import Receiver, wait_until

ROUTING_KEY: Final = "0123456789abcdef0123456789abcdef"
_ACTIONS: Final = ("trigger", "acknowledge", "resolve")
_SEVERITIES: Final = ("critical", "error", "warning", "info")


@dataclass(slots=True, kw_only=True)
class Incident:
    """What PagerDuty makes of events with one dedup_key until a resolve. state: triggered, acknowledged, resolved."""

    dedup_key: str
    summary: str
    state: str = "triggered"
    events: list[dict[str, Any]] = field(default_factory=list)


class PagerDutyServer(Receiver):
    """Takes events at any path with 202 unless `status` says otherwise, and refuses with 400 what PagerDuty would."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 202
        self.incidents: list[Incident] = []

    def respond(self, body: bytes) -> tuple[int, bytes]:
        if self.status != 202:
            return self.status, json.dumps({"status": "throttle exceeded", "message": "try later"}).encode()
        event = json.loads(body)
        errors = _errors(event)
        if errors:
            refused = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return 400, json.dumps(refused).encode()
        self._apply(event)
        taken = {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}
        return 202, json.dumps(taken).encode()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event that arrived, taken or not."""
        return [request.json for request in list(self.requests)]

    def states(self) -> list[str]:
        """The state of every incident, oldest first: each is one page."""
        return [incident.state for incident in list(self.incidents)]

    def wait_for_states(self, *states: str, within_s: float = 20.0) -> None:
        """Return once the incidents are in these states."""
        wait_until(lambda: self.states() == list(states), within_s=within_s)

    def _apply(self, event: dict[str, Any]) -> None:
        key, action = event["dedup_key"], event["event_action"]
        found = next((i for i in self.incidents if i.dedup_key == key and i.state != "resolved"), None)
        if found is None and action == "trigger":
            found = Incident(dedup_key=key, summary=event["payload"]["summary"])
            self.incidents.append(found)
        if found is None:
            return
        found.events.append(event)
        if action == "acknowledge":
            found.state = "acknowledged"
        elif action == "resolve":
            found.state = "resolved"


def _errors(event: dict[str, Any]) -> list[str]:
    errors = []
    if len(event.get("routing_key", "")) != len(ROUTING_KEY):
        errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    if event.get("event_action") not in _ACTIONS:
        errors.append("'event_action' is invalid")
    if not 0 < len(event.get("dedup_key", "")) <= 255:
        errors.append("'dedup_key' is too long or missing")
    if event.get("event_action") == "trigger":
        payload = event.get("payload", {})
        errors += [f"'payload.{name}' is missing or blank" for name in ("summary", "source") if not payload.get(name)]
        if payload.get("severity") not in _SEVERITIES:
            errors.append("'payload.severity' is invalid (must be one of: 'critical', 'error', 'warning' or 'info')")
        if len(payload.get("summary", "")) > 1024:
            errors.append("'payload.summary' is too long")
    return errors
