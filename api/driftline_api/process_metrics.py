"""What /metrics says about this process: requests by route, the store, every service, the collector."""

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from driftline_api.alert_stats import alert_metrics
from driftline_api.analysis_stats import analysis_metrics
from driftline_api.ingest_stats import ingest_metrics
from driftline_api.reference_stats import reference_metrics
from driftline_api.scoring_stats import scoring_metrics
from driftline_api.store_stats import store_metrics
from driftline_core import Service, StoreError
from driftline_core.store import Store

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class ProcessMetrics:
    """A registry of its own per app, so that two apps in one process do not meet."""

    def __init__(self, store: Store, services: Sequence[Service]) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._requests = Counter(
            "driftline_api_requests",
            "HTTP requests answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._durations = Histogram(
            "driftline_api_request_duration_seconds",
            "Time to the end of the answer.",
            ["method", "route"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.registry.register(StateCollector(store, services))

    def count_request(self, *, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one answered request. route: the route's template, never the path as sent."""
        self._requests.labels(method, route, str(status)).inc()
        self._durations.labels(method, route).observe(duration_s)


class StateCollector(Collector):
    """The store's and every service's state, asked at each scrape."""

    def __init__(self, store: Store, services: Sequence[Service]) -> None:
        self._store = store
        self._services = services

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "driftline_store_up", "1 when the store answers.", value=float(is_store_up(self._store))
        )
        health = GaugeMetricFamily("driftline_service_healthy", "1 when the service is healthy.", labels=["service"])
        for service in self._services:
            health.add_metric([service.name], float(service.health().is_ok))
        yield health
        yield from ingest_metrics(self._services)
        yield from analysis_metrics(self._services)
        yield from scoring_metrics(self._services)
        yield from alert_metrics(self._services)
        yield from store_metrics(self._store)
        yield from reference_metrics(self._store)

    def describe(self) -> Iterable[Metric]:
        return ()


def is_store_up(store: Store) -> bool:
    """Whether the store answers a query now."""
    try:
        return bool(store.scalar("SELECT 1") == 1)
    except StoreError:
        return False
