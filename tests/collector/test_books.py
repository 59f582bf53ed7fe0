"""The durable ledger: every request once, whatever happened on the way, and each end in its place."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.recordings import framed, insert
from driftline_collector import Collector
from driftline_core.ingest_ledger import LedgerMinute, read_ledger
from driftline_core.store import Store
from tests.collector.otlp_requests import build_request, poisoned_request, post, spans_of
from tests.collector.otlp_signals import gauge_request, logs_request

StartCollector = Callable[..., Collector]
Books = Callable[..., dict[str, int]]
_RECEIVED_NS = 1_795_219_200_000_000_000
_EMPTY = {"received": 0, "stored": 0, "duplicate": 0, "rejected": 0, "dead_lettered": 0, "retried": 0, "waiting": 0}


def minutes_of(store: Store, project: str, *, signal: str = "") -> list[LedgerMinute]:
    """Every minute of a project, each of which must add up."""
    minutes = read_ledger(store, project=project, from_s=0, to_s=2**32 - 1, signal=signal)
    assert [one for one in minutes if not one.is_balanced] == []
    return minutes


def total(minutes: list[LedgerMinute]) -> dict[str, int]:
    """The sums that are not zero."""
    rejected = sum(refused.items for one in minutes for refused in one.rejected.values())
    sums = {name: sum(getattr(one, name) for one in minutes) for name in _EMPTY if name != "rejected"}
    return {name: count for name, count in {**sums, "rejected": rejected}.items() if count}


@pytest.fixture
def books(ingest_store: Store, project: str) -> Books:
    """What the ledger says of the test's project once the collector has written its counts."""

    def read(collector: Collector, signal: str = "traces") -> dict[str, int]:
        collector.write_books()
        return total(minutes_of(ingest_store, project, signal=signal))

    return read


def test_the_same_frames_count_once_however_they_are_inserted(store: Store) -> None:
    frames = [
        framed(build_request(n).SerializeToString(), project="p", received_at_ns=_RECEIVED_NS, n_items=n)
        for n in (1, 2, 3)
    ]
    whole = b"".join(frames)
    insert(store, whole, token="segment")
    insert(store, whole, token="segment")
    insert(store, frames[0] + frames[1], token="segment:0-2")
    insert(store, frames[2], token="segment:2-3")
    (minute,) = minutes_of(store, "p")
    assert (minute.received, minute.stored, minute.signal, minute.minute.timestamp()) == (
        6, 6, "traces", _RECEIVED_NS // 10**9,
    )  # fmt: skip


def test_what_was_stored_otherwise_than_it_was_counted_does_not_balance(store: Store) -> None:
    body = build_request(2).SerializeToString()
    insert(store, framed(body, project="p", received_at_ns=_RECEIVED_NS, n_items=3), token="one")
    (minute,) = read_ledger(store, project="p", from_s=0, to_s=2**32 - 1)
    assert (minute.received, minute.stored, minute.is_balanced) == (3, 2, False)


def test_every_signal_has_its_own_sum(collector: Collector, ingest_store: Store, books: Books, project: str) -> None:
    bodies = {"traces": build_request(2), "logs": logs_request("a", "b", "c"), "metrics": gauge_request(1.0)}
    for name, request in bodies.items():
        body = request.SerializeToString()
        assert post(collector.http_port, body, path=f"/v1/{name}", x_driftline_project=project).status == 200
    assert collector.flush(60.0)
    assert books(collector, "traces") == {"received": 2, "stored": 2}
    assert books(collector, "logs") == {"received": 3, "stored": 3}
    assert books(collector, "metrics") == {"received": 1, "stored": 1}


def test_refusals_and_repeats_are_counted_by_reason(
    start_collector: StartCollector, ingest_store: Store, books: Books, project: str
) -> None:
    collector = start_collector()
    port, sent = collector.http_port, {"x_driftline_project": project}
    request = build_request(3)
    spans_of(request)[0].trace_id = b"short"
    body = request.SerializeToString()
    assert [post(port, body, **sent).status for _ in range(2)] == [200, 200]
    broken = build_request(4)
    for span in spans_of(broken):
        span.span_id = b""
    assert post(port, broken.SerializeToString(), **sent).status == 400
    assert post(port, b"\xff", **sent).status == 400
    assert post(port, b"", x_driftline_project="No Such").status == 400
    assert collector.flush(60.0)
    assert books(collector) == {"received": 10, "stored": 2, "duplicate": 2, "rejected": 6}
    refused: dict[str, tuple[int, int]] = {}
    for minute in minutes_of(ingest_store, project):
        for reason, one in minute.rejected.items():
            items, requests = refused.get(reason, (0, 0))
            refused[reason] = (items + one.items, requests + one.requests)
    assert refused == {"invalid_ids": (6, 1), "malformed": (0, 1)}
    unknown = [one for one in minutes_of(ingest_store, "") if "invalid_project" in one.rejected]
    assert unknown


