"""Kill a server without warning while senders load it, start it again, and see what became of every span.

The command is the caller's: anything that listens for OTLP/HTTP, says on which port in a line of its standard output, and can be
started again on the same directories.
"""

import http.client
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.collector.otlp_requests import PROTOBUF, build_request, spans_of

_START_S = 120.0
_STOP_S = 120.0


@dataclass(slots=True, kw_only=True)
class Outcome:
    """span ids in hex. acknowledged: answered with 200 at least once; sent: all, each sent until it was acknowledged."""

    acknowledged: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    n_repeats: int = 0


class Server:
    """One process of the command; killed, or ended and waited for."""

    def __init__(self, command: Sequence[str], port_in: Callable[[str], int | None]) -> None:
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = self._port(port_in)

    def _port(self, port_in: Callable[[str], int | None]) -> int:
        assert self._process.stdout is not None
        deadline = time.monotonic() + _START_S
        for line in self._process.stdout:
            port = port_in(line)
            if port is not None:
                return port
            if time.monotonic() > deadline:
                break
        self.kill()
        raise AssertionError("the server did not say its port in time")

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL: no handler, no flush, no goodbye."""
        self._process.kill()
        self._close()

    def end(self) -> int:
        """SIGTERM and wait; its exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self._close()

    def _close(self) -> int:
        status = self._process.wait(_STOP_S)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return status


class Sender(threading.Thread):
    """Sends requests one after another, each again and again until it is acknowledged, whatever port the server has now."""

    def __init__(self, port: Callable[[], int | None], stopping: threading.Event, *, n_spans: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._stopping = stopping
        self._n_spans = n_spans
        self.outcome = Outcome()

    def run(self) -> None:
        while not self._stopping.is_set():
            request = build_request(self._n_spans, text="x" * 500)
            ids = {span.span_id.hex() for span in spans_of(request)}
            body = request.SerializeToString()
            self.outcome.sent |= ids
            while not self._send(body):
                self.outcome.n_repeats += 1
                time.sleep(0.02)
            self.outcome.acknowledged |= ids

    def _send(self, body: bytes) -> bool:
        port = self._port()
        if port is None:
            return False
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("POST", "/v1/traces", body=body, headers={"content-type": PROTOBUF})
            response = connection.getresponse()
            response.read()
            return response.status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def kill_under_load(
    command: Sequence[str],
    *,
    port_in: Callable[[str], int | None],
    pauses_s: Sequence[float],
    n_senders: int = 4,
    n_spans: int = 8,
    before_end: Callable[[], None] = lambda: None,
) -> Outcome:
    """Start, load, kill after each pause; then start once more, let the senders finish, end it. What was sent and acknowledged.

    before_end: called while the last one still runs.
    """
    port: int | None = None
    stopping = threading.Event()
    senders = [Sender(lambda: port, stopping, n_spans=n_spans) for _ in range(n_senders)]
    for sender in senders:
        sender.start()
    try:
        for pause_s in pauses_s:
            server = Server(command, port_in)
            port = server.port
            time.sleep(pause_s)
            server.kill()
            port = None
        server = Server(command, port_in)
        port = server.port
    finally:
        stopping.set()
    for sender in senders:
        sender.join(60.0)
        assert not sender.is_alive(), "a sender was never acknowledged"
    before_end()
    status = server.end()
    assert status == 0, f"expected the server to end with status 0, got {status}"
    total = Outcome()
    for sender in senders:
        total.acknowledged |= sender.outcome.acknowledged
        total.sent |= sender.outcome.sent
        total.n_repeats += sender.outcome.n_repeats
    return total


def check_kept_once(outcome: Outcome, rows: Counter[str]) -> None:
    """rows: how many rows of each span id (hex) the store has, repeated ones counted."""
    missing = outcome.acknowledged - rows.keys()
    repeated = {span_id: count for span_id, count in rows.items() if count > 1}
    assert not missing, f"{len(missing)} of {len(outcome.acknowledged)} acknowledged spans are missing"
    assert not repeated, f"{len(repeated)} spans are stored more than once"
    assert rows.keys() <= outcome.sent
