"""A webhook receiver on loopback that keeps what it is sent."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request: path, headers with lower-case names, raw body."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Answers `status` with `answer` to everything."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.status = 200
        self.answer: bytes = b"{}"
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): text for name, text in self.headers.items()}
                receiver.requests.append(Received(path=self.path, headers=headers, body=body))
                status, answer = receiver.respond(body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def respond(self, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to a request's body."""
        return self.status, self.answer

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def alerts(self, status: str | None = None) -> list[dict[str, Any]]:
        """Every alert in every body so far."""
        alerts = [alert for request in list(self.requests) for alert in request.json["alerts"]]
        return [alert for alert in alerts if status is None or alert["status"] == status]

    def wait_for(self, status: str, count: int = 1, *, within_s: float = 20.0) -> list[dict[str, Any]]:
        """The alerts of a status, once there are count of them."""
        wait_until(lambda: len(self.alerts(status)) >= count, within_s=within_s)
        return self.alerts(status)


def wait_until(claim: Callable[[], bool], *, within_s: float = 20.0) -> None:
    """Return when claim holds; fail when it does not in time."""
    until = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.02)
