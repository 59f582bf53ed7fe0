"""`driftline up` as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any


class UpProcess:
    """Starts `driftline up --json` and waits until it is ready. A context manager that ends with SIGINT what still runs."""

    def __init__(self, data_dir: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "driftline_cli.main", "up", "--json", "--data-dir", str(data_dir), *arguments]
        self._errors = data_dir.with_suffix(".stderr").open("ab")
        self.process = subprocess.Popen(
            command,
            cwd=data_dir.parent,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={"OMP_NUM_THREADS": "2", **os.environ, **(environment or {})},
        )
        self.ready = self._read_ready()

    def _read_ready(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        watchdog = threading.Timer(120, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        if not line:
            self.process.wait(10)
            self._close()
            raise AssertionError(
                f"up ended with {self.process.returncode}: {Path(self._errors.name).read_text()[-2000:]}"
            )
        ready: dict[str, Any] = json.loads(line)
        return ready

    def __enter__(self) -> "UpProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        self._close()

    def end(self, number: int = signal.SIGINT) -> tuple[int, list[dict[str, Any]]]:
        """End it with a signal; its exit code, and what it still said."""
        self.process.send_signal(number)
        assert self.process.stdout is not None
        said = [json.loads(line) for line in self.process.stdout.read().splitlines()]
        return self.process.wait(60), said

    def errors(self) -> str:
        """Everything it wrote to standard error."""
        return Path(self._errors.name).read_text()

    def _close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._errors.close()


ANY_PORTS: Sequence[str] = ("--http-port", "0", "--grpc-port", "0", "--port", "0")
