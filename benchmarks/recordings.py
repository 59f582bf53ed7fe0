"""Recordings of real SDKs: what each sent, what it must mean, and the way into a store that the loader takes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from driftline_collector.deriver import Deriver
from driftline_collector.envelope import digest_of, frame_head
from driftline_collector.insert import SegmentInsert
from driftline_collector.mapping import load_table
from driftline_collector.otlp_json import parse_json
from driftline_collector.schemas import SCHEMAS
from driftline_collector.signals import SIGNALS
from driftline_core.store import Store

RECORDED_AT_NS: Final = 1_795_910_400_000_000_000
"""Receipt of every recording, 2026-11-29: their spans are from the nine days before, none from the future."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One run of one SDK scenario: every request it sent, by signal, and what is known about it."""

    group: str
    dialect: str
    expected: Mapping[str, Any]
    occurs_in: Mapping[str, Sequence[str]]
    bodies: Mapping[str, tuple[bytes, ...]]

    @property
    def project(self) -> str:
        """A project of its own, as the collector takes it."""
        return self.group.lower().replace(".", "-")


def load_recordings(folder: Path, dialects: Iterable[str] | None = None) -> list[Recording]:
    """The folder's recordings that have traces, of those dialects or of all, by group; their log records too."""
    groups: dict[str, list[tuple[dict[str, Any], bytes]]] = {}
    for path in sorted(folder.glob("*.meta.json")):
        meta = json.loads(path.read_text(encoding="utf-8"))
        if meta["signal"] in ("traces", "logs"):
            groups.setdefault(meta["group"], []).append((meta, _body(path, meta["signal"])))
    recordings = []
    for group, parts in groups.items():
        traces = [meta for meta, _ in parts if meta["signal"] == "traces"]
        if traces and (dialects is None or traces[0]["dialect"] in set(dialects)):
            recordings.append(
                Recording(
                    group=group,
                    dialect=traces[0]["dialect"],
                    expected=traces[0]["expected"],
                    occurs_in=traces[0]["expected_values_occur_in"],
                    bodies={
                        signal: tuple(body for meta, body in parts if meta["signal"] == signal)
                        for signal in ("traces", "logs")
                    },
                )
            )
    return recordings


def _body(meta_path: Path, name: str) -> bytes:
    """A request's protobuf as it is kept: what the door makes of it."""
    signal = SIGNALS[name]
    stem = meta_path.name.removesuffix(".meta.json")
    binary = meta_path.with_name(f"{stem}.bin")
    if binary.exists():
        body = binary.read_bytes()
        return signal.check(signal.request.FromString(body), body).body
    return signal.check(parse_json(meta_path.with_name(f"{stem}.json").read_bytes(), signal), None).body


def framed(body: bytes, *, project: str, received_at_ns: int, n_items: int = 0) -> bytes:
    """A frame as it lies in the spool. n_items: as the door counts them; 0 leaves that to the engine."""
    digest = digest_of(project, body)
    return (
        frame_head(project=project, received_at_ns=received_at_ns, digest=digest, n_items=n_items, body=body, salt=0)
        + body
    )


def insert(store: Store, frames: bytes, *, token: str, signal: str = "traces") -> None:
    """One INSERT of frames, as the loader does it."""
    SegmentInsert(store, SCHEMAS[signal]).part(token, frames)


def frames_of(recording: Recording, signal: str = "traces") -> bytes:
    """A recording's requests in envelopes, under a project of its own."""
    bodies = recording.bodies[signal]
    return b"".join(framed(body, project=recording.project, received_at_ns=RECORDED_AT_NS) for body in bodies)


def replay(store: Store, recordings: Sequence[Recording], *, token: str = "recordings") -> None:
    """Every request in two INSERTs, spans and log records, and then what the deriver makes of them."""
    deriver = Deriver(store, load_table())
    since = datetime.now(UTC) - timedelta(hours=1)
    for signal, derive in (("traces", deriver.spans), ("logs", deriver.logs)):
        frames = b"".join(frames_of(recording, signal) for recording in recordings)
        insert(store, frames, token=f"{token}-{signal}", signal=signal)
        derive([f"{token}-{signal}"], since=since)
