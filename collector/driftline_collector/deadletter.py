"""Requests that could not be stored: kept as files with the reason beside them, never dropped in silence, never retried for ever."""

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import xxhash

from driftline_collector.envelope import Frame, claimed_frame
from driftline_collector.segment import sync_directory
from driftline_collector.tally import minute_of
from driftline_core.errors import StoreError
from driftline_core.log import get_logger

_LOG = get_logger("collector")

_NAME: Final = re.compile(r"[0-9a-f-]+(?:-damaged)?")

DAMAGED: Final = "damaged on disk"
"""Reason of what is no request any more, but bytes that fail their checksum."""


class DeadLetters:
    """A folder with two files a request: `<name>.pb`, the bytes, and `<name>.json`: reason, signal, project, time, items.

    Names derive from where the request lay, so doing it again after a crash changes nothing. A `.pb` of reason 'unreadable by the
    store' is an OTLP request of the signal; one of reason 'damaged on disk' is whatever bytes were found. `record` is told of each
    as its .json says it; `ledger` in there names its row in the store's ledger. Nothing here is ever dropped to make room: `usage`
    says how much it is, `letters` reads it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        record: Callable[[Mapping[str, Any]], None],
        record_retried: Callable[[Mapping[str, Any]], None] = lambda about: None,
    ) -> None:
        self.folder = folder
        self._record = record
        self._record_retried = record_retried
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, body: bytes, frame: Frame, *, signal: str, reason: str, detail: str) -> None:
        """Keep one request; durable and recorded when it returns. Raises OSError, StoreError."""
        self._put(name, body, frame, signal=signal, reason=reason, detail=detail, checksum=frame.checksum)

    def put_damaged(self, name: str, data: bytes, *, signal: str) -> tuple[str, int]:
        """Keep bytes of a segment that fail their checksum; the project and number of items that they claim. Raises OSError, StoreError.

        Whose they were is taken from what still looks like the head of a frame; where nothing does, nobody knows.
        """
        frame = claimed_frame(data)
        detail = "the checksum does not match"
        self._put(
            name,
            data,
            frame,
            signal=signal,
            reason=DAMAGED,
            detail=detail,
            checksum=xxhash.xxh3_64_intdigest(name.encode()) if frame is None else frame.checksum,
        )
        return (frame.project, frame.n_items) if frame is not None else ("", 0)

    def _put(
        self, name: str, data: bytes, frame: Frame | None, *, signal: str, reason: str, detail: str, checksum: int
    ) -> None:
        received_at_ns = frame.received_at_ns if frame is not None else 0
        project = frame.project if frame is not None else ""
        about: dict[str, Any] = {
            "reason": reason,
            "detail": detail,
            "signal": signal,
            "project": project,
            "received_at": datetime.fromtimestamp(received_at_ns / 1e9, UTC).isoformat() if received_at_ns else None,
            "n_items": frame.n_items if frame is not None else 0,
            "n_bytes": len(data),
            "ledger": {"minute": minute_of(received_at_ns or time.time_ns()), "frame": f"{checksum:016x}"},
        }
        path = self.folder / f"{name}.json"
        if path.exists():  # set aside before a crash: its row stays the one that it named
            about["ledger"] = json.loads(path.read_bytes()).get("ledger", about["ledger"])
        self._write(self.folder / f"{name}.pb", data)
        self._write(path, json.dumps(about, indent=1).encode())
        sync_directory(self.folder)
        self._record(about)
        _LOG.error(
            "request dead-lettered",
            reason=reason,
            signal=signal,
            project=project,
            n_items=about["n_items"],
            file=f"{name}.pb",
        )

    def note_retried(self, name: str) -> None:
        """Record that a letter was sent in again and is durable; another name than a letter's says nothing. Logs what fails: the
        letter's row then still says dead-lettered, and the sum of the ledger holds all the same."""
        try:
            about = json.loads((self.folder / f"{name}.json").read_bytes()) if _NAME.fullmatch(name) else {}
            if "ledger" in about:
                self._record_retried(about)
        except (OSError, ValueError, StoreError) as error:
            _LOG.warning("retry of a dead letter not recorded", file=f"{name[:80]}.json", error=str(error)[:200])

    def __len__(self) -> int:
        return sum(1 for _ in self.folder.glob("*.json"))

    def usage(self) -> tuple[int, int]:
        """How many requests lie here, and the bytes of all files."""
        n_requests = n_bytes = 0
        for entry in os.scandir(self.folder):
            try:
                n_bytes += entry.stat().st_size
            except FileNotFoundError:
                continue  # retried and removed by the command line meanwhile
            n_requests += entry.name.endswith(".json")
        return n_requests, n_bytes

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        part = path.with_name(path.name + ".part")
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            part.unlink(missing_ok=True)  # a full disk needs the space that half a letter takes
            raise
        part.replace(path)
