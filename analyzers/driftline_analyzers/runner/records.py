"""What moves between the reader, the tests and the writer. Times are Unix milliseconds unless the type says otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from driftline_analyzers.runner.segments import SERVICE, Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRow:
    """One LLM call's texts and where it is from. trace_id, span_id: lower hex. start_ns: Unix nanoseconds, as stored.
    session_id: '' when the app sent none. A retrieval's prompt is its query, its documents are texts; numbers are None when not reported.
    language: '' until somebody looked. kept_for: '' in a sample; else why the call is looked at beside it: outlier, error or extreme.
    """

    trace_id: str
    span_id: str
    start_ns: int
    model: str
    prompt_version: str
    session_id: str
    prompt: str
    completion: str
    kind: str = "llm"
    prompt_name: str = ""
    environment: str = ""
    release: str = ""
    provider: str = ""
    user_id: str = ""
    agent_name: str = ""
    language: str = ""
    kept_for: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    documents: Sequence[str] = ()
    input_tokens: float | None = None
    output_tokens: float | None = None
    duration_ms: float | None = None
    time_to_first_token_ms: float | None = None

    def text(self, field: str) -> str:
        """The text of field 'prompt' (also 'query', of a retrieval) or 'completion'."""
        return self.completion if field == "completion" else self.prompt

    def value(self, name: str) -> str:
        """Its value of a column that calls are divided by: 'model', 'metadata.tenant', ...; '' when it has none."""
        if name.startswith("metadata."):
            return self.metadata.get(name.removeprefix("metadata."), "")
        return "" if name == SERVICE else str(getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowContent:
    """What one window holds of one segment. n_rows: LLM calls; n_retrievals: retrievals; last_stored_ms: when its newest row was stored;
    prompt_version: the newest. left_out: segments of its slicing that were too many to test.
    """

    segment: Segment
    start_ms: int
    end_ms: int
    n_rows: int
    n_retrievals: int
    last_stored_ms: int
    prompt_version: str
    left_out: int = 0

    @property
    def key(self) -> "WindowKey":
        """Which window of which segment."""
        return (self.segment, self.start_ms, self.end_ms)


WindowKey = tuple[Segment, int, int]
"""(segment, start, end)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFinding:
    """What the newest finding of a window, segment, field and analyzer was made from, and what it said."""

    segment: Segment
    start_ms: int
    end_ms: int
    analyzer: str
    analyzer_version: str
    field: str
    reference: str
    reference_version: str
    status: str
    p_value: float | None
    n_rows: int
    n_retrievals: int
    last_stored_ms: int
    window_texts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a segment is compared with: the set's name, or 'trailing', its version, and the rows in order of time; retrievals apart.
    detail: one line for a person. problem: why there are no rows, '' when there are. key: the same key means the same rows.
    """

    name: str
    version: str
    detail: str
    rows: Sequence[TextRow]
    retrievals: Sequence[TextRow]
    key: tuple[object, ...]
    problem: str = ""
    filed: Segment | None = None


def to_time(ms: int) -> datetime:
    """Unix milliseconds as a UTC datetime, exactly."""
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)


def to_parameter(ms: int) -> str:
    """Unix milliseconds as a query's DateTime64 parameter, exactly: a datetime would be bound to the second."""
    return to_time(ms).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def to_ms(time: datetime) -> int:
    """A datetime as Unix milliseconds, rounded down; naive ones are UTC, as the store returns them."""
    aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return (aware - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
