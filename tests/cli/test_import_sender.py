"""The sender against a collector that is busy, refuses or is away."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from driftline_cli.importing.sender import DeliveryError, OtlpSender

Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def server(answers: list[Answer]) -> Iterator[str]:
    """Gives these answers, one a request, the last one for ever."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def test_it_waits_as_long_as_the_collector_asks_and_sends_again() -> None:
    waits: list[float] = []
    answers: list[Answer] = [(429, {"retry-after": "7"}, b""), (503, {}, b""), (200, {}, b"")]
    with server(answers) as url, OtlpSender(url, sleep=waits.append) as sender:
        assert sender.send(b"") == (0, "")
        assert sender.n_retries == 2
    assert waits == [7.0, 1.0]


def test_a_refusal_is_told_with_its_reason_and_not_retried() -> None:
    waits: list[float] = []
    body = Status(message="expected protobuf").SerializeToString()
    with (
        server([(400, {}, body)]) as url,
        OtlpSender(url, sleep=waits.append) as sender,
        pytest.raises(DeliveryError, match="HTTP 400: expected protobuf"),
    ):
        sender.send(b"")
    assert waits == []


def test_partial_success_is_counted() -> None:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = 3
    response.partial_success.error_message = "bad ids"
    with server([(200, {}, response.SerializeToString())]) as url, OtlpSender(url) as sender:
        assert sender.send(b"") == (3, "bad ids")


def test_patience_ends() -> None:
    with (
        server([(503, {"retry-after": "20"}, b"")]) as url,
        OtlpSender(url, patience_s=30, sleep=lambda _: None) as sender,
        pytest.raises(DeliveryError, match="did not take a batch within 30 s, last: HTTP 503"),
    ):
        sender.send(b"")


def test_where_nobody_listens_it_says_so_soon() -> None:
    with (
        OtlpSender("http://127.0.0.1:9", sleep=lambda _: None) as sender,
        pytest.raises(DeliveryError, match="is `driftline up` running"),
    ):
        sender.send(b"")
