"""From the spool into the store: poison is set aside, its neighbours are stored, a store that is away is waited for."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline_collector import Collector
from driftline_collector.insert import InsertFailed
from driftline_collector.segment import Segment
from driftline_collector.splits import SplitJournal
from driftline_core.errors import StoreError
from driftline_core.store import Store
from tests.collector.otlp_requests import build_request, poisoned_request, post, spans_of

CountSpans = Callable[[], int]


def test_a_poisoned_request_is_set_aside_and_its_neighbours_are_stored(
    start_collector: Callable[..., Collector], count_spans: CountSpans, project: str, tmp_path: Path
) -> None:
    collector = start_collector(linger_s=60.0)  # all in one segment, closed by the flush
    poison = poisoned_request()
    bodies = [build_request(2).SerializeToString() for _ in range(3)]
    for body in (bodies[0], bodies[1], poison, bodies[2]):
        assert post(collector.http_port, body, x_driftline_project=project).status == 200
    assert collector.flush(120.0)
    assert count_spans() == 6
    stats = collector.stats()
    assert (stats.stored_requests, stats.stored_spans, stats.dead_lettered_requests, stats.dead_lettered_spans) == (
        3,
        6,
        1,
        1,
    )
    assert stats.received_spans == stats.stored_spans + stats.dead_lettered_spans
    assert collector.health().is_ok
    (about,) = (tmp_path / "spool" / "dead-letters").glob("*.json")
    said = json.loads(about.read_text())
    assert (said["project"], said["n_items"], said["reason"]) == (project, 1, "unreadable by the store")
    assert said["received_at"].startswith("20")
    kept = ExportTraceServiceRequest.FromString(about.with_suffix(".pb").read_bytes())
    assert spans_of(kept)[0].name == "poison"
    assert not list((tmp_path / "spool" / "traces").glob("*.splits"))


def test_a_store_without_its_table_is_waited_for_and_nothing_is_lost(
    start_collector: Callable[..., Collector], ingest_store: Store, count_spans: CountSpans, project: str
) -> None:
    collector = start_collector(load_retry_max_s=0.2)
    ingest_store.command("RENAME TABLE otlp_traces TO otlp_traces_away")
    try:
        assert (
            post(collector.http_port, build_request(2).SerializeToString(), x_driftline_project=project).status == 200
        )
        deadline = time.monotonic() + 30.0
        while collector.health().is_ok and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "the store refuses" in collector.health().detail
        stats = collector.stats()
        assert stats.load_errors >= 1
        assert stats.spool_bytes > 0
        assert stats.oldest_unloaded_s > 0.0
    finally:
        ingest_store.command("RENAME TABLE otlp_traces_away TO otlp_traces")
    assert collector.flush(60.0)
    assert count_spans() == 2
    assert collector.health().is_ok
    assert collector.stats().dead_lettered_requests == 0


def test_what_stopped_before_it_was_loaded_is_loaded_at_the_next_start(
    start_collector: Callable[..., Collector], ingest_store: Store, count_spans: CountSpans, project: str
) -> None:
    first = start_collector(load_retry_max_s=0.2)
    ingest_store.command("RENAME TABLE otlp_traces TO otlp_traces_away")
    try:
        assert post(first.http_port, build_request(3).SerializeToString(), x_driftline_project=project).status == 200
        first.stop(deadline_s=0.5)
        assert not first.health().is_ok
    finally:
        ingest_store.command("RENAME TABLE otlp_traces_away TO otlp_traces")
    second = start_collector()
    assert second.flush(60.0)
    assert count_spans() == 3
    assert second.stats().recovered_spans == 3
    assert second.stats().stored_spans == 3


def test_a_damaged_record_is_set_aside_at_the_start_and_the_rest_is_stored(
    start_collector: Callable[..., Collector],
    ingest_store: Store,
    count_spans: CountSpans,
    project: str,
    tmp_path: Path,
) -> None:
    first = start_collector(load_retry_max_s=0.2, linger_s=60.0)
    ingest_store.command("RENAME TABLE otlp_traces TO otlp_traces_away")
    try:
        for _ in range(3):
            assert (
                post(first.http_port, build_request(1).SerializeToString(), x_driftline_project=project).status == 200
            )
        first.stop(deadline_s=0.5)
    finally:
        ingest_store.command("RENAME TABLE otlp_traces_away TO otlp_traces")
    (path,) = (tmp_path / "spool" / "traces").glob("*.pb")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data + data[:30])  # and a write that was cut off
    second = start_collector()
    assert second.flush(60.0)
    assert count_spans() == 2
    assert second.stats().dead_lettered_requests == 1
    assert len(list((tmp_path / "spool" / "dead-letters").glob("*.json"))) == 1


def test_a_spool_in_use_is_an_error(start_collector: Callable[..., Collector]) -> None:
    start_collector()
    with pytest.raises(StoreError, match="another process uses"):
        start_collector()


def test_errors_of_the_store_are_told_from_errors_of_the_data() -> None:
    def failed(message: str) -> InsertFailed:
        return InsertFailed(DatabaseError(message))

    assert failed("Code: 32. DB::Exception: Attempt to read after eof").is_data
    assert failed("Code: 60. DB::Exception: no such table").is_environment
    assert failed("connection refused").is_environment
    assert failed("Code: 241. DB::Exception: memory limit").is_memory
    unknown = failed("Code: 49. DB::Exception: logical error")
    assert not unknown.is_data
    assert not unknown.is_environment


def test_splits_are_remembered_by_the_next_process(tmp_path: Path) -> None:
    segment = Segment.new(tmp_path, 1)
    journal = SplitJournal(segment)
    assert not journal.exists()
    journal.add(0, 8)
    journal.add(4, 8)
    with segment.path.with_suffix(".splits").open("a") as file:
        file.write("6 ")  # cut off by a crash
    again = SplitJournal(segment)
    assert again.exists()
    assert (0, 8) in again
    assert (4, 8) in again
    assert (6, 8) not in again
    again.add(6, 8)
    assert (6, 8) in SplitJournal(segment)
