"""Slow, broken and hostile senders: each is refused or dropped at a bounded cost, and the others are served."""

import gzip
import resource
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from driftline_collector import Collector
from driftline_collector.errors import RequestRefused
from driftline_collector.inflate import Inflater
from driftline_collector.letters import find_letters
from driftline_core.store import Store
from tests.collector import hostile
from tests.collector.otlp_requests import build_request, post

StartCollector = Callable[..., Collector]
CountSpans = Callable[[], int]
_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_GOOD = build_request(2).SerializeToString()


def wait_for(claim: Callable[[], bool], *, limit_s: float = 30.0) -> None:
    deadline = time.monotonic() + limit_s
    while not claim():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def send_over_and_over(connection: socket.socket, data: bytes, *, pause_s: float = 0.0) -> None:
    """Raises ConnectionError when the other side has ended it."""
    for _ in range(1000):
        connection.sendall(data)
        time.sleep(pause_s)


def held_by_silence(port: int) -> socket.socket:
    """A connection whose sender fell silent after 900 kB, all of which the collector holds."""
    for _ in range(100):
        silent = hostile.connect(port)
        silent.sendall(hostile.head(1_000_000) + bytes(900_000))
        time.sleep(0.05)
        if post(port, bytes(500_000)).status == 429:
            return silent
        silent.close()  # the other one may have come first, and this one been refused
    raise AssertionError("the collector never held it")


def test_a_sender_that_falls_silent_in_mid_body_is_dropped_and_its_memory_is_free(
    start_collector: StartCollector,
) -> None:
    collector = start_collector(read_silence_s=3.0, max_held_bytes=1 << 20)
    with held_by_silence(collector.http_port) as silent:
        assert hostile.answer_or_end(silent) == b""
        assert post(collector.http_port, bytes(500_000)).status == 400
    assert collector.stats().rejected_requests["too_slow"] >= 1


@pytest.mark.parametrize("start", [b"POST /v1/traces HTTP/1.1\r\nx: ", hostile.head(10_000)])
def test_a_sender_that_drips_is_dropped_when_its_time_is_up(start_collector: StartCollector, start: bytes) -> None:
    collector = start_collector(read_silence_s=5.0, read_request_s=1.0)
    with hostile.connect(collector.http_port) as dripping:
        dripping.sendall(start)
        with pytest.raises(ConnectionError):
            send_over_and_over(dripping, b"x", pause_s=0.02)
    assert collector.stats().rejected_requests == {"too_slow": 1}


def test_a_request_byte_by_byte_is_kept(collector: Collector, count_spans: CountSpans, project: str) -> None:
    body = build_request(1).SerializeToString()
    request = hostile.head(len(body)).replace(b"host", f"x-driftline-project: {project}\r\nhost".encode()) + body
    with hostile.connect(collector.http_port) as slow:
        for at in range(len(request)):
            slow.sendall(request[at : at + 1])
        assert slow.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert collector.flush(60.0)
    assert count_spans() == 1


def test_a_sender_that_closes_in_mid_body_leaves_nothing_behind(start_collector: StartCollector) -> None:
    collector = start_collector(max_held_bytes=1 << 20)
    for _ in range(5):
        with hostile.connect(collector.http_port) as gone:
            gone.sendall(hostile.head(1_000_000) + bytes(700_000))
    wait_for(lambda: post(collector.http_port, bytes(900_000)).status == 400)
    assert post(collector.http_port, _GOOD).status == 200


