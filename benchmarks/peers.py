"""Servers that one would run instead, as the ingest benchmark sees them: each from a virtual environment of its own (benchmarks/peers.sh).

What counts as queryable is their own store: rows of Phoenix's and MLflow's SQLite file, spans in the file that Evidently appends to.
"""

import http.client
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.otlp_load import GrpcSender, HttpSender, Sender
from benchmarks.own_subjects import Usage

_START_S: Final = 180.0
_EVIDENTLY_ID: Final = "018f3c9a-0000-7000-8000-000000000001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """How a server is run and read. command: arguments after its executable, given the folder, the HTTP and the gRPC port.

    n_spans: as many as it is given at a time, about ten seconds of its work. resource: attributes that it asks for; has_lists: whether
    it takes attributes that are lists; prepare: what has to be in its folder.
    """

    package: str
    executable: str
    command: Callable[[Path, int, int], list[str]]
    count: Callable[[Path], int]
    health: str
    n_spans: int
    environment: Callable[[Path, int, int], Mapping[str, str]] = lambda *_: {}
    path: str = "/v1/traces"
    header: str = ""
    has_grpc: bool = False
    resource: Mapping[str, str] = field(default_factory=dict)
    has_lists: bool = True
    prepare: Callable[[Path], None] = lambda _: None


def _sqlite(name: str) -> Callable[[Path], int]:
    def count(folder: Path) -> int:
        with sqlite3.connect(f"file:{folder / name}?mode=ro", uri=True, timeout=10) as connection:
            [[n_rows]] = connection.execute("SELECT count(*) FROM spans")
        connection.close()
        return int(n_rows)

    return count


def _evidently_dataset(folder: Path) -> None:
    """A project with the data set that the traces are for."""
    (folder / "workspace" / _EVIDENTLY_ID / "datasets" / _EVIDENTLY_ID).mkdir(parents=True)


def _evidently_spans(folder: Path) -> int:
    return sum(path.read_bytes().count(b'"span_id"') for path in folder.rglob("*.jsonl"))


PEERS: Final[Mapping[str, Peer]] = {
    "phoenix": Peer(
        package="arize-phoenix",
        executable="phoenix",
        command=lambda *_: ["serve"],
        environment=lambda folder, http_port, grpc_port: {
            "PHOENIX_WORKING_DIR": str(folder),
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_PORT": str(http_port),
            "PHOENIX_GRPC_PORT": str(grpc_port),
            "PHOENIX_TELEMETRY_ENABLED": "false",
            "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
        },
        count=_sqlite("phoenix.db"),
        health="/healthz",
        n_spans=1024,
        has_grpc=True,
    ),
    "mlflow": Peer(
        package="mlflow",
        executable="mlflow",
        command=lambda folder, http_port, _: [
            *("server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
            *("--default-artifact-root", f"{folder}/artifacts", "--host", "127.0.0.1", "--port", str(http_port)),
            *("--workers", "1"),  # more of them wait for SQLite's one writer and are slower
        ],
        environment=lambda *_: {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
        count=_sqlite("mlflow.db"),
        health="/health",
        header="x-mlflow-experiment-id: 0\r\n",
        n_spans=4096,
    ),
    "evidently": Peer(
        package="evidently",
        executable="evidently",
        command=lambda folder, http_port, _: [
            *("ui", "--host", "127.0.0.1", "--port", str(http_port), "--workspace", f"{folder}/workspace"),
            *("--litestar-request-max-body-size", str(64 << 20)),
        ],
        environment=lambda *_: {"DO_NOT_TRACK": "1"},
        count=_evidently_spans,
        health="/api/version",
        path="/api/v1/traces/",
        resource={"evidently.export_id": _EVIDENTLY_ID},
        has_lists=False,
        prepare=_evidently_dataset,
        n_spans=16384,
    ),
}


def absent_because(name: str, folder: Path) -> str:
    """Why a peer cannot be run from its virtual environment, '' when it can."""
    executable = folder / name / "bin" / PEERS[name].executable
    return "" if executable.exists() else f"expected {executable}; `make bench-peers` installs it"


class PeerProcess:
    """A peer's server with an empty store, both gone afterwards. Raises RuntimeError when it does not come up."""

    def __init__(self, name: str, folder: Path, *, is_grpc: bool = False) -> None:
        peer = self._peer = PEERS[name]
        self.folder = Path(tempfile.mkdtemp(prefix=f"driftline-bench-{name}-"))
        self._is_grpc = is_grpc
        self._port, self._grpc_port = _free_port(), _free_port()
        self._place = (folder / name / "bin").absolute()
        arguments = (self.folder, self._port, self._grpc_port)
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        path = f"{self._place}:{os.environ['PATH']}"
        peer.prepare(self.folder)
        self._log = (self.folder / "server.log").open("wb")
        self._process = subprocess.Popen(
            [str(self._place / peer.executable), *peer.command(*arguments)],
            cwd=self.folder,
            env={**kept, "PATH": path, **peer.environment(*arguments)},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Self:
        deadline = time.monotonic() + _START_S
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self.folder / "server.log").read_text(errors="replace")[-300:]
                self.__exit__(None, None, None)
                raise RuntimeError(
                    f"expected {self._peer.package} to come up within {_START_S:g} s, its log ends: {said}"
                )
            time.sleep(0.3)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()  # ours, with the workers that it ends itself
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def version(self) -> str:
        asked = f"import importlib.metadata as m; print(m.version({self._peer.package!r}))"
        done = subprocess.run(
            [str(self._place / "python"), "-I", "-c", asked], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def connect(self) -> Sender:
        if self._is_grpc:
            return GrpcSender(self._grpc_port)
        return HttpSender(self._port, path=self._peer.path, header=self._peer.header)

    def counts(self) -> dict[str, int]:
        """Spans that its store holds now."""
        return {"spans": self._peer.count(self.folder)}

    def usage(self) -> Usage:
        return Usage.of(self.pid)

    def disk_bytes(self) -> int:
        """Of all that it wrote but its log."""
        files = (path for path in self.folder.rglob("*") if path.is_file() and path.name != "server.log")
        return sum(path.stat().st_blocks * 512 for path in files)

    def _is_up(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
            connection.request("GET", self._peer.health)
            return connection.getresponse().status < 500
        except OSError:
            return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
