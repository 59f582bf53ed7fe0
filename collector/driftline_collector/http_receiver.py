"""OTLP/HTTP: a bare ASGI application on uvicorn (uvloop, httptools) in a thread of its own. No framework: every µs is a request's."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import uvicorn

from driftline_collector import otlp_status
from driftline_collector.errors import Busy, RequestRefused
from driftline_collector.http_protocol import bounded_protocol
from driftline_collector.inflate import Inflater
from driftline_collector.intake import PROJECT_HEADER, RETRY_HEADER, Intake, Origin, Request, project_of
from driftline_collector.settings import CollectorSettings
from driftline_collector.signals import SIGNAL_OF_PATH, Signal
from driftline_core.errors import StoreError
from driftline_core.log import get_logger

_LOG = get_logger("collector")
_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]

_PROJECT_HEADER: Final = PROJECT_HEADER.encode()
_RETRY_HEADER: Final = RETRY_HEADER.encode()
_PROTOBUF_TYPES: Final = frozenset({b"application/x-protobuf", b"application/protobuf"})
_JSON_TYPE: Final = b"application/json"
_ENCODINGS: Final = frozenset({b"gzip", b"deflate"})
_INLINE_INFLATE_BYTES: Final = 16 * 1024
_INLINE_JSON_BYTES: Final = 16 * 1024
_INLINE_BYTES: Final = (
    512 * 1024
)  # checking more than this takes over 1 ms: in a thread, so that the loop answers others
_KEEP_ALIVE_S: Final = 75
_HTTP_CODES: Final = {
    "too_large": 413,
    "unsupported_type": 415,
    "unsupported_encoding": 415,
    "unknown_path": 404,
    "method": 405,
}


class _LoopSink:
    """Tells futures of one event loop that their requests are durable: one wake-up of the loop for a whole group."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def settle(self, waiters: Sequence["asyncio.Future[None]"], error: Busy | None) -> None:
        self._loop.call_soon_threadsafe(self._settle, waiters, error)

    @staticmethod
    def _settle(waiters: Sequence["asyncio.Future[None]"], error: Busy | None) -> None:
        for waiter in waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)


class OtlpApp:
    """The ASGI application: POST /v1/traces, /v1/logs, /v1/metrics, protobuf or JSON, gzip, deflate or identity."""

    def __init__(self, settings: CollectorSettings, intake: Intake, executor: ThreadPoolExecutor) -> None:
        self._settings = settings
        self._intake = intake
        self._executor = executor
        self._sink: _LoopSink | None = None
        self.max_held_bytes = settings.max_held_bytes
        self.held_bytes = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        is_json = headers.get(b"content-type", b"").startswith(_JSON_TYPE)
        retry_after_s: int | None = None
        origin = Origin()
        try:
            response = await self._export(scope, headers, receive, origin, is_json=is_json)
            if response is None:
                return  # the sender hung up
            status = 200
        except RequestRefused as error:
            self._intake.count_refused(error, origin)
            status = _HTTP_CODES.get(error.reason, 400)
            is_json = is_json or error.reason == "unsupported_type"
            code = otlp_status.RESOURCE_EXHAUSTED if status == 413 else otlp_status.INVALID_ARGUMENT
            response = otlp_status.failure(code, str(error), is_json=is_json)
        except Busy as error:
            self._intake.count_refused(error, origin)
            status = 429 if error.is_full else 503
            retry_after_s = self._settings.retry_after_s
            code = otlp_status.RESOURCE_EXHAUSTED if error.is_full else otlp_status.UNAVAILABLE
            response = otlp_status.failure(code, str(error), retry_after_s=retry_after_s, is_json=is_json)
        except Exception:  # noqa: BLE001 - the edge: a fault of ours must be answered as one, and the sender may try again
            _LOG.exception("request failed")
            self._intake.count_refused(None, origin)
            status = 503
            retry_after_s = self._settings.retry_after_s
            response = otlp_status.failure(otlp_status.UNAVAILABLE, "internal error", is_json=is_json)
        await _respond(send, status, response, is_json=is_json, retry_after_s=retry_after_s)

    def count_slow(self) -> None:
        """A request that was dropped because it did not come in time."""
        self._intake.count_refused(RequestRefused("the request did not come in time", reason="too_slow"), Origin())

    async def _export(
        self,
        scope: MutableMapping[str, Any],
        headers: dict[bytes, bytes],
        receive: _Receive,
        origin: Origin,
        *,
        is_json: bool,
    ) -> bytes | None:
        signal = _signal_of(scope)
        origin.signal = signal.name
        header = headers.get(_PROJECT_HEADER)
        origin.project = project_of(None if header is None else header.decode("latin-1"))
        _check_target(scope, headers)
        hold = _Hold(self)
        try:
            body = await self._body(headers, receive, hold)
            if body is None:
                return None
            retry_of = headers.get(_RETRY_HEADER, b"").decode("latin-1")
            request = await self._checked(signal, body, project=origin.project, is_json=is_json, retry_of=retry_of)
            origin.n_items = request.checked.n_items
            loop = asyncio.get_running_loop()
            if self._sink is None:
                self._sink = _LoopSink(loop)
            waiter: asyncio.Future[None] = loop.create_future()
            if not self._intake.keep(request, sink=self._sink, waiter=waiter):
                await waiter
            if retry_of:
                await loop.run_in_executor(self._executor, self._intake.note_retried, retry_of)
            checked = request.checked
            return otlp_status.success(
                signal, n_rejected=checked.n_rejected, complaint=checked.complaint, is_json=is_json
            )
        finally:
            hold.release()

    async def _body(self, headers: dict[bytes, bytes], receive: _Receive, hold: "_Hold") -> bytes | None:
        """The request's body, decompressed; None when the sender hung up. Bounded before it is held, with or without a length."""
        max_bytes = self._settings.max_wire_bytes
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > max_bytes:
            raise _too_large(int(declared), max_bytes)
        encoding = headers.get(b"content-encoding", b"identity").strip().lower()
        inflater = None
        if encoding in _ENCODINGS:
            inflater = Inflater(encoding.decode(), max_bytes=self._settings.max_body_bytes)
        elif encoding not in (b"identity", b""):
            raise RequestRefused(
                f"expected a content-encoding of gzip, deflate or identity, got {encoding[:80].decode('latin-1')!r}",
                reason="unsupported_encoding",
            )
        parts: list[bytes] = []
        n_bytes = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunk: bytes = message.get("body", b"")
            n_bytes += len(chunk)
            if n_bytes > max_bytes:
                raise _too_large(n_bytes, max_bytes)
            if inflater is None:
                hold.add(len(chunk))
                parts.append(chunk)
            else:
                before = inflater.n_bytes
                if len(chunk) > _INLINE_INFLATE_BYTES:
                    await asyncio.get_running_loop().run_in_executor(self._executor, inflater.feed, chunk)
                else:
                    inflater.feed(chunk)
                hold.add(inflater.n_bytes - before)
            if not message.get("more_body"):
                break
        if inflater is not None and n_bytes:
            return inflater.finish()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _checked(self, signal: Signal, body: bytes, *, project: str, is_json: bool, retry_of: str) -> Request:
        check = partial(self._intake.check, signal, body, project=project, is_json=is_json, retry_of=retry_of)
        if len(body) <= (_INLINE_JSON_BYTES if is_json else _INLINE_BYTES):
            return check()
        return await asyncio.get_running_loop().run_in_executor(self._executor, check)


