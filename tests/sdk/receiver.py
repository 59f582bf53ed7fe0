"""A loopback OTLP/HTTP receiver that parses what a real exporter sends."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Receiver:
    """Requests as they came: path, headers (lower case) and message; bodies of log records apart. Wait with `wait_for_spans`."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.messages: list[ExportTraceServiceRequest] = []
        self.logs: list[bytes] = []
        self._arrived = threading.Condition()
        self.url = ""

    def add(self, path: str, headers: dict[str, str], body: bytes) -> None:
        with self._arrived:
            self.paths.append(path)
            self.headers.append(headers)
            if path.endswith("/v1/logs"):
                self.logs.append(body)
            else:
                self.messages.append(ExportTraceServiceRequest.FromString(body))
            self._arrived.notify_all()

    def spans(self) -> list[Span]:
        return [
            span
            for message in self.messages
            for resource_spans in message.resource_spans
            for scope_spans in resource_spans.scope_spans
            for span in scope_spans.spans
        ]

    def resources(self) -> list[dict[str, str]]:
        return [
            {attribute.key: attribute.value.string_value for attribute in resource_spans.resource.attributes}
            for message in self.messages
            for resource_spans in message.resource_spans
        ]

    def wait_for_spans(self, n_spans: int) -> list[Span]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.spans()) >= n_spans, timeout=20), f"got {self.spans()}"
            return self.spans()


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            receiver.add(self.path, {key.lower(): value for key, value in self.headers.items()}, body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            """Silent: test output is for failures."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
