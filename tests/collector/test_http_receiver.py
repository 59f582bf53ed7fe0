"""OTLP/HTTP: what real exporters send, and every way to send it wrong."""

import gzip
import json
import os
import socket
import time
import zlib
from collections.abc import Callable

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from driftline_collector import Collector
from driftline_core.store import Store
from tests.collector.otlp_requests import PROTOBUF, build_request, post, spans_of

CountSpans = Callable[[], int]


def test_spans_of_the_real_exporter_are_queryable(collector: Collector, ingest_store: Store, project: str) -> None:
    for compression in Compression:
        provider = TracerProvider(resource=Resource.create({"service.name": "bot"}))
        endpoint = f"http://127.0.0.1:{collector.http_port}/v1/traces"
        exporter = OTLPSpanExporter(endpoint, headers={"x-driftline-project": project}, compression=compression)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        tracer = provider.get_tracer("test")
        with tracer.start_as_current_span("parent"), tracer.start_as_current_span("child") as span:
            span.set_attribute("gen_ai.request.model", compression.value)
        provider.shutdown()
    assert collector.flush(60.0)
    rows = ingest_store.rows(
        "SELECT name, service, attributes['gen_ai.request.model'] AS model FROM spans WHERE project = {p:String} ORDER BY ALL",
        {"p": project},
    )
    children = [{"name": "child", "service": "bot", "model": model} for model in ("deflate", "gzip", "none")]
    assert rows == [*children, *[{"name": "parent", "service": "bot", "model": ""}] * 3]


def test_every_encoding_and_a_chunked_body_are_taken(
    collector: Collector, count_spans: CountSpans, project: str
) -> None:
    def body() -> bytes:
        return bytes(build_request(2).SerializeToString())

    encodings: list[tuple[str, Callable[[bytes], bytes]]] = [
        ("gzip", gzip.compress),
        ("gzip", lambda body: gzip.compress(body[:50]) + gzip.compress(body[50:])),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("identity", bytes),
    ]
    for encoding, encode in encodings:
        answer = post(collector.http_port, encode(body()), content_encoding=encoding, x_driftline_project=project)
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["content-type"] == PROTOBUF
    chunked = body()
    assert post(collector.http_port, iter([chunked[:10], chunked[10:]]), x_driftline_project=project).status == 200
    large = build_request(400, text=os.urandom(8000).hex()).SerializeToString()
    assert len(large) > 6 << 20
    assert post(collector.http_port, large, x_driftline_project=project).status == 200
    assert collector.flush(60.0)
    assert count_spans() == 412


def test_json_is_the_same_as_protobuf(collector: Collector, ingest_store: Store, project: str) -> None:
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "parentSpanId": "",
        "name": "json",
        "kind": "SPAN_KIND_CLIENT",
        "startTimeUnixNano": "1763690400000000000",
        "endTimeUnixNano": 1763690401000000000,
        "attributes": [{"key": "a", "value": {"intValue": 7}}, {"key": "b", "value": {"intValue": "8"}}],
        "someday": 1,
    }
    body = json.dumps({"resourceSpans": [{"scope_spans": [{"spans": [span]}]}]})
    answer = post(
        collector.http_port, body, content_type="application/json; charset=utf-8", x_driftline_project=project
    )
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"{}", "application/json")
    assert collector.flush(60.0)
    rows = ingest_store.rows(
        "SELECT lower(hex(trace_id)) AS t, lower(hex(span_id)) AS s, kind, duration_ns, attributes['a'] AS a, attributes['b'] AS b"
        " FROM spans WHERE project = {p:String}",
        {"p": project},
    )
    assert rows == [{"t": span["traceId"], "s": span["spanId"], "kind": 3, "duration_ns": 10**9, "a": "7", "b": "8"}]


def test_a_project_that_is_no_name_is_refused(collector: Collector) -> None:
    refused = post(collector.http_port, _GOOD, x_driftline_project="Team A")
    assert refused.status == 400
    assert "x-driftline-project" in refused.error


