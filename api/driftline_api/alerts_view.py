"""What the API shows of an alert evaluator, without importing it."""

from typing import Any, Protocol


class AlertsView(Protocol):
    """Rules and alerts in the shapes of Prometheus' HTTP API (`data` of /api/v1/rules and /api/v1/alerts)."""

    def rules_payload(self) -> dict[str, Any]:
        """{"groups": [{"name", "file", "interval", "rules": [...]}]}."""
        ...

    def alerts_payload(self) -> dict[str, Any]:
        """{"alerts": [{"labels", "annotations", "state", "activeAt", "value"}]}, pending and firing ones."""
        ...
