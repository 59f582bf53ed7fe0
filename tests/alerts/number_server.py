"""`Numbers` behind Prometheus' query API on loopback, for evaluators in other processes."""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from driftline_core.errors import QueryError
from tests.alerts.numbers import Numbers


class NumberServer:
    """Answers api/v1/query from `numbers`; its error becomes a 503. n_asked: requests so far."""

    def __init__(self) -> None:
        self.numbers = Numbers()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                status, answer = outer.answer(form["query"][0], float(form["time"][0]))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def n_asked(self) -> int:
        return len(self.numbers.asked)

    def answer(self, expr: str, at: float) -> tuple[int, dict[str, Any]]:
        try:
            samples = self.numbers.instant(expr, datetime.fromtimestamp(at, UTC))
        except QueryError as error:
            return 503, {"status": "error", "errorType": "unavailable", "error": str(error)}
        result = [{"metric": dict(each.labels), "value": [at, str(each.value)]} for each in samples]
        return 200, {"status": "success", "data": {"resultType": "vector", "result": result}}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
