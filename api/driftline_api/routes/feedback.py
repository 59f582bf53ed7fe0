"""Feedback of an app's users: what they thought of an answer."""

from http import HTTPStatus
from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import ConfigDict, Field, model_validator

from driftline_api.body import Body
from driftline_api.human_label import FEEDBACK_NAME, WHOLE_TRACE, HumanLabel, labels_of
from driftline_api.parameters import Reader
from driftline_api.problems import problem_responses

router = APIRouter(prefix="/api/v1/feedback", tags=["human loop"])

HexTrace = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{32}$", description="Trace id, 32 hex digits.")]
HexSpan = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{16}$", description="Span id, 16 hex digits.")]


class NewFeedback(Body):
    """What a user said of an answer. At least one of score, rating and comment."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"trace_id": "0af7651916cd43dd8448eb211c80319c", "score": -1, "comment": "That is not our address."}
            ]
        },
    )

    trace_id: HexTrace
    span_id: HexSpan | None = Field(default=None, description="Span id, 16 hex digits; none: the trace as a whole.")
    score: float | None = Field(
        default=None, ge=-1, le=1, allow_inf_nan=False, description="-1 bad, 0 neutral, 1 good, or between."
    )
    rating: float | None = Field(
        default=None,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Instead of score: 0 worst to 1 best; kept as 2 rating - 1.",
    )
    comment: str = Field(default="", max_length=10_000, description="What the user wrote.")
    label: str = Field(default="", max_length=100, description="A word of your choice, such as 'outdated'.")
    name: str = Field(
        default=FEEDBACK_NAME,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$",
        description="Which question was answered, where an app asks several.",
    )
    annotator: str = Field(default="", max_length=200, description="Who said it; the newest of each one counts.")
    source: Literal["api", "page", "cli"] = Field(default="api", description="What sends it.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.score is not None and self.rating is not None:
            raise ValueError("expected score or rating, got both")
        if self.score is None and self.rating is None and not self.comment.strip():
            raise ValueError("expected a score, a rating or a comment, got none")
        return self

    @property
    def value(self) -> float | None:
        """On the scale from -1 to 1."""
        return 2 * self.rating - 1 if self.rating is not None else self.score


@router.post("", summary="Give feedback", status_code=HTTPStatus.CREATED, responses=problem_responses(422))
def give_feedback(reader: Reader, new: NewFeedback) -> HumanLabel:
    """Keep what a user said of a call; the call may arrive later. The same again, or a change of mind, replaces what was said before."""
    trace_id, span_id = new.trace_id.lower(), (new.span_id or WHOLE_TRACE).lower()
    reader.insert(
        "human_labels",
        {
            "trace_id": bytes.fromhex(trace_id),
            "span_id": bytes.fromhex(span_id),
            "kind": "feedback",
            "name": new.name,
            "annotator": new.annotator,
            "value": new.value,
            "label": new.label,
            "comment": new.comment,
            "source": new.source,
        },
    )
    written = (new.span_id.lower() if new.span_id else None, "feedback", new.name, new.annotator)
    said = labels_of(reader, trace_id=trace_id)
    return next(one for one in said if (one.span_id, one.kind, one.name, one.annotator) == written)
