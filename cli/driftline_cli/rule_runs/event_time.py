"""Rules as they are run over given samples: nothing is late there, so nothing is asked for in the past."""

from dataclasses import replace
from datetime import timedelta

from driftline_alerts.rules import AlertRule, RuleGroup, RulePolicy


def at_event_time(group: RuleGroup) -> RuleGroup:
    """The group with every query at the time of the evaluation."""
    rules = [
        replace(rule, policy=replace(rule.policy, query_offset=timedelta(0))) if isinstance(rule, AlertRule) else rule
        for rule in group.rules
    ]
    return replace(group, rules=tuple(rules))


def as_prometheus_has_it(group: RuleGroup) -> RuleGroup:
    """The group without what our annotations do."""
    rules = [
        replace(rule, policy=RulePolicy(no_data="ok")) if isinstance(rule, AlertRule) else rule for rule in group.rules
    ]
    return at_event_time(replace(group, rules=tuple(rules)))
