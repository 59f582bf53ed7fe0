"""What a person said of a call, as the API shows it."""

from pydantic import BaseModel, Field

from driftline_api.parameters import UtcDatetime
from driftline_api.reader import ProjectReader, Row

FEEDBACK_NAME = "user_feedback"
WHOLE_TRACE = "0" * 16
EVER_MS = 4_102_444_800_000  # 2100


class HumanLabel(BaseModel):
    """Feedback of a user, or a reviewer's label."""

    kind: str = Field(description="feedback (of a user) or label (of a reviewer).", examples=["feedback"])
    trace_id: str = Field(description="Trace id, 32 hex digits.", examples=["0af7651916cd43dd8448eb211c80319c"])
    span_id: str | None = Field(description="Span id, 16 hex digits; null when the whole trace is meant.")
    name: str = Field(description="Name of the feedback, or the analyzer that is labelled.", examples=["user_feedback"])
    field: str = Field(description="The analyzer's field; '' for feedback.", examples=["completion"])
    value: float | None = Field(
        description="Feedback: -1 (bad) to 1 (good), null with a comment alone. Label: 1 it is what the analyzer looks for, 0 it is not."
    )
    label: str = Field(description="A word of the person's choice.", examples=["negative"])
    comment: str = Field(description="What the person wrote.")
    annotator: str = Field(description="Who said it, '' when not known.")
    source: str = Field(description="How it came: sdk, api, page or cli.", examples=["sdk"])
    picked_by: str = Field(description="How a reviewer came to the call: random, flagged or uncertain; '' by hand.")
    time: UtcDatetime = Field(description="When it was said (UTC).")


def to_label(row: Row) -> HumanLabel:
    """A row of labels_page.sql or labels_of_trace.sql as a record."""
    fields = {name: row[name] for name in HumanLabel.model_fields if name in row}
    span_id = row["span_id_hex"]
    return HumanLabel(
        **fields, trace_id=row["trace_id_hex"], span_id=None if not span_id or span_id == WHOLE_TRACE else span_id
    )


def labels_of(reader: ProjectReader, *, trace_id: str, span_id: str = "") -> list[HumanLabel]:
    """What was said of a trace, or of one of its calls (and of the trace as a whole), newest first. Raises StoreError."""
    rows = reader.rows("labels_of_trace", trace_id=trace_id, traces=[trace_id], span_id=span_id, max_ms=EVER_MS)
    return [to_label(row) for row in rows]
