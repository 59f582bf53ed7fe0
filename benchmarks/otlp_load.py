"""OTLP load over keep-alive connections: a closed loop that takes what it can get, and an open one that keeps to a schedule."""

import itertools
import math
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import grpc

from benchmarks.otlp_payload import Payload

_EXPORT: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_REFUSED: Final = (429, 503)
_BUSY: Final = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)
_REFUSED_PAUSE_S: Final = 0.05
_MAX_FAILURES: Final = 20


class Sender(Protocol):
    def post(self, body: bytearray) -> int: ...
    def close(self) -> None: ...


class HttpSender:
    """One keep-alive connection that posts bodies; small enough that the load does not take the server's CPU."""

    def __init__(self, port: int, *, path: str = "/v1/traces", header: str = "") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=300)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/x-protobuf\r\n{header}"
            "Content-Length: "
        )

    def post(self, body: bytearray) -> int:
        """The answer's status. Raises OSError when the connection ends."""
        head = f"{self._head}{len(body)}\r\n\r\n".encode()
        sent = self._socket.sendmsg([head, body])
        if sent < len(head) + len(body):
            self._socket.sendall(memoryview(body)[max(0, sent - len(head)) :])
        status = self._reader.readline()
        if not status:
            raise ConnectionError("the server closed the connection")
        length = 0
        is_chunked = False
        while (line := self._reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.lower().partition(b":")
            if name == b"content-length":
                length = int(value)
            is_chunked = is_chunked or (name == b"transfer-encoding" and value.strip() == b"chunked")
        self._reader.read(length)
        while is_chunked and (size := int(self._reader.readline(), 16)) >= 0:
            self._reader.read(size + 2)
            is_chunked = size > 0
        return int(status.split(b" ", 2)[1])

    def close(self) -> None:
        self._reader.close()
        self._socket.close()


class GrpcSender:
    """One channel, a TCP connection of its own, that sends bodies as they are. Statuses are given as HTTP's."""

    def __init__(self, port: int) -> None:
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
        self._channel: Any = grpc.insecure_channel(f"127.0.0.1:{port}", options=options)
        self._call = self._channel.unary_unary(_EXPORT)

    def post(self, body: bytearray) -> int:
        """200, 503 when the sender is asked to come back. Raises OSError."""
        try:
            self._call(bytes(body), timeout=300)
        except grpc.RpcError as error:
            if error.code() in _BUSY:
                return 503
            raise OSError(str(error.code())) from error
        return 200

    def close(self) -> None:
        self._channel.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """One request. at: monotonic seconds of its acknowledgement; took_ms: since it was sent, in an open loop since it was due."""

    at: float
    took_ms: float
    trace_id: str


@dataclass(slots=True, kw_only=True)
class Load:
    """What was sent. started_at: monotonic seconds; refused: answers that asked to come back."""

    started_at: float
    n_spans: int = 0
    n_bytes: int = 0
    duration_s: float = 0.0
    acknowledged: list[Acknowledged] = field(default_factory=list)
    refused: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def latencies_ms(self) -> list[float]:
        return [one.took_ms for one in self.acknowledged]


_NUMBERS = itertools.count(int(time.time() * 1000) & 0x3FFFFFFF)


def send_for(
    connect: Callable[[], Sender],
    payloads: Sequence[Payload],
    *,
    connections: int,
    seconds: float,
    max_requests: int | None = None,
) -> Load:
    """Closed loop: one request at a time on each connection, for that long or until so many were sent."""
    until = time.monotonic() + seconds
    left = iter(range(max_requests)) if max_requests is not None else itertools.count()
    lock = threading.Lock()

    def due() -> float | None:
        with lock:
            return None if time.monotonic() >= until or next(left, None) is None else math.inf

    return _send(connect, payloads, connections, due)


def send_at(
    connect: Callable[[], Sender], payloads: Sequence[Payload], *, connections: int, seconds: float, spans_s: float
) -> Load:
    """Open loop: requests are due on a fixed schedule whatever became of earlier ones, and their time counts from then."""
    started_at = time.monotonic()
    step_s = payloads[0].n_spans / spans_s
    schedule = iter(range(max(1, int(seconds / step_s))))
    lock = threading.Lock()

    def due() -> float | None:
        with lock:
            number = next(schedule, None)
        if number is None:
            return None
        at = started_at + number * step_s
        time.sleep(max(0.0, at - time.monotonic()))
        return at

    return _send(connect, payloads, connections, due)


def _send(
    connect: Callable[[], Sender], payloads: Sequence[Payload], connections: int, due: Callable[[], float | None]
) -> Load:
    """due: waits until the next request's time and says it (infinite: whenever it is sent), None at the end; called by every thread."""
    load = Load(started_at=time.monotonic())
    lock = threading.Lock()

    def send(worker: int) -> None:
        sender: Sender | None = None
        try:
            sender = connect()
            for payload in itertools.cycle(payloads[worker::connections]):
                if (due_at := due()) is None:
                    return
                body = payload.renew(next(_NUMBERS))
                began = min(due_at, time.monotonic())
                status = sender.post(body)
                at = time.monotonic()
                with lock:
                    if 200 <= status < 300:
                        one = Acknowledged(at=at, took_ms=(at - began) * 1e3, trace_id=payload.first_trace_id())
                        load.acknowledged.append(one)
                        load.n_spans += payload.n_spans
                        load.n_bytes += len(body)
                    elif status in _REFUSED:
                        load.refused += 1
                    else:
                        load.failures.append(f"status {status}")
                        if len(load.failures) > _MAX_FAILURES:
                            return
                if status in _REFUSED:
                    time.sleep(_REFUSED_PAUSE_S)
        except OSError as error:
            with lock:
                load.failures.append(str(error))
        finally:
            if sender is not None:
                sender.close()

    threads = [threading.Thread(target=send, args=(worker,)) for worker in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.duration_s = time.monotonic() - load.started_at
    return load
