"""An analyzer's score of one generation as the API shows it."""

from typing import Any

import orjson
from pydantic import BaseModel, Field

from driftline_api.parameters import UtcDatetime
from driftline_api.reader import Row


class Score(BaseModel):
    """What one analyzer says about one field of one generation."""

    analyzer: str = Field(description="Analyzer.", examples=["outliers"])
    analyzer_version: str = Field(description="Its version.", examples=["1"])
    field: str = Field(
        description="prompt, completion, document or tool_result; call where the analyzer failed on the whole call.",
        examples=["completion"],
    )
    trace_id: str = Field(description="Trace id, 32 hex digits.", examples=["0af7651916cd43dd8448eb211c80319c"])
    span_id: str = Field(description="Span id, 16 hex digits.", examples=["b7ad6b7169203331"])
    start_time: UtcDatetime = Field(description="Start of the generation (event time, UTC).")
    service: str = Field(description="service.name of the app.")
    model: str = Field(description="Model.")
    prompt_version: str = Field(description="Version of the prompt template.")
    status: str = Field(
        description="ok; unknown: the analyzer could not say; error: it failed. Evidence says why under `unknown`.",
        examples=["ok"],
    )
    value: float | None = Field(
        description="The score, in the analyzer's own unit; null unless the status is ok.", examples=[0.83]
    )
    p_value: float | None = Field(
        description="Conformal p-value against the reference; null if none.", examples=[0.002]
    )
    is_flagged: bool = Field(description="True when the analyzer calls it an outlier or a fault.")
    evidence: dict[str, Any] = Field(
        description="What the score rests on. `spans`: [start, end) in characters of the field's text; `span_kinds`: of each, what it is."
    )
    computed_at: UtcDatetime = Field(description="When it was computed (UTC).")
    text_preview: str = Field(
        description="Start of the prompt or completion that was scored; '' when the generation is gone; "
        "of documents and tool results in the review queue alone."
    )


def to_score(row: Row) -> Score:
    """A row of scores.sql as a record."""
    fields = {name: row[name] for name in Score.model_fields if name in row}
    fields["trace_id"] = row["trace_id_hex"]
    fields["span_id"] = row["span_id_hex"]
    fields["evidence"] = json_object(row["evidence"])
    return Score(**fields)


def json_object(text: str) -> dict[str, Any]:
    """A JSON object that an analyzer wrote; anything else is kept under `raw`."""
    if not text:
        return {}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"raw": text}
    return value if isinstance(value, dict) else {"raw": value}
