"""uvicorn's HTTP protocol with what it lacks towards a sender that is slow or hostile: bounds on heads and on time."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MAX_HEAD_BYTES: Final = 64 * 1024
_FRAMING_PER_BYTE: Final = 8  # a body in chunks of one byte takes six bytes a byte on the wire


def bounded_protocol(*, silence_s: float, request_s: float, on_slow: Callable[[], None]) -> type[asyncio.Protocol]:
    """A protocol class for uvicorn's `http`.

    silence_s: a request that has begun and sends nothing for so long is dropped; request_s: so is one that is not whole after that
    time, however steadily it drips; on_slow: called for each. What a request sends beside its body (request line, headers, chunk
    sizes, trailers) is bounded too: uvicorn keeps headers without limit.
    """

    class BoundedProtocol(HttpToolsProtocol):
        def __init__(
            self,
            config: uvicorn.Config,
            server_state: Any,
            app_state: dict[str, Any],
            _loop: asyncio.AbstractEventLoop | None = None,
        ) -> None:
            super().__init__(config, server_state, app_state, _loop)
            self._heard_at = self._began_at = self.loop.time()
            self._is_receiving = False
            self._n_messages = 0
            self._n_fed = 0
            self._n_body = 0
            self._watch: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
            super().connection_made(transport)
            self._watch = self.loop.call_later(silence_s, self._check_time)

        def connection_lost(self, exc: Exception | None) -> None:
            if self._watch is not None:
                self._watch.cancel()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            self._heard_at = self.loop.time()
            number, was_receiving = self._n_messages, self._is_receiving
            super().data_received(data)
            # The bytes of a message's first read may belong to the one before it, so they are not counted.
            if was_receiving and number == self._n_messages:
                self._n_fed += len(data)
                if self._n_fed - self._n_body > _MAX_HEAD_BYTES + _FRAMING_PER_BYTE * self._n_body:
                    self._drop("Request header fields are too large.")

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._began_at = self._heard_at
            self._is_receiving = True
            self._n_messages += 1
            self._n_fed = self._n_body = 0

        def on_body(self, body: bytes) -> None:
            self._n_body += len(body)
            super().on_body(body)

        def on_message_complete(self) -> None:
            self._is_receiving = False
            super().on_message_complete()

        def _drop(self, message: str) -> None:
            if self.transport.is_closing():
                return
            if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
                self.send_400_response(message)
            else:
                self.transport.close()

        def _check_time(self) -> None:
            now = self.loop.time()
            due = now + silence_s
            if self._is_receiving and not self.flow.read_paused:  # while reading is paused it is we who are slow
                due = min(self._heard_at + silence_s, self._began_at + request_s)
                if now >= due:
                    on_slow()
                    self.transport.abort()
                    return
            elif not self._is_receiving and (self.cycle is None or self.cycle.response_complete):
                # uvicorn times the pause after a response, but not the one before the first request, or after stray line ends.
                due = self._heard_at + self.timeout_keep_alive
                if now >= due:
                    self.transport.close()
                    return
            self._watch = self.loop.call_later(min(max(due - now, 0.05), silence_s), self._check_time)

    return BoundedProtocol