def test_a_dead_letter_is_counted_once_and_moves_when_it_is_sent_in_again(
    start_collector: StartCollector, ingest_store: Store, books: Books, project: str, tmp_path: Path
) -> None:
    collector = start_collector(linger_s=60.0, linger_max_s=60.0)
    for body in (build_request(2).SerializeToString(), poisoned_request()):
        assert post(collector.http_port, body, x_driftline_project=project).status == 200
    assert books(collector) == {"received": 3, "waiting": 3}
    assert collector.flush(120.0)
    assert books(collector) == {"received": 3, "stored": 2, "dead_lettered": 1}
    (path,) = (tmp_path / "spool" / "dead-letters").glob("*.json")
    about: dict[str, Any] = json.loads(path.read_text())
    assert about["signal"] == "traces"
    for header in ("../" + path.stem, path.stem, path.stem):
        answer = post(
            collector.http_port,
            build_request(1).SerializeToString(),
            x_driftline_project=project,
            x_driftline_retry_of=header,
        )
        assert answer.status == 200
    assert collector.flush(60.0)
    assert books(collector) == {"received": 6, "stored": 5, "retried": 1}


def test_a_record_damaged_on_disk_is_a_dead_letter_of_whom_it_names(
    start_collector: StartCollector, ingest_store: Store, books: Books, project: str, tmp_path: Path
) -> None:
    first = start_collector(load_retry_max_s=0.2, linger_s=60.0, linger_max_s=60.0)
    ingest_store.command("RENAME TABLE otlp_traces TO otlp_traces_away")
    try:
        for n_spans in (1, 2, 3):
            body = build_request(n_spans, text=os.urandom(500).hex()).SerializeToString()
            assert post(first.http_port, body, x_driftline_project=project).status == 200
        first.stop(deadline_s=0.5)
    finally:
        ingest_store.command("RENAME TABLE otlp_traces_away TO otlp_traces")
    (path,) = (tmp_path / "spool" / "traces").glob("*.pb")
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4  # in the body of the second
    path.write_bytes(data)
    second = start_collector()
    assert second.flush(60.0)
    assert books(second) == {"received": 6, "stored": 4, "dead_lettered": 2}


def test_what_waits_is_counted_until_another_process_stores_it(
    start_collector: StartCollector, ingest_store: Store, books: Books, project: str
) -> None:
    first = start_collector(load_retry_max_s=0.2)
    ingest_store.command("RENAME TABLE otlp_traces TO otlp_traces_away")
    try:
        body = build_request(3).SerializeToString()
        assert post(first.http_port, body, x_driftline_project=project).status == 200
        first.stop(deadline_s=0.5)
        assert total(minutes_of(ingest_store, project)) == {"received": 3, "waiting": 3}
    finally:
        ingest_store.command("RENAME TABLE otlp_traces_away TO otlp_traces")
    second = start_collector()
    assert second.flush(60.0)
    assert books(second) == {"received": 3, "stored": 3}


def test_an_acknowledged_request_that_vanishes_from_the_spool_is_missed(
    start_collector: StartCollector, ingest_store: Store, project: str, tmp_path: Path
) -> None:
    first = start_collector(load_retry_max_s=0.2, linger_s=60.0, linger_max_s=60.0)
    ingest_store.command("RENAME TABLE otlp_traces TO otlp_traces_away")
    try:
        body = build_request(3).SerializeToString()
        assert post(first.http_port, body, x_driftline_project=project).status == 200
        first.stop(deadline_s=0.5)
    finally:
        ingest_store.command("RENAME TABLE otlp_traces_away TO otlp_traces")
    (path,) = (tmp_path / "spool" / "traces").glob("*.pb")
    path.unlink()
    second = start_collector()
    second.write_books()
    (minute,) = read_ledger(ingest_store, project=project, from_s=0, to_s=int(time.time()) + 120)
    assert (minute.received, minute.accounted, minute.is_balanced) == (3, 0, False)
