"""One process a data directory: the embedded engine cannot be opened twice, and says so only obscurely."""

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from driftline_core.errors import DriftlineError

_NAME = "driftline.lock"


class DataDirInUse(DriftlineError, RuntimeError):
    """Another process holds the data directory. holder: what it wrote into the lock: pid, command, addresses."""

    def __init__(self, path: Path, holder: dict[str, Any]) -> None:
        who = f"`driftline {holder.get('command', '?')}` (pid {holder.get('pid', '?')})"
        super().__init__(
            f"the data directory {path} is in use by {who}; the embedded engine takes one process, "
            "so stop it, use its API, or name another --data-dir"
        )
        self.path = path
        self.holder = holder


class DataDirLock:
    """An exclusive lock on a data directory that ends with its process, however it dies. A context manager. Raises DataDirInUse."""

    def __init__(self, data_dir: Path, *, command: str) -> None:
        self._data_dir = data_dir
        self._command = command
        self._file: IO[str] | None = None

    def __enter__(self) -> "DataDirLock":
        self._data_dir.mkdir(parents=True, exist_ok=True)
        file = (self._data_dir / _NAME).open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _read(file)
            file.close()
            raise DataDirInUse(self._data_dir, holder) from error
        self._file = file
        self.describe({})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def describe(self, addresses: dict[str, Any]) -> None:
        """Write who holds the lock, for those who find it taken."""
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()
            json.dump({"pid": os.getpid(), "command": self._command, **addresses}, self._file)
            self._file.flush()


def _read(file: IO[str]) -> dict[str, Any]:
    file.seek(0)
    try:
        holder = json.load(file)
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}
