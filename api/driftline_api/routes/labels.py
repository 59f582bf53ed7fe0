"""Labels of reviewers: whether a call is what an analyzer looks for; and everything that people said, by pages."""

from http import HTTPStatus
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from driftline_api.body import Body
from driftline_api.cursors import decode_cursor, encode_cursor
from driftline_api.human_label import EVER_MS, WHOLE_TRACE, HumanLabel, labels_of, to_label
from driftline_api.parameters import Limit, Range, Reader
from driftline_api.problems import not_found, problem_responses, unprocessable
from driftline_api.reader import ProjectReader
from driftline_api.routes.feedback import HexSpan, HexTrace

router = APIRouter(prefix="/api/v1/labels", tags=["human loop"])

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$")]
_HEX_32 = r"^[0-9a-fA-F]{32}$"
_HEX_16 = r"^[0-9a-fA-F]{16}$"


class NewLabel(Body):
    """A reviewer's verdict on one field of one call: exactly one of is_positive and is_correct."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "trace_id": "0af7651916cd43dd8448eb211c80319c",
                    "span_id": "b7ad6b7169203331",
                    "analyzer": "grounding",
                    "is_correct": False,
                    "annotator": "kim",
                }
            ]
        },
    )

    trace_id: HexTrace
    span_id: HexSpan
    analyzer: Name = Field(description="The analyzer that the label is about.")
    field: str = Field(
        default="", max_length=100, description="Its field; may be left out where it scored one field of the call."
    )
    is_positive: bool | None = Field(
        default=None,
        description="True: it is what the analyzer looks for (not grounded, an injection, an outlier, ...).",
    )
    is_correct: bool | None = Field(
        default=None, description="Instead: whether the analyzer's verdict of now (flagged or not) is right."
    )
    label: str = Field(default="", max_length=100, description="A word of your choice, such as 'paraphrase'.")
    comment: str = Field(default="", max_length=10_000, description="Why.")
    annotator: str = Field(default="", max_length=200, description="Who labels; the newest of each one counts.")
    picked_by: Literal["", "random", "flagged", "uncertain"] = Field(
        default="", description="As the review queue said; '' when you came to the call in another way."
    )
    source: Literal["api", "page", "cli"] = Field(default="api", description="What sends it.")

    @model_validator(mode="after")
    def _is_one_verdict(self) -> Self:
        if (self.is_positive is None) == (self.is_correct is None):
            got = "neither" if self.is_positive is None else "both"
            raise ValueError(f"expected one of is_positive and is_correct, got {got}")
        return self


class LabelPage(BaseModel):
    """What people said, newest first."""

    items: list[HumanLabel] = Field(description="The rows of this page.")
    next_cursor: str | None = Field(description="Pass as `cursor` for the page after; null on the last one.")


@router.put("", summary="Label a call", responses=problem_responses(422))
def put_label(reader: Reader, new: NewLabel) -> HumanLabel:
    """Say whether a call is what an analyzer looks for. Kept as that, so that a later threshold does not turn it around; the same again
    changes nothing, another verdict of the same annotator replaces the first."""
    trace_id, span_id = new.trace_id.lower(), new.span_id.lower()
    field, is_flagged = _scored(reader, new)
    is_positive = new.is_positive if new.is_positive is not None else is_flagged == new.is_correct
    _write(
        reader,
        trace_id=trace_id,
        span_id=span_id,
        kind="label",
        name=new.analyzer,
        field=field,
        annotator=new.annotator,
        value=float(is_positive),
        label=new.label,
        comment=new.comment,
        source=new.source,
        picked_by=new.picked_by,
    )
    written = ("label", new.analyzer, field, new.annotator)
    said = labels_of(reader, trace_id=trace_id, span_id=span_id)
    return next(one for one in said if (one.kind, one.name, one.field, one.annotator) == written)


@router.get("", summary="List labels and feedback", responses=problem_responses())
def list_labels(
    *,
    reader: Reader,
    time_range: Range,
    limit: Limit,
    kind: Annotated[Literal["feedback", "label"] | None, Query(description="Only one kind.")] = None,
    analyzer: Annotated[str, Query(description="Labels of this analyzer, or feedback of this name.")] = "",
    field: Annotated[str, Query(description="Exact field.")] = "",
    annotator: Annotated[str, Query(description="Exact annotator.")] = "",
    source: Annotated[str, Query(description="sdk, api, page or cli.")] = "",
    trace_id: Annotated[str, Query(pattern=r"^([0-9a-fA-F]{32})?$", description="Only of this trace.")] = "",
    sentiment: Annotated[
        Literal["negative", "neutral", "positive"] | None, Query(description="Only feedback of this sign.")
    ] = None,
    cursor: Annotated[str | None, Query(max_length=400, description="`next_cursor` of the page before.")] = None,
) -> LabelPage:
    """Newest first, by pages. `from` and `to` bound when it was said."""
    cursor_us, cursor_key = decode_cursor(cursor, (int, str)) if cursor is not None else (0, "")
    rows = reader.rows(
        "labels_page",
        from_ms=time_range.from_ns // 1_000_000,
        to_ms=min(time_range.to_ns // 1_000_000, EVER_MS),
        kind=kind or "",
        name=analyzer,
        field=field,
        annotator=annotator,
        source=source,
        traces=[trace_id.lower()] if trace_id else [],
        sentiment=sentiment or "",
        has_cursor=int(cursor is not None),
        cursor_us=cursor_us,
        cursor_key=cursor_key,
        max_rows=limit + 1,
    )
    next_cursor = None
    if len(rows) > limit:
        rows = rows[:limit]
        next_cursor = encode_cursor((rows[-1]["time_us"], rows[-1]["row_key"]))
    return LabelPage(items=[to_label(row) for row in rows], next_cursor=next_cursor)


@router.delete("", summary="Take a label back", status_code=HTTPStatus.NO_CONTENT, responses=problem_responses(404))
def delete_label(
    *,
    reader: Reader,
    trace_id: Annotated[str, Query(pattern=_HEX_32, description="Trace id, 32 hex digits.")],
    span_id: Annotated[
        str, Query(pattern=_HEX_16, description="Span id; zeros for the trace as a whole.")
    ] = WHOLE_TRACE,
    kind: Annotated[Literal["feedback", "label"], Query(description="What is taken back.")] = "label",
    analyzer: Annotated[str, Query(max_length=100, description="The analyzer, or the feedback's name.")],
    field: Annotated[str, Query(max_length=100, description="The analyzer's field; '' for feedback.")] = "",
    annotator: Annotated[str, Query(max_length=200, description="Who said it.")] = "",
) -> None:
    """Forget what somebody said through the API. What came as telemetry goes with its retention."""
    key = {"kind": kind, "name": analyzer, "field": field, "annotator": annotator}
    if not reader.row("label_exists", trace_id=trace_id, span_id=span_id, **key)["n"]:
        raise not_found(f"no {kind} of {analyzer!r} by {annotator!r} on this call in project {reader.project}")
    _write(reader, trace_id=trace_id, span_id=span_id, **key, is_deleted=1)


def _write(reader: ProjectReader, *, trace_id: str, span_id: str, **columns: str | float | int) -> None:
    ids = {"trace_id": bytes.fromhex(trace_id), "span_id": bytes.fromhex(span_id)}
    reader.insert("human_labels", {**ids, **columns})


def _scored(reader: ProjectReader, new: NewLabel) -> tuple[str, bool]:
    """The field that is meant and whether it is flagged now."""
    rows = reader.rows(
        "call_scores",
        trace_id=new.trace_id.lower(),
        span_id=new.span_id.lower(),
        analyzer=new.analyzer,
        field=new.field,
    )
    if len(rows) == 1:
        return str(rows[0]["field"]), bool(rows[0]["is_flagged"])
    if len(rows) > 1:
        fields = ", ".join(sorted(row["field"] for row in rows))
        raise unprocessable(f"expected a field, one of {fields}, got none: {new.analyzer} scored several of this call")
    if new.is_correct is not None:
        raise unprocessable(
            f"expected a call that {new.analyzer} has scored for is_correct, got none; is_positive needs no score"
        )
    if not new.field:
        raise unprocessable(f"expected a field, got none: {new.analyzer} has not scored this call yet")
    return new.field, False