class _Hold:
    """What one request holds of the memory that all may hold."""

    def __init__(self, app: OtlpApp) -> None:
        self._app = app
        self._n_bytes = 0

    def add(self, n_bytes: int) -> None:
        """Raises Busy when all requests together hold too much."""
        self._n_bytes += n_bytes
        self._app.held_bytes += n_bytes
        limit = self._app.max_held_bytes
        if self._n_bytes > limit:
            raise _too_large(self._n_bytes, limit)
        if self._app.held_bytes > limit:
            raise Busy(f"requests of {limit} bytes are being handled already", reason="memory_full", is_full=True)

    def release(self) -> None:
        self._app.held_bytes -= self._n_bytes


def _signal_of(scope: MutableMapping[str, Any]) -> Signal:
    signal = SIGNAL_OF_PATH.get(scope["path"])
    if signal is None:
        known = ", ".join(SIGNAL_OF_PATH)
        raise RequestRefused(
            f"expected POST to one of {known}, got {scope['method']} {scope['path'][:200]}", reason="unknown_path"
        )
    return signal


def _check_target(scope: MutableMapping[str, Any], headers: dict[bytes, bytes]) -> None:
    if scope["method"] != "POST":
        raise RequestRefused(f"expected POST {scope['path']}, got {scope['method']}", reason="method")
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type not in _PROTOBUF_TYPES and media_type != _JSON_TYPE:
        raise RequestRefused(
            f"expected a content-type of {otlp_status.PROTOBUF} or {otlp_status.JSON}, got {media_type[:80].decode('latin-1')!r}",
            reason="unsupported_type",
        )


def _too_large(n_bytes: int, limit: int) -> RequestRefused:
    return RequestRefused(
        f"expected a body of at most {limit} bytes, got {n_bytes} or more; send smaller batches", reason="too_large"
    )


async def _respond(send: _Send, status: int, body: bytes, *, is_json: bool, retry_after_s: int | None) -> None:
    headers = [
        (b"content-type", b"application/json" if is_json else b"application/x-protobuf"),
        (b"content-length", str(len(body)).encode()),
    ]
    if retry_after_s is not None:
        headers.append((b"retry-after", str(retry_after_s).encode()))
    if status == 405:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class HttpReceiver:
    """The server around it. port: the one it listens on, known after start."""

    def __init__(self, settings: CollectorSettings, intake: Intake) -> None:
        self._settings = settings
        self._executor = ThreadPoolExecutor(2, thread_name_prefix="otlp-check")
        self._app = OtlpApp(settings, intake, self._executor)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None
        self.port = settings.http_port

    def start(self) -> None:
        """Listen. Raises StoreError when the port is taken."""
        host = self._settings.host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, self._settings.http_port), family=family, backlog=1024)
        except OSError as error:
            raise StoreError(
                f"cannot listen on {host} port {self._settings.http_port} for OTLP/HTTP: {error}"
            ) from error
        self.port = self._socket.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            loop="uvloop",
            http=bounded_protocol(
                silence_s=self._settings.read_silence_s,
                request_s=self._settings.read_request_s,
                on_slow=self._app.count_slow,
            ),
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=5,
        )
        server = self._server = uvicorn.Server(config)
        listening = [self._socket]
        self._thread = threading.Thread(target=lambda: server.run(sockets=listening), name="otlp-http", daemon=True)
        self._thread.start()
        while not server.started and self._thread.is_alive():
            time.sleep(0.005)

    def stop(self, *, deadline_s: float) -> None:
        """Accept no more, answer what is being handled, within deadline_s."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(deadline_s)
        if self._socket is not None:
            self._socket.close()
        self._executor.shutdown(wait=False)

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()
