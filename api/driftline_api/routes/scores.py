"""Scores of single generations: outliers and whatever else an analyzer says about one answer."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from driftline_api.context import Context
from driftline_api.parameters import Limit, Range, Reader
from driftline_api.problems import problem_responses
from driftline_api.score import Score, to_score

router = APIRouter(prefix="/api/v1/scores", tags=["scores"])


class ScoreList(BaseModel):
    """Scores, the most unusual first."""

    items: list[Score] = Field(description="Lowest p-value first, then flagged ones, then the highest value.")


@router.get("", summary="List scores", responses=problem_responses())
def list_scores(
    *,
    context: Context,
    reader: Reader,
    time_range: Range,
    limit: Limit,
    analyzer: Annotated[str, Query(description="Exact analyzer.", examples=["outliers"])] = "",
    field: Annotated[
        str, Query(description="prompt, completion, document, tool_result or call.", examples=["completion"])
    ] = "",
    service: Annotated[str, Query(description="Exact service.name.")] = "",
    model: Annotated[str, Query(description="Exact model.")] = "",
    trace_id: Annotated[
        str, Query(pattern="^([0-9a-fA-F]{32})?$", description="Of one trace: its id, 32 hex digits.")
    ] = "",
    status: Annotated[
        Literal["ok", "unknown", "error"] | None, Query(description="Only scores of this status.")
    ] = None,
    is_flagged: Annotated[bool | None, Query(description="Only flagged ones, or only the others.")] = None,
) -> ScoreList:
    """The `limit` most unusual generations of a range, with the start of the scored text."""
    rows = reader.rows(
        "scores",
        from_ns=time_range.from_ns,
        to_ns=time_range.to_ns,
        analyzer=analyzer,
        field=field,
        service=service,
        model=model,
        trace_id=trace_id,
        span_id="",
        status=status or "",
        is_flagged=-1 if is_flagged is None else int(is_flagged),
        preview_chars=context.settings.preview_chars,
        max_rows=limit,
    )
    return ScoreList(items=[to_score(row) for row in rows])
