"""What moves between the reader, the tests and the writer. Times are Unix milliseconds unless the type says otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRow:
    """One LLM call's texts and where it is from. trace_id, span_id: lower hex. start_ns: Unix nanoseconds, as stored.
    session_id: '' when the app sent none.
    """

    trace_id: str
    span_id: str
    start_ns: int
    model: str
    prompt_version: str
    session_id: str
    prompt: str
    completion: str

    def text(self, field: str) -> str:
        """The text of field 'prompt' or 'completion'."""
        return self.prompt if field == "prompt" else self.completion


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowContent:
    """What one window holds of one service and model. last_stored_ms: when its newest row was stored."""

    start_ms: int
    service: str
    model: str
    n_rows: int
    last_stored_ms: int
    prompt_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFinding:
    """What the newest finding of a window, segment and field was made from."""

    start_ms: int
    service: str
    model: str
    field: str
    status: str
    n_rows: int
    last_stored_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a segment is compared with: the set's name, or 'trailing', and the rows. detail: one line for a person."""

    name: str
    detail: str
    rows: Sequence[TextRow]


def to_time(ms: int) -> datetime:
    """Unix milliseconds as a UTC datetime, exactly."""
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)


def to_ms(time: datetime) -> int:
    """A datetime as Unix milliseconds, rounded down; naive ones are UTC, as the store returns them."""
    aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return (aware - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
