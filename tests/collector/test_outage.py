"""A store that goes away under load: the spool fills, senders are asked to come back, and what was acknowledged is there once."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from pydantic import SecretStr

from driftline_collector import Collector, CollectorSettings
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from tests.collector.exporters import check_kept_once, load
from tests.collector.otlp_requests import Answer, build_request, post

OUTAGE_S = 60.0 if os.environ.get("DRIFTLINE_LONG_TESTS") == "1" else 8.0
"""How long the store is away; `make test-long` makes it a minute."""

_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class StoreServer:
    """A ClickHouse behind HTTP in a process of its own, killed and started again on the same port and directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.port = 0
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.core.clickhouse_http", str(self._directory), str(self.port)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StoreServer]:
    server = StoreServer(tmp_path / "store")
    yield server
    server.kill()


@pytest.fixture
def store(server: StoreServer) -> Iterator[Store]:
    store = Store(StoreSettings(dsn=SecretStr(f"http://127.0.0.1:{server.port}")))
    migrate(store)
    # Rows that are there twice must not be merged into one before they are counted.
    store.command(
        "ALTER TABLE spans MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1,"
        " max_bytes_to_merge_at_min_space_in_pool = 1"
    )
    yield store
    store.close()


def until_full(port: int) -> Answer:
    """Send bodies that are like no other until one is refused."""
    for _ in range(200):
        answer = post(port, build_request(1, text=secrets.token_hex(20_000)).SerializeToString())
        if answer.status != 200:
            return answer
    raise AssertionError("the spool never filled")


def wait_for(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90.0
    while not claim():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


@pytest.mark.timeout(400)
def test_an_outage_of_the_store_under_load_loses_nothing(server: StoreServer, store: Store, tmp_path: Path) -> None:
    collector = Collector(
        CollectorSettings(
            http_port=0,
            grpc_port=0,
            spool_path=tmp_path / "spool",
            spool_max_bytes=1 << 20,
            linger_s=0.05,
            linger_max_s=0.2,
            load_retry_max_s=0.5,
            retry_after_s=3,
        ),
        store,
    )
    collector.start()
    try:
        with load(collector.http_port, collector.grpc_port, n_each=2) as recordings:
            time.sleep(1.0)
            server.kill()
            away_since = time.monotonic()
            refused = until_full(collector.http_port)
            _check_asked_to_come_back(refused, collector.grpc_port)
            wait_for(lambda: "the store refuses" in collector.health().detail)
            time.sleep(max(0.0, OUTAGE_S - (time.monotonic() - away_since)))
            assert collector.stats().load_errors > 3
            server.start()
            wait_for(lambda: collector.health().is_ok)
            time.sleep(1.0)  # and load again, with the store back
        assert collector.flush(120.0)
        assert collector.health().is_ok
        stats = collector.stats()
        assert stats.dead_lettered_requests == 0
        assert stats.rejected_requests["spool_full"] > 0
        rows = store.rows(
            "SELECT lower(concat(hex(trace_id), hex(span_id))) AS key, count() AS n FROM spans WHERE service = 'load' GROUP BY key"
        )
        assert all(recording.acknowledged for recording in recordings)
        check_kept_once(recordings, {row["key"]: row["n"] for row in rows})
        assert store.scalar("SELECT count() - uniqExact(trace_id, span_id) FROM spans") == 0
        assert store.scalar("SELECT count() FROM spans") == stats.stored_spans
    finally:
        collector.stop(deadline_s=30.0)


def _check_asked_to_come_back(refused: Answer, grpc_port: int) -> None:
    assert refused.status == 429
    assert refused.headers["retry-after"] == "3"
    assert "the spool is full" in refused.error
    with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
        body = build_request(1, text=secrets.token_hex(100_000)).SerializeToString()
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(_EXPORT)(body, timeout=30.0)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    details = {item.key: item.value for item in caught.value.trailing_metadata()}
    info = RetryInfo()
    assert Status.FromString(details["grpc-status-details-bin"]).details[0].Unpack(info)
    assert info.retry_delay.seconds == 3