def test_an_empty_request_is_a_success(collector: Collector) -> None:
    assert post(collector.http_port, b"").status == 200
    assert post(collector.http_port, gzip.compress(b""), content_encoding="gzip").status == 200
    assert post(collector.http_port, b"{}", content_type="application/json").status == 200


def test_bad_spans_are_refused_and_the_good_ones_of_the_body_kept(
    start_collector: Callable[..., Collector], ingest_store: Store, project: str
) -> None:
    collector = start_collector()
    request = build_request(6, name="bad")
    spans = spans_of(request)
    spans[0].trace_id = bytes(17)
    spans[1].trace_id = bytes(16)
    spans[2].span_id = b"1234"
    spans[3].span_id = bytes(8)
    spans[4].parent_span_id = b"123"
    spans[5].name = "good"
    answer = post(collector.http_port, request.SerializeToString(), x_driftline_project=project)
    assert answer.status == 200
    assert answer.rejected_spans == 5
    assert b"expected a trace_id of 16 bytes, got 17" in answer.body
    assert collector.flush(60.0)
    stored = ingest_store.rows("SELECT name FROM spans WHERE project = {p:String}", {"p": project})
    assert stored == [{"name": "good"}]
    assert collector.stats().rejected_spans == {"invalid_ids": 5}
    for span in spans:
        span.trace_id = b""
    refused = post(collector.http_port, request.SerializeToString(), x_driftline_project=project)
    assert refused.status == 400
    assert "every span of the request is invalid" in refused.error


def test_a_partial_success_in_json(collector: Collector) -> None:
    good = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [good, good | {"traceId": "5b8e"}]}]}]}
    answer = post(collector.http_port, json.dumps(body), content_type="application/json")
    assert answer.status == 200
    assert json.loads(answer.body)["partialSuccess"]["rejectedSpans"] == "1"


_GOOD = build_request(2).SerializeToString()
_NO_UTF8 = _GOOD.replace(b"hello", b"\xff\xfe\xfd\xfc\xfb")
_BAD_JSON_ID = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz"}]}]}]}).encode()


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        (_GOOD[:-7], {}, 400, "cut off or not protobuf"),
        (b"\xff" * 100, {}, 400, "cut off or not protobuf"),
        (_NO_UTF8, {}, 400, "not valid UTF-8"),
        (
            _GOOD,
            {"content_type": "text/plain"},
            415,
            "expected a content-type of application/x-protobuf or application/json",
        ),
        (_GOOD, {"content_type": None}, 415, "expected a content-type"),
        (_GOOD, {"content_encoding": "br"}, 415, "gzip, deflate or identity"),
        (gzip.compress(_GOOD)[:-9], {"content_encoding": "gzip"}, 400, "it ends early"),
        (b"not gzip", {"content_encoding": "gzip"}, 400, "does not decompress"),
        (zlib.compress(_GOOD) + b"more", {"content_encoding": "deflate"}, 400, "bytes follow its end"),
        (b"[1", {"content_type": "application/json"}, 400, "not JSON"),
        (b"[]", {"content_type": "application/json"}, 400, "got a JSON list"),
        (b'{"resourceSpans": 3}', {"content_type": "application/json"}, 400, "expected an ExportTraceServiceRequest"),
        (_BAD_JSON_ID, {"content_type": "application/json"}, 400, "traceId that is not hexadecimal"),
        (_GOOD, {"path": "/v1/nothing"}, 404, "expected POST to one of /v1/traces"),
        (None, {"method": "GET"}, 405, "expected POST"),
    ],
)
def test_what_is_wrong_is_said_in_the_requests_own_encoding(
    collector: Collector, body: bytes | None, headers: dict[str, str], status: int, message: str
) -> None:
    before = sum(collector.stats().rejected_requests.values())
    answer = post(collector.http_port, body, **headers)
    assert answer.status == status
    is_json = answer.headers["content-type"] == "application/json"
    said = (
        json.loads(answer.body) if is_json else {"message": answer.error, "code": Status.FromString(answer.body).code}
    )
    assert message in said["message"]
    assert said["code"] != 0
    assert is_json or headers.get("content_type") != "application/json"
    assert post(collector.http_port, _GOOD).status == 200
    assert sum(collector.stats().rejected_requests.values()) == before + 1


