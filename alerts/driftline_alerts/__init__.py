"""Alerts: Prometheus rule files over the store, evaluated so that a failed query never resolves a page, and delivered."""

from driftline_alerts.alertmanager import Alertmanager, Matcher
from driftline_alerts.errors import DeliveryError, RuleError, TemplateError
from driftline_alerts.query import HttpQuerySource, QuerySource, Sample
from driftline_alerts.rules import load_rules, parse_rules
from driftline_alerts.service import AlertEvaluator, AlertStats
from driftline_alerts.settings import AlertSettings

__all__ = [
    "AlertEvaluator",
    "AlertSettings",
    "AlertStats",
    "Alertmanager",
    "DeliveryError",
    "HttpQuerySource",
    "Matcher",
    "QuerySource",
    "RuleError",
    "Sample",
    "TemplateError",
    "load_rules",
    "parse_rules",
]
