"""OTLP/gRPC: Export of each signal's service over raw bytes; grpcio decompresses, nothing else touches the message."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NoReturn

import grpc

from driftline_collector import otlp_status
from driftline_collector.errors import Busy, RequestRefused
from driftline_collector.intake import PROJECT_HEADER, Intake, Origin, project_of
from driftline_collector.patience import Patience
from driftline_collector.settings import CollectorSettings
from driftline_collector.signals import SIGNALS, Signal
from driftline_core.errors import StoreError
from driftline_core.log import get_logger

_LOG = get_logger("collector")
_DETAILS: Final = "grpc-status-details-bin"
_ACK_TIMEOUT_S: Final = 60.0


class _Waiter:
    __slots__ = ("error", "settled")

    def __init__(self) -> None:
        self.settled = threading.Event()
        self.error: Busy | None = None


class _ThreadSink:
    def settle(self, waiters: Sequence[_Waiter], error: Busy | None) -> None:
        for waiter in waiters:
            waiter.error = error
            waiter.settled.set()


class GrpcReceiver:
    """The gRPC server. port: the one it listens on, known after start."""

    def __init__(self, settings: CollectorSettings, intake: Intake) -> None:
        self._settings = settings
        self._intake = intake
        self._sink = _ThreadSink()
        self._patience = Patience(settings.read_silence_s)
        self._server: Any = None
        self.port = settings.grpc_port

    def start(self) -> None:
        """Listen. Raises StoreError when the port is taken."""
        options = [
            ("grpc.max_receive_message_length", self._settings.max_body_bytes),
            ("grpc.so_reuseport", 0),  # a port that is taken is an error, not shared
        ]
        executor = ThreadPoolExecutor(self._settings.grpc_threads, thread_name_prefix="otlp-grpc")
        self._server = grpc.server(executor, options=options)
        # As a stream of one, so that the wait for the message is ours to end: grpcio's own wait for a unary message has no limit, and
        # a sender that opens calls and sends nothing would hold every thread.
        for signal in SIGNALS.values():
            export = grpc.stream_unary_rpc_method_handler(partial(self._export, signal))
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(signal.service, {"Export": export}),)
            )
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        try:
            self.port = self._server.add_insecure_port(f"{host}:{self._settings.grpc_port}")
        except RuntimeError as error:
            raise StoreError(
                f"cannot listen on {host} port {self._settings.grpc_port} for OTLP/gRPC: {error}"
            ) from error
        self._patience.start()
        self._server.start()

    def stop(self, *, deadline_s: float) -> None:
        """Accept no more, answer what is being handled, within deadline_s."""
        if self._server is not None:
            self._server.stop(grace=deadline_s).wait(deadline_s + 1.0)
            self._patience.stop()

    def _export(self, signal: Signal, messages: Iterator[bytes], context: Any) -> bytes:
        origin = Origin(signal=signal.name)
        body = self._first(messages, context, origin)
        try:
            metadata = {item.key: item.value for item in context.invocation_metadata()}
            origin.project = project_of(metadata.get(PROJECT_HEADER))
            request = self._intake.check(signal, body, project=origin.project)
            origin.n_items = request.checked.n_items
            waiter = _Waiter()
            if not self._intake.keep(request, sink=self._sink, waiter=waiter):
                if not waiter.settled.wait(_ACK_TIMEOUT_S):
                    raise Busy("the spool did not answer in time", reason="spool_slow", is_full=False)
                if waiter.error is not None:
                    raise waiter.error
        except RequestRefused as error:
            self._intake.count_refused(error, origin)
            self._abort(
                context, grpc.StatusCode.INVALID_ARGUMENT, otlp_status.INVALID_ARGUMENT, str(error), is_retryable=False
            )
        except Busy as error:
            self._intake.count_refused(error, origin)
            if error.is_full:
                self._abort(
                    context,
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    otlp_status.RESOURCE_EXHAUSTED,
                    str(error),
                    is_retryable=True,
                )
            self._abort(context, grpc.StatusCode.UNAVAILABLE, otlp_status.UNAVAILABLE, str(error), is_retryable=True)
        except Exception:  # noqa: BLE001 - the edge: a fault of ours must be answered as one, and the sender may try again
            _LOG.exception("request failed")
            self._intake.count_refused(None, origin)
            self._abort(
                context, grpc.StatusCode.UNAVAILABLE, otlp_status.UNAVAILABLE, "internal error", is_retryable=True
            )
        checked = request.checked
        return otlp_status.success(signal, n_rejected=checked.n_rejected, complaint=checked.complaint)

    def _first(self, messages: Iterator[bytes], context: Any, origin: Origin) -> bytes:
        ticket = self._patience.begin(context.cancel)
        try:
            body = next(messages, None)
        except Exception:  # noqa: BLE001 - grpcio raises a bare one when the call has ended
            body = None
        is_given_up = self._patience.end(ticket)
        if body is not None:
            return body
        if is_given_up:
            self._intake.count_refused(RequestRefused("the request did not come in time", reason="too_slow"), origin)
        message = "expected one message, got none"
        self._abort(
            context, grpc.StatusCode.INVALID_ARGUMENT, otlp_status.INVALID_ARGUMENT, message, is_retryable=False
        )

    def _abort(self, context: Any, status: Any, code: int, message: str, *, is_retryable: bool) -> NoReturn:
        retry_after_s = self._settings.retry_after_s if is_retryable else None
        context.set_trailing_metadata(((_DETAILS, otlp_status.failure(code, message, retry_after_s=retry_after_s)),))
        context.abort(status, message)
        raise AssertionError("context.abort raises")
