"""Logs and metrics from the wire into the store: HTTP, JSON and gRPC, partial successes, and lanes that do not hold each other up."""

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from driftline_collector import Collector
from driftline_collector.digests import DigestMemory
from driftline_collector.envelope import digest_of, frame_head
from driftline_collector.segment import Segment
from driftline_collector.signals import SIGNALS
from driftline_core.store import Store
from tests.collector.otlp_requests import build_request, post
from tests.collector.otlp_signals import OBSERVED_NS, gauge_request, logs_request, put, records_of

StartCollector = Callable[..., Collector]
_TABLES = {"traces": "spans", "logs": "logs", "metrics": "metric_points"}


@pytest.fixture
def count(ingest_store: Store, project: str) -> Callable[[str], int]:
    """Rows of the test's project in a signal's table."""

    def rows(signal: str) -> int:
        sql = f"SELECT count() FROM {_TABLES[signal]} WHERE project = {{p:String}}"
        return int(ingest_store.scalar(sql, {"p": project}))

    return rows


def _requests() -> dict[str, bytes]:
    return {
        "traces": build_request(1).SerializeToString(),
        "logs": logs_request("a", secrets.token_hex(4)).SerializeToString(),
        "metrics": gauge_request(1.0, 2.0, 3.0).SerializeToString(),
    }


@pytest.mark.parametrize("path", ["/v1/traces", "/api/public/otel/v1/traces", "/v1/logs", "/v1/metrics"])
def test_every_path_takes_its_signal_over_http(
    collector: Collector, count: Callable[[str], int], project: str, path: str
) -> None:
    signal = path.rpartition("/")[2]
    answer = post(collector.http_port, _requests()[signal], path=path, x_driftline_project=project)
    assert (answer.status, answer.body) == (200, b"")
    assert collector.flush(60.0)
    assert {name: count(name) for name in _TABLES} == {
        name: {"traces": 1, "logs": 2, "metrics": 3}[name] if name == signal else 0 for name in _TABLES
    }


def test_every_service_takes_its_signal_over_grpc(
    collector: Collector, count: Callable[[str], int], project: str
) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{collector.grpc_port}") as channel:
        for name, body in _requests().items():
            export = channel.unary_unary(f"/{SIGNALS[name].service}/Export")
            assert export(body, metadata=(("x-driftline-project", project),), timeout=60) == b""
    assert collector.flush(60.0)
    assert [count(name) for name in _TABLES] == [1, 2, 3]


def test_logs_in_json_have_hex_ids_or_none_and_integers_either_way(
    collector: Collector, ingest_store: Store, project: str
) -> None:
    def record(body: str, number: Any, **ids: str) -> dict[str, Any]:
        attribute = {"key": "n", "value": {"intValue": number}}
        return {"timeUnixNano": str(OBSERVED_NS), "body": {"stringValue": body}, "attributes": [attribute], **ids}

    records = [
        record("with", 7, traceId="0AF7651916CD43DD8448EB211C80319C", spanId="b7ad6b7169203331"),
        record("empty", "9007199254740993", traceId="", spanId=""),
        record("without", -1),
    ]
    tree = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
    sent = {"content_type": "application/json", "path": "/v1/logs", "x_driftline_project": project}
    assert post(collector.http_port, json.dumps(tree), **sent).body == b"{}"
    assert collector.flush(60.0)
    rows = ingest_store.rows(
        "SELECT body, attributes['n'] AS n, lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span FROM logs "
        "WHERE project = {p:String} ORDER BY body",
        {"p": project},
    )
    assert [(row["body"], row["n"], row["trace"], row["span"]) for row in rows] == [
        ("empty", "9007199254740993", "0" * 32, "0" * 16),
        ("with", "7", "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"),
        ("without", "-1", "0" * 32, "0" * 16),
    ]
    wrong = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"traceId": "xyz"}]}]}]})
    answer = post(collector.http_port, wrong, **sent)
    assert answer.status == 400
    assert "expected an ExportLogsServiceRequest in JSON, got a traceId that is not hexadecimal" in answer.body.decode()


