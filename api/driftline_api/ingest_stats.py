"""The collector's counters as metrics: a service of the process whose `.stats()` count received spans."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from driftline_core import Service

COUNTERS: Final = {
    "received_requests": "OTLP requests received.",
    "received_spans": "Spans received.",
    "duplicate_requests": "Requests kept before and acknowledged again.",
    "duplicate_spans": "Spans of requests kept before.",
    "recovered_requests": "Requests found in the spool at the start.",
    "recovered_spans": "Spans found in the spool at the start.",
    "stored_requests": "Requests stored.",
    "stored_spans": "Spans stored.",
    "dead_lettered_requests": "Requests the engine refused, kept in the dead-letter file.",
    "dead_lettered_spans": "Spans the engine refused, kept in the dead-letter file.",
    "load_errors": "INSERTs and derivations that failed and are tried again.",
    "derived_spans": "Stored spans looked at for generations.",
    "underivable_spans": "Stored spans whose generations could not be derived; `driftline replay-mapping` tries again.",
}
COUNTERS_BY_REASON: Final = {
    "rejected_requests": "Requests refused, by reason.",
    "rejected_spans": "Spans refused, by reason.",
}
ITEMS: Final = {
    "received": "Spans, log records and data points received, whatever became of them.",
    "stored": "Of them stored.",
    "duplicate": "Of requests kept before and acknowledged again.",
    "rejected": "Of them refused, by reason; those of a request that cannot be read count 0.",
    "dead_lettered": "Of them set aside because the engine could not read them.",
}
"""Outcomes of `items`; project and signal are '' where a request named none."""
GAUGES: Final = {
    "spool_bytes": ("spool_bytes", "Bytes accepted and not stored yet."),
    "spool_max_bytes": ("spool_limit_bytes", "Most bytes the spools may hold."),
    "oldest_unloaded_s": ("oldest_unloaded_seconds", "Age of the oldest request that is not stored yet."),
    "underived_items": (
        "underived_items",
        "Spans and log records that are stored and wait to be looked at for generations.",
    ),
    "dead_letters": ("dead_letters", "Requests that lie in the dead-letter folder now."),
    "dead_letters_bytes": (
        "dead_letters_bytes",
        "Bytes of the dead-letter folder; nothing is removed but by a person.",
    ),
}


def ingest_stats(service: Service) -> dict[str, Any] | None:
    """The fields of a collector's `.stats()`, or None for any other service."""
    read = getattr(service, "stats", None)
    if not callable(read):
        return None
    stats = read()
    is_collector = is_dataclass(stats) and not isinstance(stats, type) and hasattr(stats, "received_spans")
    return asdict(stats) if is_collector else None


def ingest_metrics(services: Sequence[Service]) -> Iterable[Metric]:
    """One family per counter and gauge, one sample per collector (label `collector`)."""
    collectors = [(service.name, stats) for service in services if (stats := ingest_stats(service)) is not None]
    if not collectors:
        return
    for field, text in COUNTERS.items():
        counter = CounterMetricFamily(f"driftline_ingest_{field}", text, labels=["collector"])
        for name, stats in collectors:
            if field in stats:
                counter.add_metric([name], stats[field])
        yield counter
    for field, text in COUNTERS_BY_REASON.items():
        counter = CounterMetricFamily(f"driftline_ingest_{field}", text, labels=["collector", "reason"])
        for name, stats in collectors:
            by_reason = stats.get(field)
            if isinstance(by_reason, Mapping):
                for reason, count in sorted(by_reason.items()):
                    counter.add_metric([name, reason], count)
        yield counter
    yield from _item_counters(collectors)
    yield _waiting_items(collectors)
    for field, (metric, text) in GAUGES.items():
        gauge = GaugeMetricFamily(f"driftline_ingest_{metric}", text, labels=["collector"])
        for name, stats in collectors:
            if field in stats:
                gauge.add_metric([name], stats[field])
        yield gauge


def _item_counters(collectors: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterable[Metric]:
    for outcome, text in ITEMS.items():
        labels = ["collector", "signal", "project", *(["reason"] if outcome == "rejected" else [])]
        counter = CounterMetricFamily(f"driftline_ingest_{outcome}_items", text, labels=labels)
        for name, stats in collectors:
            for count in stats.get("items", ()):
                if count["outcome"] == outcome:
                    counter.add_metric([name, *(count[label] for label in labels[1:])], count["items"])
        yield counter


def _waiting_items(collectors: Sequence[tuple[str, Mapping[str, Any]]]) -> Metric:
    waiting = GaugeMetricFamily(
        "driftline_ingest_waiting_items", "Items acknowledged and not stored yet.", labels=["collector", "signal"]
    )
    for name, stats in collectors:
        for signal, count in stats.get("waiting_items", {}).items():
            waiting.add_metric([name, signal], count)
    return waiting
