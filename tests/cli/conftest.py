"""What the tests of the command line share: a collector over the session's store, and commands run as a person runs them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from driftline_collector.service import Collector
from driftline_collector.settings import CollectorSettings
from driftline_core.store import Store

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def collector(store: Store, tmp_path: Path) -> Iterator[Collector]:
    """A running collector on free ports."""
    service = Collector(CollectorSettings(spool_path=tmp_path / "spool", http_port=0, grpc_port=0), store)
    service.start()
    yield service
    service.stop(deadline_s=10)


@pytest.fixture
def endpoint(collector: Collector) -> str:
    """Base URL of the collector's OTLP/HTTP."""
    return f"http://127.0.0.1:{collector.http_port}"


@pytest.fixture
def driftline(tmp_path: Path) -> Run:
    """Runs `driftline ARGUMENTS` in an empty directory; stdout and stderr are text."""

    def run(*arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "driftline_cli.main", *arguments],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "200", "OMP_NUM_THREADS": "2"},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    return run
