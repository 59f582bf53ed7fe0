"""Dead letters as they lie: found, read, shown in OTLP's own JSON, removed for good. Safe beside a collector that is running."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError

from driftline_collector.deadletter import DAMAGED
from driftline_collector.segment import sync_directory
from driftline_collector.signals import SIGNALS
from driftline_core.errors import InputError

FOLDER: Final = "dead-letters"
REQUESTS: Final[dict[str, Any]] = {name: signal.request for name, signal in SIGNALS.items()}
"""The message of each signal's export request."""

_ID_KEYS: Final = frozenset({"traceId", "spanId", "parentSpanId"})


class Unreadable(InputError):
    """A dead letter whose bytes are no request of its signal, or are gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One of them. path: the note, `<name>.json`; received_at: RFC 3339 or ''; n_items: spans, log records or data points."""

    path: Path
    signal: str
    project: str
    reason: str
    detail: str
    n_items: int
    n_bytes: int
    received_at: str

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def is_damaged(self) -> bool:
        """No request any more: bytes that failed their checksum."""
        return self.reason == DAMAGED

    def body(self) -> bytes:
        """The bytes of the request. Raises Unreadable when they are gone."""
        try:
            return self.path.with_suffix(".pb").read_bytes()
        except FileNotFoundError:
            raise Unreadable(f"expected {self.name}.pb beside {self.name}.json, found none") from None

    def otlp_json(self) -> dict[str, Any]:
        """The request in OTLP/JSON, ids in hex. Raises Unreadable."""
        if self.signal not in REQUESTS:
            raise Unreadable(f"expected a signal of {', '.join(REQUESTS)}, got {self.signal!r}")
        try:
            message = REQUESTS[self.signal].FromString(self.body())
        except DecodeError:
            raise Unreadable(
                f"expected {self.name}.pb to be an OTLP request of {self.signal}, got other bytes"
            ) from None
        tree: dict[str, Any] = MessageToDict(message, use_integers_for_enums=True)
        _ids_to_hex(tree)
        return tree

    def remove(self) -> None:
        """Both files, durably; again is fine. The bytes go first, so that nothing is left that no list shows. Raises OSError."""
        self.path.with_suffix(".pb").unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
        sync_directory(self.path.parent)


def find_letters(spool: Path) -> list[DeadLetter]:
    """Every dead letter of a spool, oldest first; of its signals too, where each has a spool of its own inside."""
    paths = [path for pattern in (f"{FOLDER}/*.json", f"*/{FOLDER}/*.json") for path in spool.glob(pattern)]
    letters = [letter for path in paths if (letter := _read(path)) is not None]
    return sorted(letters, key=lambda letter: (letter.received_at, letter.name))


def _read(path: Path) -> DeadLetter | None:
    try:
        about = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None  # removed since it was listed
    except ValueError:
        about = None
    if not isinstance(about, dict):
        about = {"reason": "the note is unreadable"}

    return DeadLetter(
        path=path,
        signal=_text(about, "signal", "traces"),
        project=_text(about, "project"),
        reason=_text(about, "reason"),
        detail=_text(about, "detail"),
        n_items=_number(about, "n_items") or _number(about, "n_spans"),
        n_bytes=_number(about, "n_bytes"),
        received_at=_text(about, "received_at"),
    )


def _text(about: dict[str, Any], key: str, default: str = "") -> str:
    value = about.get(key)
    return value if isinstance(value, str) else default


def _number(about: dict[str, Any], key: str) -> int:
    value = about.get(key)
    return value if isinstance(value, int) else 0


def _ids_to_hex(tree: Any) -> None:
    """OTLP's one deviation from protobuf's JSON. Attributes are lists of key and value, so these keys are OTLP's own."""
    if isinstance(tree, list):
        for item in tree:
            _ids_to_hex(item)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if key in _ID_KEYS and isinstance(value, str):
                tree[key] = base64.b64decode(value).hex()
            else:
                _ids_to_hex(value)
