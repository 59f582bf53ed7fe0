"""Findings: what the analyzers concluded, window by window and segment by segment."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from driftline_api.cursors import decode_cursor, encode_cursor
from driftline_api.parameters import Limit, Range, Reader, TimeRange, UtcDatetime
from driftline_api.problems import not_found, problem_responses
from driftline_api.reader import ProjectReader, Row
from driftline_api.score import json_object

router = APIRouter(prefix="/api/v1/findings", tags=["findings"])

Status = Literal["ok", "drift", "gap", "insufficient", "error"]


class Finding(BaseModel):
    """One test of one segment's window against a reference."""

    finding_id: str = Field(description="Id of the finding.", examples=["5f1c0a7be2d94c11"])
    analyzer: str = Field(description="Analyzer.", examples=["semantic_drift"])
    analyzer_version: str = Field(description="Its version.", examples=["1"])
    service: str = Field(description="service.name of the segment.", examples=["support-assistant"])
    segment_by: str = Field(
        description="Column that the service's calls are divided by; `service` for the whole service.",
        examples=["model", "metadata.tenant"],
    )
    segment: str = Field(description="Its value.", examples=["gpt-4o-mini"])
    model: str = Field(description="The model where segments are models, else ''.", examples=["gpt-4o-mini"])
    field: str = Field(
        description="What was tested: prompt, completion, query, document, or a number such as output_tokens.",
        examples=["completion"],
    )
    prompt_version: str = Field(description="Newest prompt version in the window, for display.", examples=["v2"])
    window_start: UtcDatetime = Field(description="Start of the window (event time, UTC), inclusive.")
    window_end: UtcDatetime = Field(description="End of the window (event time, UTC), exclusive.")
    window_texts: int = Field(description="Texts that a window is made of; 0 for windows of time.")
    reference: str = Field(description="What it was compared with.", examples=["baseline"])
    reference_version: str = Field(description="Its version; '' for the trailing windows.", examples=["3"])
    status: str = Field(
        description="ok, drift, gap (of analyzer bias), insufficient (too few samples: says nothing either way) or error.",
        examples=["drift"],
    )
    statistic: float | None = Field(description="The test statistic.", examples=[0.0421])
    p_value: float | None = Field(description="P-value of the test; null when there was none.", examples=[0.001])
    p_value_corrected: float | None = Field(description="After correction across segments.", examples=[0.004])
    alpha: float | None = Field(description="Stated false-alarm rate of the decision.", examples=[0.01])
    effect_size: float | None = Field(description="Statistic in units of its null spread (z).", examples=[11.3])
    is_confirmed: bool = Field(description="Worth a page: drift in two windows in a row, or in a far tail.")
    is_small: bool = Field(description="Statistically real and practically small.")
    moved_share: float | None = Field(
        description="Share of the texts that would have to change to undo it (total variation distance); null if not estimated.",
        examples=[0.14],
    )
    moved_share_low: float | None = Field(description="Lower end of its interval.", examples=[0.11])
    moved_share_high: float | None = Field(description="Upper end of its interval.", examples=[0.17])
    n_reference: int = Field(description="Texts in the reference.", examples=[800])
    n_current: int = Field(description="Texts in the window.", examples=[240])
    n_effective: int = Field(description="Sessions or other exchangeable blocks in the window.", examples=[120])
    n_tested: int = Field(description="Texts of the window that the test used.", examples=[240])
    explanation: dict[str, Any] | None = Field(
        default=None,
        description="Why, when asked for: `sentence`, `examples` (text, trace_id, span_id, novelty), `reference_examples`, `topics`, "
        "`slices`, `carried_by`, `covariates`, `statistics`, `calibration`, `groups`.",
    )
    computed_at: UtcDatetime = Field(description="When it was computed (UTC).")


class FindingPage(BaseModel):
    """Findings, newest window first."""

    items: list[Finding] = Field(description="The rows of this page.")
    next_cursor: str | None = Field(description="Pass as `cursor` for the page after; null on the last one.")


