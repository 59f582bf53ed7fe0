"""Alerts about alerting itself: no rule file holds them, because no query could answer them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from driftline_alerts.labels import fingerprint
from driftline_alerts.rules import AlertRule, RecordingRule, RulePolicy
from driftline_alerts.transition import AlertState, Observed

GROUP: Final = "driftline-evaluator"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingRule:
    """A rule whose last evaluation failed, and with which error."""

    rule: AlertRule | RecordingRule
    error: str

    @property
    def name(self) -> str:
        """The alert's name, or the recorded metric's."""
        return self.rule.alert if isinstance(self.rule, AlertRule) else self.rule.record


def evaluation_failing_rule(project: str) -> AlertRule:
    """Fires when a rule could not be evaluated for five minutes: until then, its alerts are merely held."""
    return AlertRule(
        uid=f"builtin-failing-{project}",
        group=GROUP,
        alert="DriftlineRuleEvaluationFailing",
        expr="driftline_rule_evaluation_failing == 1",
        hold_for=timedelta(minutes=5),
        labels={"severity": "warning"},
        policy=RulePolicy(no_data="ok"),
    )


def no_data_rule(project: str) -> AlertRule:
    """Fires while an alert is held because its data are gone, once that has lasted driftline_no_data_for."""
    return AlertRule(
        uid=f"builtin-no-data-{project}",
        group=GROUP,
        alert="DriftlineNoData",
        expr="driftline_alert_data_gap_seconds > driftline_no_data_for",
        policy=RulePolicy(no_data="ok"),
    )


def watchdog_rule(project: str) -> AlertRule:
    """Fires always: what tells of its absence (a dead man's switch) tells that nobody evaluates rules or delivers alerts."""
    return AlertRule(
        uid=f"builtin-watchdog-{project}",
        group=GROUP,
        alert="DriftlineWatchdog",
        expr="vector(1)",
        labels={"severity": "none"},
        policy=RulePolicy(no_data="ok"),
    )


def observe_failing(meta: AlertRule, failing: Iterable[FailingRule]) -> tuple[Observed, ...]:
    """One element a rule that fails."""
    return tuple(
        _observed(
            meta,
            {"rule_group": each.rule.group, "rule": each.name, "rule_uid": each.rule.uid},
            summary=f"Rule {each.name} cannot be evaluated",
            description=f"Its alerts are held as they were and none can fire or resolve. Last error: {each.error}",
            value=1.0,
            runbook="docs/runbooks/rule-evaluation-failing.md",
        )
        for each in failing
    )


def observe_watchdog(meta: AlertRule, *, is_alive: bool) -> tuple[Observed, ...]:
    """One element while rules can be evaluated, so that the switch also falls when none can."""
    if not is_alive:
        return ()
    return (
        _observed(
            meta,
            {},
            summary="Driftline evaluates its rules",
            description="This alert always fires. Route it to something that tells you when it stops.",
            value=1.0,
            runbook="docs/runbooks/watchdog.md",
        ),
    )


def observe_gaps(meta: AlertRule, held: Iterable[tuple[AlertRule, AlertState]], now: datetime) -> tuple[Observed, ...]:
    """One element an alert that fires without data for longer than its rule allows."""
    observed = []
    for rule, state in held:
        if state.phase != "firing" or state.gap_since is None or rule.policy.no_data not in ("hold", "alert"):
            continue
        gap = now - state.gap_since
        if gap < rule.policy.no_data_for:
            continue
        labels = {name: text for name, text in state.labels.items() if name != "alertname"}
        observed.append(
            _observed(
                meta,
                {**labels, "alert_rule": rule.alert},
                summary=f"No data for {rule.alert}, which is still firing",
                description=f"Its last value was {state.value:.6g}; nothing has come since {state.gap_since:%Y-%m-%d %H:%M} UTC.",
                value=gap.total_seconds(),
                runbook="docs/runbooks/no-data.md",
            )
        )
    return tuple(observed)


def _observed(
    meta: AlertRule, labels: Mapping[str, str], *, summary: str, description: str, value: float, runbook: str
) -> Observed:
    named = {**labels, **meta.labels, "alertname": meta.alert}
    return Observed(
        fingerprint=fingerprint(named),
        labels=named,
        annotations={"summary": summary, "description": description, "runbook_url": runbook},
        value=value,
    )
