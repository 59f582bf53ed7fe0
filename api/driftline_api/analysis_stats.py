"""The analyzers' counters as metrics: a service of the process whose `.stats()` count tested windows."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from driftline_core import Service

COUNTERS: Final = {
    "runs": "Runs of the analyzers.",
    "tested_windows": "Windows tested.",
    "reduced_windows": "Windows tested on fewer texts because they had waited long.",
    "failed_windows": "Windows that failed, each time; they are tried again.",
    "findings": "Findings written.",
    "drifts": "Findings of drift written.",
    "scores": "Scores written.",
    "texts_embedded": "Distinct texts that the model embedded.",
    "cache_hits": "Distinct texts whose vector was there already.",
}


def analysis_stats(service: Service) -> dict[str, Any] | None:
    """The fields of the analyzers' `.stats()`, or None for any other service."""
    read = getattr(service, "stats", None)
    if not callable(read):
        return None
    stats = read()
    is_analysis = is_dataclass(stats) and not isinstance(stats, type) and hasattr(stats, "tested_windows")
    return asdict(stats) if is_analysis else None


def analysis_metrics(services: Sequence[Service]) -> Iterable[Metric]:
    """One family per counter, seconds by phase, and lag and waiting windows by project."""
    runners = [stats for service in services if (stats := analysis_stats(service)) is not None]
    if not runners:
        return
    for field, text in COUNTERS.items():
        yield CounterMetricFamily(f"driftline_analysis_{field}", text, value=sum(stats[field] for stats in runners))
    seconds = CounterMetricFamily("driftline_analysis_seconds", "Time spent, by phase.", labels=["phase"])
    lag = GaugeMetricFamily(
        "driftline_analysis_lag_seconds",
        "Time since the oldest window that is not tested had settled; 0 when none waits.",
        labels=["project"],
    )
    waiting = GaugeMetricFamily(
        "driftline_analysis_waiting_windows", "Settled windows that are not tested.", labels=["project"]
    )
    for stats in runners:
        for phase, value in stats["seconds"].items():
            seconds.add_metric([phase], value)
        for project, value in stats["lag_s"].items():
            lag.add_metric([project], value)
        for project, value in stats["waiting"].items():
            waiting.add_metric([project], value)
    yield from (seconds, lag, waiting)