@pytest.mark.parametrize(
    "endless",
    [
        b"GET /" + b"a" * 1_000_000,
        b"POST /v1/traces HTTP/1.1\r\n" + b"".join(b"x-%d: y\r\n" % number for number in range(100_000)),
        b"POST /v1/traces HTTP/1.1\r\nx: " + b"y" * 1_000_000,
        hostile.head(0).replace(b"content-length: 0", b"transfer-encoding: chunked")
        + b"1\r\na\r\n0\r\n"
        + b"".join(b"x-%d: y\r\n" % number for number in range(100_000)),
    ],
    ids=["url", "headers", "header", "trailers"],
)
def test_a_head_without_end_is_cut_off(collector: Collector, endless: bytes) -> None:
    with hostile.connect(collector.http_port) as connection:
        with pytest.raises(ConnectionError):
            send_over_and_over(connection, endless)
        assert b" 200 " not in hostile.answer_or_end(connection)
    assert post(collector.http_port, _GOOD).status == 200


def test_requests_that_follow_each_other_in_one_write_are_answered_each(collector: Collector) -> None:
    body = build_request(1, text="x" * 300_000).SerializeToString()
    with hostile.connect(collector.http_port) as connection:
        connection.sendall((hostile.head(len(body)) + body) * 4)
        answers = b""
        while answers.count(b"HTTP/1.1 200 ") < 4:
            more = connection.recv(65536)
            assert more, answers
            answers += more


def test_500_idle_connections_keep_nobody_out(collector: Collector) -> None:
    wanted, (soft, hard) = 4096, resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:  # both ends of each are files of this process
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    idle = [hostile.connect(collector.http_port) for _ in range(500)]
    try:
        with ThreadPoolExecutor(4) as pool:
            bodies = [build_request(1).SerializeToString() for _ in range(40)]
            answers = list(pool.map(lambda body: post(collector.http_port, body), bodies))
        assert {answer.status for answer in answers} == {200}
    finally:
        for connection in idle:
            connection.close()


def test_grpc_calls_that_send_nothing_hold_their_threads_for_a_while_only(start_collector: StartCollector) -> None:
    collector = start_collector(grpc_threads=2, read_silence_s=0.5)
    closing = threading.Event()
    with grpc.insecure_channel(f"127.0.0.1:{collector.grpc_port}") as channel:
        stuck = [channel.stream_unary(_EXPORT).future(_never(closing)) for _ in range(2)]
        for call in stuck:
            assert call.exception(timeout=30.0) is not None
        assert channel.unary_unary(_EXPORT)(_GOOD, timeout=30.0) == b""
        closing.set()
    assert collector.stats().rejected_requests == {"too_slow": 2}


def _never(closing: threading.Event) -> Iterator[bytes]:
    """A sender that opens a call and sends no message."""
    closing.wait(60.0)
    yield from ()


def test_bombs_cost_the_limit_and_no_more(start_collector: StartCollector) -> None:
    collector = start_collector(max_body_bytes=1 << 20)
    for encoding, bomb in (("gzip", gzip.compress(bytes(50 << 20))), ("deflate", zlib.compress(bytes(50 << 20)))):
        answer = post(collector.http_port, bomb, content_encoding=encoding)
        assert answer.status == 413
        assert "after decompression" in answer.error
    members = post(collector.http_port, hostile.member_bomb(100_000), content_encoding="gzip")
    assert members.status == 400
    assert "members" in members.error
    with grpc.insecure_channel(f"127.0.0.1:{collector.grpc_port}") as channel:
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary(_EXPORT)(bytes(50 << 20), timeout=30.0, compression=grpc.Compression.Gzip)
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert channel.unary_unary(_EXPORT)(_GOOD, timeout=30.0) == b""


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw"])
def test_a_compressed_body_may_be_cut_anywhere(encoding: str) -> None:
    body = bytes(range(256)) * 4
    packed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    packed = packed[2:-4] if encoding == "raw" else packed
    for cut in range(len(packed) + 1):
        inflater = Inflater("gzip" if encoding == "gzip" else "deflate", max_bytes=1 << 20)
        inflater.feed(packed[:cut])
        inflater.feed(packed[cut:])
        assert inflater.finish() == body
    inflater = Inflater("deflate", max_bytes=1 << 20)
    inflater.feed(b"x")
    with pytest.raises(RequestRefused, match="it ends early"):
        inflater.finish()


