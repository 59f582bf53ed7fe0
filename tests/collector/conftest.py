"""Collectors over one database that all of these tests share (building the views takes seconds); each test has its own project."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from driftline_collector import Collector, CollectorSettings
from driftline_collector.views import ensure_ingest
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from tests.databases import Databases

StartCollector = Callable[..., Collector]
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def ingest_store(engine: Store, engine_path: Path) -> Iterator[Store]:
    """A store with every table and the ingest views."""
    store = Store(StoreSettings(path=engine_path, database="ingest"))
    migrate(store)
    ensure_ingest(store)
    yield store
    store.command("DROP DATABASE IF EXISTS ingest SYNC")
    store.close()


@pytest.fixture(scope="session")
def databases(engine: Store, engine_path: Path) -> Databases:
    """Databases with every table and the ingest views."""

    def build(store: Store) -> None:
        migrate(store)
        ensure_ingest(store)

    return Databases(engine, engine_path, prefix="views", build=build)


@pytest.fixture
def project() -> str:
    """A project of the test's own."""
    return f"project-{next(_NUMBERS)}"


@pytest.fixture(scope="session")
def collector(ingest_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """One collector with default limits for every test that needs no others."""
    spool = tmp_path_factory.mktemp("collector") / "spool"
    collector = Collector(
        CollectorSettings(http_port=0, grpc_port=0, spool_path=spool, linger_s=0.02, linger_max_s=0.02), ingest_store
    )
    collector.start()
    yield collector
    collector.stop(deadline_s=30.0)


@pytest.fixture
def start_collector(ingest_store: Store, tmp_path: Path) -> Iterator[StartCollector]:
    """Starts collectors with settings as keywords, the spool in the test's directory; stops what still runs at the end."""
    started: list[Collector] = []

    def start(**settings: Any) -> Collector:
        defaults: dict[str, Any] = {
            "http_port": 0,
            "grpc_port": 0,
            "spool_path": tmp_path / "spool",
            "linger_s": 0.02,
            "linger_max_s": 0.02,
        }
        collector = Collector(CollectorSettings(**defaults | settings), ingest_store)
        collector.start()
        started.append(collector)
        return collector

    yield start
    for collector in started:
        collector.stop(deadline_s=30.0)


@pytest.fixture
def count_spans(ingest_store: Store, project: str) -> Callable[[], int]:
    """How many rows the test's project has in spans, repeated ones included."""

    def count() -> int:
        return int(ingest_store.scalar("SELECT count() FROM spans WHERE project = {p:String}", {"p": project}))

    return count
