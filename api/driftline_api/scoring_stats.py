"""The scoring runner's counters as metrics: a service of the process whose `.stats()` count scored calls."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from driftline_core import Service

COUNTERS: Final = {
    "scoring_runs": ("runs", "Runs of the scorers."),
    "scored_calls": ("calls", "Calls looked at, each time."),
    "withdrawn": ("withdrawn", "Scores that a later look took back."),
    "texts_embedded": ("texts_embedded", "Distinct texts that the model embedded."),
    "cache_hits": ("cache_hits", "Distinct texts whose vector was there already."),
}
BY_ANALYZER: Final = {
    "scores": "Scores written.",
    "flagged": "Scores written that are flagged.",
    "unknown": "Scores written that say nothing, and why.",
    "failed": "Calls that a scorer failed on, each time.",
}


def scoring_stats(service: Service) -> dict[str, Any] | None:
    """The fields of the scoring runner's `.stats()`, or None for any other service."""
    read = getattr(service, "stats", None)
    if not callable(read):
        return None
    stats = read()
    is_scoring = is_dataclass(stats) and not isinstance(stats, type) and hasattr(stats, "scored_calls")
    return asdict(stats) if is_scoring else None


def scoring_metrics(services: Sequence[Service]) -> Iterable[Metric]:
    """One family per counter, counts and seconds by analyzer, and lag and waiting traces by project."""
    runners = [stats for service in services if (stats := scoring_stats(service)) is not None]
    if not runners:
        return
    for field, (name, text) in COUNTERS.items():
        yield CounterMetricFamily(f"driftline_scoring_{name}", text, value=sum(stats[field] for stats in runners))
    for field, text in {**BY_ANALYZER, "seconds": "Time spent, by scorer."}.items():
        family = CounterMetricFamily(f"driftline_scoring_{field}", text, labels=["analyzer"])
        for stats in runners:
            for analyzer, value in stats[field].items():
                family.add_metric([analyzer], value)
        yield family
    lag = GaugeMetricFamily(
        "driftline_scoring_lag_seconds",
        "Time since the oldest trace that is not scored, or not judged, had settled; 0 when none waits.",
        labels=["project"],
    )
    waiting = GaugeMetricFamily(
        "driftline_scoring_waiting_traces", "Settled traces that are known to wait, at most a page.", labels=["project"]
    )
    for gauge, field in ((lag, "lag_s"), (waiting, "waiting")):
        most: dict[str, float] = {}
        for stats in runners:
            most |= {project: max(value, most.get(project, 0.0)) for project, value in stats[field].items()}
        for project, value in most.items():
            gauge.add_metric([project], value)
    yield from (lag, waiting)