def test_what_nests_deeply_is_refused_or_kept_and_harms_nobody(
    start_collector: StartCollector, count_spans: CountSpans, project: str, tmp_path: Path
) -> None:
    collector = start_collector(linger_s=60.0, linger_max_s=60.0)  # all in one segment
    port = collector.http_port
    bodies = [(hostile.nested_json(depth), "application/json") for depth in (1, 10, 20, 40, 60, 100, 400, 5000)]
    for is_map in (False, True):
        bodies += [
            (hostile.nested_protobuf(depth, is_map=is_map), "application/x-protobuf")
            for depth in (1, 2, 3, 10, 30, 45, 60, 100, 1000)
        ]
    bodies += [(hostile.deep_json(100_000), "application/json"), (b'{"a":' * 100_000, "application/json")]
    statuses = [
        post(port, body, content_type=content_type, x_driftline_project=project).status for body, content_type in bodies
    ]
    assert set(statuses) == {200, 400}
    assert post(port, _GOOD, x_driftline_project=project).status == 200
    assert collector.flush(120.0)
    assert count_spans() + len(find_letters(tmp_path / "spool")) == statuses.count(200) + 2
    assert count_spans() >= 2


def test_odd_requests_are_kept_whole(
    collector: Collector, ingest_store: Store, count_spans: CountSpans, project: str
) -> None:
    bodies = hostile.odd_requests()
    for name, body in bodies.items():
        assert post(collector.http_port, body, x_driftline_project=project).status == 200, name
    assert collector.flush(120.0)
    assert count_spans() == len(bodies)
    rows = ingest_store.rows(
        "SELECT extract(name, '^[a-z]+') AS name, length(mapKeys(attributes)) AS n, length(attributes['big']) AS big,"
        " attributes['same'] AS same, attributes[concat('n', char(0), 'l')] AS nul, attributes['raw'] AS raw,"
        " attributes['least'] AS least, attributes['nan'] AS nan, length(spans.name) AS length"
        " FROM spans WHERE project = {p:String}",
        {"p": project},
    )
    by_name = {row["name"]: row for row in rows}
    assert by_name["many"]["n"] == 20_001
    assert by_name["large"]["big"] == 4 << 20
    assert (by_name["twice"]["n"], by_name["twice"]["same"]) == (3, "first")
    assert by_name["nul"]["nul"] == "a\0b"
    assert by_name["bytes"]["raw"] == "/wD+"
    assert (by_name["numbers"]["nan"], by_name["numbers"]["least"]) == ("nan", str(-(2**63)))
    assert max(row["length"] for row in rows) == 1_000_005


@pytest.mark.parametrize(
    "span",
    [
        {"traceId": "5b 8efff798038103d269b633813fc60c "},
        {"traceId": "５b8efff798038103d269b633813fc60c"},
        {"spanId": ["eee19b7ec3c1b174"]},
        {"startTimeUnixNano": 1e400},
        {"startTimeUnixNano": -1},
        {"startTimeUnixNano": "18446744073709551616"},
        {"startTimeUnixNano": 1.5},
        {"kind": {"a": 1}},
        {"attributes": {"key": "a"}},
        {"attributes": [[1]]},
        {"attributes": [{"key": 5}]},
        {"attributes": [{"key": "a", "value": {"intValue": "x"}}]},
        {"attributes": [{"key": "a", "value": {"stringValue": "a", "intValue": 1}}]},
        {"events": [None]},
        {"links": [{"traceId": 5}]},
    ],
    ids=str,
)
def test_json_of_a_wrong_shape_is_refused_and_not_an_error_of_ours(
    collector: Collector, span: dict[str, object]
) -> None:
    body = hostile.json_with(**span).replace(b"Infinity", b"1e400")
    answer = post(collector.http_port, body, content_type="application/json")
    assert answer.status == 400, answer.body
