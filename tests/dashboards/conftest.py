from collections.abc import Iterator
from pathlib import Path

import pytest

from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from tests.dashboards.fake_grafana import FakeGrafana, running_grafana
from tests.dashboards.scene import fill


@pytest.fixture(scope="package")
def store(engine: Store, engine_path: Path) -> Iterator[Store]:
    """A filled store that these tests share; none of them changes it."""
    store = Store(StoreSettings(path=engine_path, database="dashboards"))
    migrate(store)
    fill(store)
    yield store
    store.command("DROP DATABASE IF EXISTS dashboards SYNC")
    store.close()


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with running_grafana() as running:
        yield running
