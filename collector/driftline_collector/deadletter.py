"""Requests that could not be stored: kept as files with the reason beside them, never dropped in silence, never retried for ever."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from driftline_collector.segment import sync_directory
from driftline_core.log import get_logger

_LOG = get_logger("collector")

DAMAGED: Final = "damaged on disk"
"""Reason of what is no request any more, but bytes that fail their checksum."""


class DeadLetters:
    """A folder with two files a request: `<name>.pb`, the bytes, and `<name>.json`: reason, signal, project, time, spans.

    Names derive from where the request lay, so doing it again after a crash changes nothing. A `.pb` of reason 'unreadable by the
    store' is an OTLP export request of its signal; one of reason 'damaged on disk' is whatever bytes were found. Nothing here is
    ever dropped to make room: `usage` says how much it is, `letters` reads it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(
        self,
        name: str,
        body: bytes,
        *,
        reason: str,
        detail: str,
        project: str,
        received_at_ns: int,
        n_spans: int,
        signal: str = "traces",
    ) -> None:
        """Keep one request; durable when it returns. Raises OSError."""
        received_at = datetime.fromtimestamp(received_at_ns / 1e9, UTC).isoformat() if received_at_ns else None
        about = {
            "reason": reason,
            "detail": detail,
            "signal": signal,
            "project": project,
            "received_at": received_at,
            "n_spans": n_spans,
            "n_bytes": len(body),
        }
        self._write(self.folder / f"{name}.pb", body)
        self._write(self.folder / f"{name}.json", json.dumps(about, indent=1).encode())
        sync_directory(self.folder)
        _LOG.error("request dead-lettered", reason=reason, project=project, n_spans=n_spans, file=f"{name}.pb")

    def put_damaged(self, name: str, data: bytes) -> None:
        """Keep bytes of a segment that fail their checksum; whose they were cannot be told. Raises OSError."""
        self.put(
            name,
            data,
            reason=DAMAGED,
            detail="the checksum does not match",
            project="",
            received_at_ns=0,
            n_spans=0,
        )

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
