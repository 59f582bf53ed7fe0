"""A store server in another process, shared by the tests of core."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def server_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """DSN of a ClickHouse HTTP interface in another process."""
    directory = tmp_path_factory.mktemp("server") / "store"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.core.clickhouse_http", str(directory)],
        stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True,
    )  # fmt: skip
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)
    process.stdout.close()
