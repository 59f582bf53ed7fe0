"""Driftline and the rows collector as the ingest benchmark sees them: a process each, asked over a pipe."""

import json
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from benchmarks.otlp_load import GrpcSender, HttpSender, Sender


class OwnSubject:
    """A subject's process and its store, both gone afterwards. is_grpc: how `connect` reaches it."""

    def __init__(self, name: str, *, is_grpc: bool = False, spool_max_bytes: int | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="driftline-bench-"))
        limits = [] if spool_max_bytes is None else [str(spool_max_bytes)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.ingest_subject", name, str(self.folder), *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._is_grpc = is_grpc
        self._asking = threading.Lock()
        self._ports: dict[str, int] = self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        return self._process.pid

    def connect(self) -> Sender:
        return GrpcSender(self._ports["grpc"]) if self._is_grpc else HttpSender(self._ports["http"])

    def counts(self) -> dict[str, int]:
        """Rows that a query finds now, by table."""
        return self.ask("count")

    def ask(self, *question: str) -> dict[str, Any]:
        """See `ingest_subject` for the questions."""
        assert self._process.stdin is not None
        with self._asking:
            self._process.stdin.write(" ".join(question) + "\n")
            self._process.stdin.flush()
            return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the subject ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """CPU seconds so far and resident MiB now, of a process and its children."""

    cpu_s: float
    rss_mib: float

    @classmethod
    def of(cls, pid: int) -> "Usage":
        root = psutil.Process(pid)
        cpu_s = rss = 0.0
        for process in (root, *root.children(recursive=True)):
            try:
                times = process.cpu_times()
                cpu_s += times.user + times.system
                rss += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue  # a child that ended meanwhile
        return cls(cpu_s=cpu_s, rss_mib=rss / 2**20)
