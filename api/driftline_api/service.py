"""The API as a service: uvicorn in a thread."""

import asyncio
import socket
import threading
import time

import uvicorn
from fastapi import FastAPI

from driftline_api.settings import ApiSettings
from driftline_core import ConfigError, Health, StoreError, get_logger

_START_DEADLINE_S = 30.0


class ApiServer:
    """Serves the app from start() to stop(). Raises ConfigError on start when it cannot listen."""

    def __init__(self, settings: ApiSettings, app: FastAPI) -> None:
        self.name = "api"
        self._settings = settings
        self._app = app
        self._log = get_logger("api")
        self._server: uvicorn.Server | None = None
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._port = settings.port

    @property
    def port(self) -> int:
        """The port it listens on; after start() never 0."""
        return self._port

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._settings.host, self._settings.host)
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self._port}"

    def start(self) -> None:
        if self._thread is not None:
            raise ConfigError("expected an API server that is not running, got one that is")
        self._socket = self._listen()
        self._port = self._socket.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            lifespan="on",
            ws="none",
            timeout_keep_alive=30,
            h11_max_incomplete_event_size=64 * 1024,
        )
        self._server = uvicorn.Server(config)
        self._error = None
        self._thread = threading.Thread(target=self._run, args=(self._server, self._socket), name="api", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + _START_DEADLINE_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                error = self._error
                self.stop(deadline_s=5)
                raise StoreError(f"the API did not start on {self._address()}: {error or 'no answer'}") from error
            time.sleep(0.01)
        self._log.info("api listens", url=self.url)

    def stop(self, *, deadline_s: float) -> None:
        thread, server = self._thread, self._server
        if thread is None or server is None:
            return
        server.should_exit = True
        thread.join(deadline_s)
        if thread.is_alive():
            self._log.warning("requests did not end in time and are cut", deadline_s=deadline_s)
            server.force_exit = True
            thread.join(2.0)
        if self._socket is not None:
            self._socket.close()
        self._thread, self._server, self._socket = None, None, None

    def health(self) -> Health:
        if self._thread is None or not self._thread.is_alive():
            return Health(is_ok=False, detail=f"not running: {self._error}" if self._error else "not running")
        return Health(is_ok=True)

    def _address(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _listen(self) -> socket.socket:
        host, port = self._settings.host, self._settings.port
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listener = socket.socket(family, kind, protocol)
        except OSError as error:
            raise ConfigError(
                f"expected an address to listen on, got {host!r} (DRIFTLINE_API_HOST): {error}"
            ) from error
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(512)
        except OSError as error:
            listener.close()
            raise ConfigError(
                f"cannot listen on {self._address()}: {error.strerror or error}; "
                "is another Driftline running? DRIFTLINE_API_PORT sets another port, 0 any free one"
            ) from error
        return listener

    def _run(self, server: uvicorn.Server, listener: socket.socket) -> None:
        try:
            asyncio.run(server.serve(sockets=[listener]))
        except BaseException as error:  # noqa: BLE001 - uvicorn ends with SystemExit too; start() and health() tell it
            self._error = error
