"""Fixtures that every component's tests share: one embedded engine a session, one database a test."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate

_NUMBERS = itertools.count(1)


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


@pytest.fixture
def store(empty_store: Store) -> Store:
    """A store over a new database with every table."""
    migrate(empty_store)
    return empty_store


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
