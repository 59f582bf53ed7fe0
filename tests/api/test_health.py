"""Health, readiness, metrics and the state of ingest."""

from dataclasses import dataclass
from pathlib import Path

from driftline_api.ingest_stats import COUNTERS, COUNTERS_BY_REASON, GAUGES
from driftline_collector.ledger import CollectorStats, Ledger
from driftline_collector.tally import Tally
from driftline_core import Health
from driftline_core.settings import StoreSettings
from driftline_core.store import Store
from tests.api.conftest import ClientFactory
from tests.api.records import NOON, put, span


class Part:
    """A service with a health of one's choice."""

    def __init__(self, name: str, health: Health) -> None:
        self.name = name
        self._health = health

    def start(self) -> None:
        """Nothing to start."""

    def stop(self, *, deadline_s: float) -> None:
        """Nothing to stop."""

    def health(self) -> Health:
        return self._health


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """Counts that are no collector's."""

    firing: int


class Counting(Part):
    """A service with a collector's counters and port."""

    http_port = 14318

    def __init__(self) -> None:
        super().__init__("collector", Health(is_ok=True))
        self._ledger = Ledger()
        self._ledger.count_kept("traces", "p", received_at_ns=1, n_items=7)
        tally = Tally()
        tally.add("p", 1, 7)
        self._ledger.count_stored("traces", tally)
        self._ledger.count_rejected("traces", "p", "too_large", received_at_ns=1, n_requests=2)

    def stats(self) -> CollectorStats:
        return self._ledger.stats(
            spool_bytes=512, spool_max_bytes=4096, oldest_unloaded_s=1.5, waiting_items={"logs": 3}
        )


class Watching(Part):
    """A service that counts other things."""

    def stats(self) -> Firing:
        return Firing(firing=1)


def test_without_a_store_the_process_is_alive_and_not_ready(
    client_of: ClientFactory, store: Store, engine_path: Path
) -> None:
    closed = Store(StoreSettings(path=engine_path, database=store.settings.database))
    client = client_of(over=closed)
    closed.close()
    assert client.get("/healthz").json() == {"status": "ok"}
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == [{"name": "store", "is_ok": False, "detail": "the store does not answer"}]
    assert "driftline_store_up 0.0" in client.get("/metrics").text.splitlines()
    assert client.get("/api/v1/generations").status_code == 503


def test_ready_names_the_part_that_does_not_work(client_of: ClientFactory) -> None:
    good, bad = Part("rollup", Health(is_ok=True)), Part("loader", Health(is_ok=False, detail="disk full"))
    assert client_of(services=[good]).get("/readyz").status_code == 200
    answer = client_of(services=[good, bad]).get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "is_ready": False,
        "parts": [
            {"name": "store", "is_ok": True, "detail": ""},
            {"name": "rollup", "is_ok": True, "detail": ""},
            {"name": "loader", "is_ok": False, "detail": "disk full"},
        ],
    }


def test_metrics_count_requests_by_route_and_show_the_collector(client_of: ClientFactory) -> None:
    client = client_of(services=[Counting(), Part("loader", Health(is_ok=False, detail="disk full"))])
    client.get("/api/v1/traces/00000000000000000000000000000001")
    client.get("/no/such/path")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = set(answer.text.splitlines())
    assert 'driftline_api_requests_total{method="GET",route="/api/v1/traces/{trace_id}",status="404"} 1.0' in lines
    assert 'driftline_api_requests_total{method="GET",route="unmatched",status="404"} 1.0' in lines
    assert "driftline_store_up 1.0" in lines
    assert 'driftline_service_healthy{service="loader"} 0.0' in lines
    assert 'driftline_ingest_received_spans_total{collector="collector"} 7.0' in lines
    assert 'driftline_ingest_rejected_requests_total{collector="collector",reason="too_large"} 2.0' in lines
    assert 'driftline_ingest_oldest_unloaded_seconds{collector="collector"} 1.5' in lines
    labels = 'collector="collector",project="p"'
    assert f'driftline_ingest_received_items_total{{{labels},signal="traces"}} 7.0' in lines
    assert f'driftline_ingest_stored_items_total{{{labels},signal="traces"}} 7.0' in lines
    assert f'driftline_ingest_rejected_items_total{{{labels},reason="too_large",signal="traces"}} 0.0' in lines
    assert 'driftline_ingest_waiting_items{collector="collector",signal="logs"} 3.0' in lines
    assert "# TYPE driftline_ingest_stored_spans_total counter" in lines
    assert "# TYPE driftline_ingest_spool_bytes gauge" in lines


def test_every_counter_of_the_collector_is_a_metric() -> None:
    fields = set(CollectorStats.__dataclass_fields__)
    assert fields == {*COUNTERS, *COUNTERS_BY_REASON, *GAUGES, "items", "waiting_items"}


def test_ingest_shows_what_arrived_and_what_became_of_it(client_of: ClientFactory, store: Store) -> None:
    client = client_of(services=[Counting(), Watching("alerts", Health(is_ok=True))])
    assert client.get("/api/v1/ingest").json()["last_stored_at"] is None
    put(store, "spans", [span(n, time=NOON) for n in (1, 2, 3)])
    body = client.get("/api/v1/ingest").json()
    assert (body["spans_1m"], body["spans_1h"], body["spans_24h"]) == (3, 3, 3)
    assert body["last_stored_at"] is not None
    (collector,) = body["collectors"]
    assert (collector["name"], collector["is_ok"], collector["stats"]["stored_spans"]) == ("collector", True, 7)
    assert collector["otlp_http_port"] == 14318
    assert "items" not in collector["stats"]
