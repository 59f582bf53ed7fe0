"""Recordings of real SDKs: what each sent, what it must mean, and the way into a store that the loader takes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from driftline_collector.envelope import digest_of, frame_head
from driftline_collector.insert import SegmentInsert
from driftline_collector.otlp_json import parse_json
from driftline_collector.schemas import SCHEMAS
from driftline_collector.signals import SIGNALS
from driftline_core.store import Store

RECORDED_AT_NS: Final = 1_795_219_200_000_000_000
"""Receipt of every recording, 2026-11-21: their spans are from the day before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One run of one SDK scenario: every trace request it sent and what is known about it."""

    group: str
    dialect: str
    expected: Mapping[str, Any]
    occurs_in: Mapping[str, Sequence[str]]
    bodies: tuple[bytes, ...]


def load_recordings(folder: Path, dialects: Iterable[str]) -> list[Recording]:
    """The folder's recordings of those dialects that have traces, by group."""
    wanted, groups = set(dialects), dict[str, list[tuple[dict[str, Any], bytes]]]()
    for path in sorted(folder.glob("*.meta.json")):
        meta = json.loads(path.read_text(encoding="utf-8"))
        if meta["signal"] == "traces" and meta["dialect"] in wanted:
            groups.setdefault(meta["group"], []).append((meta, _body(path)))
    return [
        Recording(
            group=group,
            dialect=parts[0][0]["dialect"],
            expected=parts[0][0]["expected"],
            occurs_in=parts[0][0]["expected_values_occur_in"],
            bodies=tuple(body for _, body in parts),
        )
        for group, parts in groups.items()
    ]


def _body(meta_path: Path) -> bytes:
    stem = meta_path.name.removesuffix(".meta.json")
    binary = meta_path.with_name(f"{stem}.bin")
    if binary.exists():
        return binary.read_bytes()
    return bytes(parse_json(meta_path.with_name(f"{stem}.json").read_bytes(), SIGNALS["traces"]).SerializeToString())


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


def frames_of(recording: Recording) -> bytes:
    """A recording's requests in envelopes, under a project of its own."""
    return b"".join(
        framed(body, project=recording.group.lower(), received_at_ns=RECORDED_AT_NS) for body in recording.bodies
    )
