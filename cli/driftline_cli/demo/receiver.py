"""A webhook receiver on loopback that keeps what arrives, standing in for the team's chat or pager."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class WebhookReceiver:
    """Serves any POST with 200 and keeps its JSON body. start() binds a free port of 127.0.0.1."""

    def __init__(self) -> None:
        self._payloads: list[dict[str, Any]] = []
        self._arrived = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where to post. Raises RuntimeError before start()."""
        if self._server is None:
            raise RuntimeError("the receiver has not been started")
        return f"http://127.0.0.1:{self._server.server_address[1]}/alerts"

    def start(self) -> None:
        keep = self._keep

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                keep(self.rfile.read(length))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                """Silent: the demo's terminal is for its story."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="webhook-receiver", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(5)

    def payloads(self) -> list[dict[str, Any]]:
        """Every body so far, in order of arrival."""
        with self._arrived:
            return list(self._payloads)

    def wait_for(self, n_payloads: int, *, timeout_s: float) -> bool:
        """True as soon as n_payloads bodies have arrived, False after timeout_s seconds."""
        with self._arrived:
            return self._arrived.wait_for(lambda: len(self._payloads) >= n_payloads, timeout_s)

    def _keep(self, body: bytes) -> None:
        try:
            payload = json.loads(body)
        except ValueError:
            payload = {"unreadable": body.decode(errors="replace")}
        with self._arrived:
            self._payloads.append(payload if isinstance(payload, dict) else {"items": payload})
            self._arrived.notify_all()