def test_a_gzip_bomb_costs_the_limit_and_no_more(start_collector: Callable[..., Collector]) -> None:
    collector = start_collector(max_body_bytes=1 << 20)
    bomb = gzip.compress(bytes(200 << 20))
    answer = post(collector.http_port, bomb, content_encoding="gzip")
    assert answer.status == 413
    assert "expected at most 1048576 bytes after decompression" in answer.error
    assert post(collector.http_port, _GOOD).status == 200


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_of_100_mb_is_refused_by_its_length_or_on_the_way(collector: Collector, is_chunked: bool) -> None:
    body = bytes(100_000_000)
    answer = post(
        collector.http_port, (body[at : at + 65536] for at in range(0, len(body), 65536)) if is_chunked else body
    )
    assert answer.status == 413
    assert "expected a body of at most 33554432 bytes" in answer.error
    assert post(collector.http_port, _GOOD).status == 200


def test_a_full_spool_asks_to_come_back_and_drains(
    start_collector: Callable[..., Collector], count_spans: CountSpans, project: str
) -> None:
    collector = start_collector(spool_max_bytes=1 << 20, retry_after_s=7, linger_s=60.0)
    bodies = [build_request(1, text=os.urandom(150_000).hex()).SerializeToString() for _ in range(5)]
    answers = [post(collector.http_port, body, x_driftline_project=project) for body in bodies]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    refused = answers[3]
    assert refused.headers["retry-after"] == "7"
    assert "the spool is full" in refused.error
    info = RetryInfo()
    assert Status.FromString(refused.body).details[0].Unpack(info)
    assert info.retry_delay.seconds == 7
    assert collector.flush(60.0)
    assert [post(collector.http_port, body, x_driftline_project=project).status for body in bodies[3:]] == [200, 200]
    assert collector.flush(60.0)
    assert count_spans() == 5
    assert collector.stats().rejected_requests == {"spool_full": 2}


def test_too_much_held_at_once_asks_to_come_back(start_collector: Callable[..., Collector]) -> None:
    collector = start_collector(max_held_bytes=1 << 20)
    head = (
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 900000\r\n\r\n"
    )
    for _ in range(50):  # of two that come together either may be the one that is too much
        with socket.create_connection(("127.0.0.1", collector.http_port)) as slow:
            slow.sendall(head + bytes(800_000))
            time.sleep(0.1)
            answer = post(collector.http_port, bytes(500_000))
        if answer.status == 429:
            break
    assert answer.status == 429
    assert "retry-after" in answer.headers
    too_large = post(collector.http_port, bytes(2 << 20))
    assert (too_large.status, "at most 1048576 bytes" in too_large.error) == (413, True)
    assert post(collector.http_port, b"").status == 200


def test_a_repeated_body_is_acknowledged_and_stored_once(
    start_collector: Callable[..., Collector], count_spans: CountSpans, project: str
) -> None:
    collector = start_collector()
    body = build_request(2).SerializeToString()
    sent = {"x_driftline_project": project}
    assert post(collector.http_port, body, **sent).status == 200
    assert post(collector.http_port, gzip.compress(body), content_encoding="gzip", **sent).status == 200
    assert collector.flush(60.0)
    assert post(collector.http_port, body, **sent).status == 200
    collector.stop(deadline_s=30.0)
    restarted = start_collector()
    assert post(restarted.http_port, body, **sent).status == 200
    assert restarted.flush(60.0)
    assert count_spans() == 2
    assert collector.stats().duplicate_requests == 2
    assert restarted.stats().duplicate_requests == 1
