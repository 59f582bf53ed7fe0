"""Fixtures that every component's tests share: one embedded engine a session, one database a test."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if (n_workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT")) is not None:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(n_workers))))

from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from tests.databases import Databases

_NUMBERS = itertools.count(1)

# Nothing is timed: a busy machine makes no difference.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def engine_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one engine directory of this process: chDB hosts one engine a process."""
    return tmp_path_factory.mktemp("engine") / "store"


@pytest.fixture(scope="session")
def engine(engine_path: Path) -> Iterator[Store]:
    """Holds the engine open for the whole session."""
    store = Store(StoreSettings(path=engine_path, database="session"))
    yield store
    store.close()


@pytest.fixture
def empty_store(engine: Store, engine_path: Path) -> Iterator[Store]:
    """A store over a new, empty database."""
    database = f"test_{next(_NUMBERS)}"
    store = Store(StoreSettings(path=engine_path, database=database))
    yield store
    store.command(f"DROP DATABASE IF EXISTS {database} SYNC")
    store.close()


@pytest.fixture(scope="session")
def databases(engine: Store, engine_path: Path) -> Databases:
    """Databases with every table."""
    return Databases(engine, engine_path, prefix="tables", build=migrate)


@pytest.fixture
def store(databases: Databases) -> Iterator[Store]:
    """A store over a database with every table, all of them empty."""
    store = databases.take()
    yield store
    databases.give_back(store)


@pytest.fixture(scope="session")
def server_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """DSN of a ClickHouse HTTP interface in another process."""
    directory = tmp_path_factory.mktemp("server") / "store"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.core.clickhouse_http", str(directory)],
        stdout=subprocess.PIPE, cwd=Path(__file__).parents[1], text=True,
    )  # fmt: skip
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture(scope="session")
def system_binary() -> Callable[[str], str]:
    """Path of a Debian program by name. Skips where it is not installed; CI sets
    DRIFTLINE_REQUIRE_SYSTEM_PACKAGES=1, which makes that a failure."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            reason = f"{name} is not installed (make system-packages installs it)"
            if os.environ.get("DRIFTLINE_REQUIRE_SYSTEM_PACKAGES") == "1":
                pytest.fail(reason)
            pytest.skip(reason)
        return path

    return find