def test_metrics_in_json_keep_exemplars_with_hex_ids(collector: Collector, ingest_store: Store, project: str) -> None:
    exemplar = {"timeUnixNano": "5", "asInt": "3", "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": ""}
    point = {"timeUnixNano": str(OBSERVED_NS), "asInt": "12", "exemplars": [exemplar]}
    metric = {"name": "requests", "sum": {"isMonotonic": True, "aggregationTemporality": 2, "dataPoints": [point]}}
    tree = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
    sent = {"content_type": "application/json", "path": "/v1/metrics", "x_driftline_project": project}
    assert post(collector.http_port, json.dumps(tree), **sent).body == b"{}"
    assert collector.flush(60.0)
    (row,) = ingest_store.rows(
        "SELECT value, exemplars, service FROM metric_points WHERE project = {p:String}", {"p": project}
    )
    assert (row["value"], row["service"]) == (12.0, "unknown_service")
    assert [(one["value"], one["trace_id"], one["span_id"]) for one in row["exemplars"]] == [
        (3.0, "0af7651916cd43dd8448eb211c80319c", "")
    ]


def test_a_partial_success_of_logs_says_how_many_records_were_refused(
    collector: Collector, count: Callable[[str], int], project: str
) -> None:
    request = logs_request("good", "bad")
    records_of(request)[1].span_id = b"123"
    answer = post(collector.http_port, request.SerializeToString(), path="/v1/logs", x_driftline_project=project)
    assert answer.status == 200
    partial = ExportLogsServiceResponse.FromString(answer.body).partial_success
    assert partial.rejected_log_records == 1
    assert "expected a span_id of 8 bytes or none, got 3" in partial.error_message
    assert collector.flush(60.0)
    assert count("logs") == 1


def test_one_signal_that_cannot_be_stored_holds_up_no_other(
    start_collector: StartCollector, ingest_store: Store, count: Callable[[str], int], project: str
) -> None:
    collector = start_collector(load_retry_max_s=0.2)
    ingest_store.command("RENAME TABLE otlp_logs TO otlp_logs_away")
    try:
        for name, body in _requests().items():
            answer = post(collector.http_port, body, path=f"/v1/{name}", x_driftline_project=project)
            assert answer.status == 200
        assert not collector.flush(3.0)
        assert [count(name) for name in _TABLES] == [1, 0, 3]
        assert collector.stats().waiting_items == {"traces": 0, "logs": 2, "metrics": 0}
    finally:
        ingest_store.command("RENAME TABLE otlp_logs_away TO otlp_logs")
    assert collector.flush(60.0)
    assert [count(name) for name in _TABLES] == [1, 2, 3]


def test_a_full_spool_of_one_signal_refuses_that_signal_alone(start_collector: StartCollector, project: str) -> None:
    collector = start_collector(spool_max_bytes=1 << 20, linger_s=60.0, linger_max_s=60.0)
    sent = {"x_driftline_project": project}
    body = logs_request(secrets.token_hex(400_000)).SerializeToString()
    again = logs_request(secrets.token_hex(400_000)).SerializeToString()
    assert post(collector.http_port, body, path="/v1/logs", **sent).status == 200
    assert post(collector.http_port, again, path="/v1/logs", **sent).status == 429
    for name in ("traces", "metrics"):
        assert post(collector.http_port, _requests()[name], path=f"/v1/{name}", **sent).status == 200


def test_a_spool_of_a_version_that_knew_traces_alone_is_taken_over(
    start_collector: StartCollector, count: Callable[[str], int], project: str, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    (spool / "lock").touch()
    waiting, stored = (build_request(2).SerializeToString() for _ in range(2))
    segment = Segment.new(spool, 7)
    head = frame_head(
        project=project, received_at_ns=OBSERVED_NS, digest=digest_of(project, waiting), n_items=2, body=waiting,
        salt=segment.salt,
    )  # fmt: skip
    segment.path.write_bytes(head + waiting)
    digests = DigestMemory(spool / "digests", window_s=900, max_bodies=1000)
    digests.save([digest_of(project, stored)], now_s=time.time())
    collector = start_collector()
    assert collector.flush(60.0)
    assert count("traces") == 2
    assert not list(spool.glob("*.pb"))
    for body in (waiting, stored):
        assert post(collector.http_port, body, x_driftline_project=project).status == 200
    assert collector.stats().duplicate_requests == 2


def test_what_an_sdk_left_out_of_a_span_is_kept(collector: Collector, ingest_store: Store, project: str) -> None:
    request = build_request(1)
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count, span.flags = 3, 2, 1, 0x101
    put(span, "kept", "yes")
    assert post(collector.http_port, request.SerializeToString(), x_driftline_project=project).status == 200
    assert collector.flush(60.0)
    (row,) = ingest_store.rows(
        "SELECT dropped_attributes_count AS a, dropped_events_count AS e, dropped_links_count AS l, flags FROM spans "
        "WHERE project = {p:String}",
        {"p": project},
    )
    assert row == {"a": 3, "e": 2, "l": 1, "flags": 0x101}
