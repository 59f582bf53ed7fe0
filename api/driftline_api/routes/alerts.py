"""Alerts: what fires, what waits, what was resolved lately."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from driftline_api.alerts_view import AlertsView
from driftline_api.context import Context
from driftline_api.parameters import Project, UtcDatetime, as_utc, unix_ns
from driftline_api.problems import problem_responses
from driftline_api.reader import Row, read_sql
from driftline_api.score import json_object

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

_RESOLVED_FOR = timedelta(days=7)
_MOST = 500
_ORDER = {"firing": 0, "pending": 1, "resolved": 2}
_FRACTION = re.compile(r"(\.\d{6})\d+")


class Alert(BaseModel):
    """One alert."""

    alertname: str = Field(description="Name of the rule.", examples=["SemanticDrift"])
    state: Literal["firing", "pending", "resolved"] = Field(description="firing, pending or resolved.")
    severity: str = Field(description="Label `severity`, '' when there is none.", examples=["page"])
    summary: str = Field(description="Annotation `summary`, '' when there is none.")
    description: str = Field(description="Annotation `description`, '' when there is none.")
    labels: dict[str, str] = Field(description="Labels of the alert.")
    annotations: dict[str, str] = Field(description="Annotations of the alert.")
    value: float | None = Field(description="Value of the expression when last evaluated.")
    active_at: UtcDatetime | None = Field(description="Since when the condition holds (UTC).")
    resolved_at: UtcDatetime | None = Field(default=None, description="When it was resolved (UTC); null while active.")


class RuleProblem(BaseModel):
    """A rule that could not be evaluated: neither firing nor healthy."""

    name: str = Field(description="Name of the rule.", examples=["SemanticDrift"])
    health: str = Field(description="err or unknown.", examples=["err"])
    last_error: str = Field(description="Why.")


class AlertList(BaseModel):
    """Alerts: firing first, then pending, then those resolved in the last seven days."""

    source: Literal["evaluator", "store"] = Field(
        description="evaluator: asked just now in this process; store: as the evaluator last wrote."
    )
    n_rules: int | None = Field(description="Alert rules loaded; null when no evaluator runs in this process.")
    rule_problems: list[RuleProblem] = Field(description="Rules that could not be evaluated.")
    items: list[Alert] = Field(description="The alerts.")


@router.get("", summary="List alerts", responses=problem_responses())
def list_alerts(context: Context, _project: Project) -> AlertList:
    """Alerts of the installation: rules see every project."""
    since = context.clock() - _RESOLVED_FOR
    parameters = {"resolved_since_ms": unix_ns(since) // 1_000_000, "max_rows": _MOST}
    stored = [_stored(row) for row in context.store.rows(read_sql("alerts"), parameters)]
    if context.alerts is None:
        return AlertList(source="store", n_rules=None, rule_problems=[], items=stored)
    active = [_active(alert) for alert in context.alerts.alerts_payload().get("alerts", [])]
    items = active + [alert for alert in stored if alert.state == "resolved"]
    items.sort(key=lambda alert: alert.active_at or datetime.min.replace(tzinfo=UTC), reverse=True)
    items.sort(key=lambda alert: _ORDER[alert.state])
    rules = _alert_rules(context.alerts)
    problems = [
        RuleProblem(name=rule["name"], health=rule["health"], last_error=rule.get("lastError", ""))
        for rule in rules
        if rule.get("health", "ok") == "err"
    ]
    return AlertList(source="evaluator", n_rules=len(rules), rule_problems=problems, items=items[:_MOST])


def _alert_rules(view: AlertsView) -> list[dict[str, Any]]:
    groups = view.rules_payload().get("groups", [])
    return [rule for group in groups for rule in group["rules"] if rule.get("type", "alerting") == "alerting"]


def _active(alert: dict[str, Any]) -> Alert:
    active_at = alert.get("activeAt")
    return _alert(
        state=alert["state"],
        labels=alert["labels"],
        annotations=alert.get("annotations", {}),
        value=_number(alert.get("value")),
        active_at=datetime.fromisoformat(_FRACTION.sub(r"\1", active_at)) if active_at else None,
    )


def _stored(row: Row) -> Alert:
    labels = {"alertname": row["alertname"], **json_object(row["labels"])}
    resolved_at = row["resolved_at"] if row["state"] == "resolved" else None
    return _alert(
        state=row["state"],
        labels=labels,
        annotations=json_object(row["annotations"]),
        value=row["value"],
        active_at=as_utc(row["active_at"]),
        resolved_at=as_utc(resolved_at),
    )


def _alert(*, labels: dict[str, Any], annotations: dict[str, Any], **fields: Any) -> Alert:
    labels = {name: str(value) for name, value in labels.items()}
    annotations = {name: str(value) for name, value in annotations.items()}
    return Alert(
        alertname=labels.get("alertname", ""),
        severity=labels.get("severity", ""),
        summary=annotations.get("summary", ""),
        description=annotations.get("description", ""),
        labels=labels,
        annotations=annotations,
        **fields,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float | str) else None
