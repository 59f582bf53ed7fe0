"""The alert evaluator's counters as metrics: a service of the process whose `.stats()` count evaluations and what receivers took."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from driftline_core import Service

COUNTERS: Final = {
    "evaluations": ("rule_evaluations", "Evaluations of alerting and recording rules."),
    "evaluation_failures": ("rule_evaluation_failures", "Of them failed; their alerts were held."),
    "state_write_failures": (
        "alert_state_write_failures",
        "Writes of alert state that failed; alerts were sent all the same.",
    ),
}
GAUGES: Final = {
    "rules": ("rules", "Rules that are evaluated."),
    "rules_failing": ("rules_failing", "Of them those whose last evaluation failed."),
}


def alert_stats(service: Service) -> dict[str, Any] | None:
    """The fields of the evaluator's `.stats()`, or None for any other service."""
    read = getattr(service, "stats", None)
    if not callable(read):
        return None
    stats = read()
    is_evaluator = is_dataclass(stats) and not isinstance(stats, type) and hasattr(stats, "rules_failing")
    return asdict(stats) if is_evaluator else None


def alert_metrics(services: Sequence[Service]) -> Iterable[Metric]:
    """Evaluations, alerts by state, the newest evaluation's time, and notifications by receiver."""
    evaluators = [stats for service in services if (stats := alert_stats(service)) is not None]
    if not evaluators:
        return
    for field, (name, text) in COUNTERS.items():
        yield CounterMetricFamily(f"driftline_{name}", text, value=sum(stats[field] for stats in evaluators))
    for field, (name, text) in GAUGES.items():
        yield GaugeMetricFamily(f"driftline_{name}", text, value=sum(stats[field] for stats in evaluators))
    alerts = GaugeMetricFamily("driftline_rule_alerts", "Alerts of all rules, by state.", labels=["state"])
    for state in ("pending", "firing"):
        alerts.add_metric([state], sum(stats[state] for stats in evaluators))
    yield alerts
    times = [stats["last_evaluation"] for stats in evaluators if stats["last_evaluation"] is not None]
    if times:
        text = "When rules were evaluated last."
        yield GaugeMetricFamily("driftline_rule_evaluation_timestamp_seconds", text, value=min(times).timestamp())
    yield from _receivers([receiver for stats in evaluators for receiver in stats["receivers"]])


def _receivers(receivers: Sequence[dict[str, Any]]) -> Iterable[Metric]:
    sent = CounterMetricFamily("driftline_notifications_sent", "Alerts that a receiver took.", labels=["receiver"])
    failed = CounterMetricFamily(
        "driftline_notifications_failed", "Attempts that failed and were made again.", labels=["receiver"]
    )
    dropped = CounterMetricFamily(
        "driftline_notifications_dropped", "Alerts that a receiver never got, by reason.", labels=["receiver", "reason"]
    )
    waiting = GaugeMetricFamily(
        "driftline_notifications_waiting", "Alerts that wait for a receiver.", labels=["receiver"]
    )
    for stats in receivers:
        name = stats["receiver"]
        sent.add_metric([name], stats["sent"])
        failed.add_metric([name], stats["failed"])
        waiting.add_metric([name], stats["waiting"])
        for reason, count in sorted(stats["dropped"].items()):
            dropped.add_metric([name, reason], count)
    yield from (sent, failed, dropped, waiting)