@router.get("", summary="List findings", responses=problem_responses())
def list_findings(
    *,
    reader: Reader,
    time_range: Range,
    limit: Limit,
    analyzer: Annotated[str, Query(description="Exact analyzer.", examples=["semantic_drift"])] = "",
    not_analyzer: Annotated[str, Query(description="Any analyzer but this one.", examples=["bias"])] = "",
    service: Annotated[str, Query(description="Exact service.name.")] = "",
    model: Annotated[str, Query(description="Exact model.")] = "",
    segment_by: Annotated[str, Query(description="Exact column of the segment.", examples=["metadata.tenant"])] = "",
    segment: Annotated[str, Query(description="Exact value of that column.", examples=["acme"])] = "",
    field: Annotated[str, Query(description="Exact field.", examples=["completion"])] = "",
    reference: Annotated[str, Query(description="Exact reference.")] = "",
    status: Annotated[Status | None, Query(description="Exact status.", examples=["drift"])] = None,
    is_confirmed: Annotated[bool, Query(description="Only what is worth a page.")] = False,
    include: Annotated[Literal["explanation"] | None, Query(description="`explanation` adds examples.")] = None,
    cursor: Annotated[str | None, Query(max_length=400, description="`next_cursor` of the page before.")] = None,
) -> FindingPage:
    """Newest window first, by pages. `from` and `to` bound the window's end."""
    cursor_ms, cursor_id = decode_cursor(cursor, (int, str)) if cursor is not None else (0, "")
    rows = _rows(
        reader,
        time_range,
        analyzer=analyzer,
        not_analyzer=not_analyzer,
        service=service,
        model=model,
        segment_by=segment_by,
        segment=segment,
        field=field,
        reference=reference,
        status=status or "",
        is_confirmed=int(is_confirmed),
        has_cursor=int(cursor is not None),
        cursor_ms=cursor_ms,
        cursor_id=cursor_id,
        max_rows=limit + 1,
        with_explanation=int(include is not None),
    )
    next_cursor = None
    if len(rows) > limit:
        rows = rows[:limit]
        next_cursor = encode_cursor((rows[-1]["window_end_ms"], rows[-1]["finding_id"]))
    items = [_finding(row, with_explanation=include is not None) for row in rows]
    return FindingPage(items=items, next_cursor=next_cursor)


@router.get("/{finding_id}", summary="Read one finding", responses=problem_responses(404))
def read_finding(
    reader: Reader, finding_id: Annotated[str, Path(max_length=200, description="Id of the finding.")]
) -> Finding:
    """One finding with its explanation."""
    rows = _rows(reader, TimeRange(from_time=None, to_time=None), finding_id=finding_id, max_rows=1, with_explanation=1)
    if not rows:
        raise not_found(f"no finding {finding_id!r} in project {reader.project}")
    return _finding(rows[0], with_explanation=True)


def _rows(reader: ProjectReader, time_range: TimeRange, **filters: int | str) -> list[Row]:
    anything = (
        "analyzer",
        "not_analyzer",
        "service",
        "model",
        "segment_by",
        "segment",
        "field",
        "reference",
        "finding_id",
        "status",
        "cursor_id",
    )
    unset: dict[str, int | str] = {**dict.fromkeys(anything, ""), "is_confirmed": 0, "has_cursor": 0, "cursor_ms": 0}
    from_ms, to_ms = time_range.from_ns // 1_000_000, time_range.to_ns // 1_000_000
    return reader.rows("findings_page", from_ms=from_ms, to_ms=to_ms, **{**unset, **filters})


def _finding(row: Row, *, with_explanation: bool) -> Finding:
    fields = {name: row[name] for name in Finding.model_fields}
    fields["explanation"] = json_object(row["explanation"]) if with_explanation else None
    return Finding(**fields)
