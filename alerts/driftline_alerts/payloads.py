"""What /api/v1/rules and /api/v1/alerts answer, in Prometheus' shapes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from driftline_alerts.evaluator import RuleRun
from driftline_alerts.go_format import format_value
from driftline_alerts.group_run import GroupRun
from driftline_alerts.notification import rfc3339
from driftline_alerts.recording import RecordRun
from driftline_alerts.transition import AlertState

_NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
_ORDER: Final = {"firing": 0, "pending": 1}

Extras = Callable[[RuleRun, AlertState], Mapping[str, str]]


def rules_data(groups: Sequence[GroupRun], extras: Extras) -> dict[str, Any]:
    """`data` of /api/v1/rules."""
    return {"groups": [_group(group, extras) for group in groups]}


def alerts_data(groups: Sequence[GroupRun], extras: Extras) -> dict[str, Any]:
    """`data` of /api/v1/alerts: everything pending or firing."""
    return {"alerts": [alert for group in groups for run in group.alerting for alert in _alerts(run, extras)]}


def _group(group: GroupRun, extras: Extras) -> dict[str, Any]:
    times = [run.evaluated_at for run in group.rules if run.evaluated_at is not None]
    return {
        "name": group.name,
        "file": group.file,
        "interval": group.interval_s,
        "limit": group.limit,
        "evaluationTime": sum(run.duration_s for run in group.rules),
        "lastEvaluation": rfc3339(max(times, default=_NEVER)),
        "rules": [_rule(run, extras) if isinstance(run, RuleRun) else _recording(run) for run in group.rules],
    }


def _rule(run: RuleRun, extras: Extras) -> dict[str, Any]:
    alerts = _alerts(run, extras)
    return {
        "state": min((alert["state"] for alert in alerts), key=_ORDER.__getitem__, default="inactive"),
        "name": run.rule.alert,
        "query": run.rule.expr.strip(),
        "duration": run.rule.hold_for.total_seconds(),
        "keepFiringFor": run.rule.keep_firing_for.total_seconds(),
        "labels": dict(run.rule.labels),
        "annotations": dict(run.rule.annotations),
        "alerts": alerts,
        **_evaluation(run),
        "type": "alerting",
    }


def _recording(run: RecordRun) -> dict[str, Any]:
    return {
        "name": run.rule.record,
        "query": run.rule.expr.strip(),
        "labels": dict(run.rule.labels),
        **_evaluation(run),
        "type": "recording",
    }


def _evaluation(run: RuleRun | RecordRun) -> dict[str, Any]:
    payload = {
        "health": run.health,
        "evaluationTime": run.duration_s,
        "lastEvaluation": rfc3339(run.evaluated_at or _NEVER),
    }
    return payload if run.error is None else {**payload, "lastError": run.error}


def _alerts(run: RuleRun, extras: Extras) -> list[dict[str, Any]]:
    return [
        {
            "labels": dict(state.labels),
            "annotations": {**state.annotations, **extras(run, state)},
            "state": state.phase,
            "activeAt": rfc3339(state.active_at),
            "value": format_value(state.value, verb="e"),
        }
        for state in run.states.values()
        if state.is_active
    ]
