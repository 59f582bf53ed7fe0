"""What moves between the reader, the scorers and the writer. Times: Unix nanoseconds or milliseconds, as named; ids: lower hex."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

_MAX_WAIT: Final = 10
Status = Literal["ok", "unknown", "error", "withdrawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedTrace:
    """A trace that rows were stored into, n_rows of them, first and last at these times; from_ms, to_ms: first and last start of them."""

    trace_id: str
    first_stored_ms: int
    last_stored_ms: int
    n_rows: int
    from_ms: int
    to_ms: int

    def settled_ms(self, settle: timedelta) -> int:
        """When it had settled (Unix ms): nothing more was stored into it for so long, or it has been waiting for ten times as long."""
        wait_ms = int(settle / timedelta(milliseconds=1))
        return min(self.last_stored_ms + wait_ms, self.first_stored_ms + _MAX_WAIT * wait_ms)

    def has_settled(self, now_ms: int, *, settle: timedelta) -> bool:
        """Whether it has by now (Unix ms)."""
        return self.settled_ms(settle) <= now_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Calls of some traces of a project that began from from_ms (inclusive) to to_ms (exclusive)."""

    project: str
    trace_ids: Sequence[str]
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHead:
    """A call without its texts. n_chars: how long they are together, what its trace was given to read left out."""

    trace_id: str
    span_id: str
    start_ns: int
    end_ns: int
    service: str
    model: str
    prompt_version: str
    session_id: str
    is_error: bool
    n_chars: int

    @property
    def key(self) -> tuple[str, str]:
        """Which call it is."""
        return (self.trace_id, self.span_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreKey:
    """Which row of the store a score is: writing one with the same key replaces it."""

    analyzer: str
    analyzer_version: str
    field: str
    start_ns: int
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """A score as it is stored. value: 0 unless the status is ok; evidence: JSON, an object."""

    key: ScoreKey
    service: str
    model: str
    prompt_version: str
    status: Status
    value: float = 0.0
    is_flagged: bool = False
    evidence: str = "{}"
