"""What the tests of the command line share: a collector over the session's store, and commands run as a person runs them."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from driftline_collector.service import Collector
from driftline_collector.settings import CollectorSettings
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate

_NUMBERS = itertools.count(1)

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def shared_store(engine_path: Path, engine: Store) -> Iterator[Store]:
    """One migrated database for the tests of a module; each test writes to a project of its own."""
    database = f"cli_{next(_NUMBERS)}"
    store = Store(StoreSettings(path=engine_path, database=database))
    migrate(store)
    yield store
    store.command(f"DROP DATABASE IF EXISTS {database} SYNC")
    store.close()


@pytest.fixture(scope="module")
def collector(shared_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A running collector on free ports over shared_store."""
    spool = tmp_path_factory.mktemp("cli") / "spool"
    service = Collector(
        CollectorSettings(spool_path=spool, http_port=0, grpc_port=0, linger_s=0.0, linger_max_s=0.0), shared_store
    )
    service.start()
    yield service
    service.stop(deadline_s=10)


@pytest.fixture
def project() -> str:
    """A project that no other test uses."""
    return f"p{next(_NUMBERS)}"


@pytest.fixture
def driftline(tmp_path: Path) -> Run:
    """Runs `driftline ARGUMENTS` in an empty directory; stdout and stderr are text."""

    def run(*arguments: str, timeout_s: float = 120, columns: int = 200) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "driftline_cli.main", *arguments],
            cwd=tmp_path,
            env={"OMP_NUM_THREADS": "2", **os.environ, "COLUMNS": str(columns)},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    return run
