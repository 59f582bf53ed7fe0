"""Generations: a filtered list by pages, and one."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from driftline_api.context import Context
from driftline_api.cursors import decode_cursor, encode_cursor
from driftline_api.generation import Generation, to_generation
from driftline_api.human_label import HumanLabel, labels_of
from driftline_api.parameters import Limit, Range, Reader, SpanId, TraceId
from driftline_api.problems import not_found, problem_responses
from driftline_api.score import Score, to_score

router = APIRouter(prefix="/api/v1/generations", tags=["generations"])


class GenerationPage(BaseModel):
    """Generations, newest first."""

    items: list[Generation] = Field(description="The rows of this page.")
    next_cursor: str | None = Field(description="Pass as `cursor` for the page after; null on the last one.")


class GenerationDetail(Generation):
    """One generation in full, with what the analyzers say about it."""

    scores: list[Score] = Field(description="Scores of it, of every analyzer and field.")
    labels: list[HumanLabel] = Field(description="What people said of it and of its trace as a whole, newest first.")


@router.get("", summary="List generations", responses=problem_responses())
def list_generations(
    *,
    context: Context,
    reader: Reader,
    time_range: Range,
    limit: Limit,
    service: Annotated[str, Query(description="Exact service.name.", examples=["support-assistant"])] = "",
    model: Annotated[str, Query(description="Exact model.", examples=["gpt-4o-mini"])] = "",
    provider: Annotated[str, Query(description="Exact provider.", examples=["openai"])] = "",
    kind: Annotated[
        str, Query(description="llm, embedding, retrieval, tool, agent, chain, ...", examples=["llm"])
    ] = "",
    prompt_version: Annotated[str, Query(description="Exact version of the prompt.", examples=["v2"])] = "",
    session_id: Annotated[str, Query(description="Exact session id.")] = "",
    user_id: Annotated[str, Query(description="Exact user id.")] = "",
    is_error: Annotated[bool | None, Query(description="Only failed ones, or only good ones.")] = None,
    q: Annotated[str, Query(max_length=200, description="Text in the prompt or completion, in either case.")] = "",
    include: Annotated[Literal["messages"] | None, Query(description="`messages` adds every text in full.")] = None,
    cursor: Annotated[str | None, Query(max_length=400, description="`next_cursor` of the page before.")] = None,
) -> GenerationPage:
    """Newest first, by pages: follow `next_cursor` until it is null. Filters are exact and combined with AND."""
    start_ns, trace_id, span_id = decode_cursor(cursor, (int, str, str)) if cursor is not None else (0, "", "")
    rows = reader.rows(
        "generations_page",
        from_ns=time_range.from_ns,
        to_ns=time_range.to_ns,
        service=service,
        model=model,
        provider=provider,
        kind=kind,
        prompt_version=prompt_version,
        session_id=session_id,
        user_id=user_id,
        is_error=-1 if is_error is None else int(is_error),
        q=q,
        has_cursor=int(cursor is not None),
        cursor_ns=start_ns,
        cursor_trace=trace_id,
        cursor_span=span_id,
        max_rows=limit + 1,
        preview_chars=context.settings.preview_chars,
        with_content=int(include is not None),
    )
    next_cursor = None
    if len(rows) > limit:
        rows = rows[:limit]
        last = rows[-1]
        next_cursor = encode_cursor((last["start_ns"], last["trace_id_hex"], last["span_id_hex"]))
    return GenerationPage(
        items=[to_generation(row, with_content=include is not None) for row in rows], next_cursor=next_cursor
    )


@router.get("/{trace_id}/{span_id}", summary="Read one generation", responses=problem_responses(404))
def read_generation(context: Context, reader: Reader, trace_id: TraceId, span_id: SpanId) -> GenerationDetail:
    """One generation with its texts in full and its scores."""
    preview_chars = context.settings.preview_chars
    rows = reader.rows(
        "generations_of_trace",
        trace_id=trace_id,
        span_id=span_id,
        max_rows=1,
        preview_chars=preview_chars,
        with_content=1,
    )
    if not rows:
        raise not_found(f"no generation with trace_id {trace_id} and span_id {span_id} in project {reader.project}")
    generation = to_generation(rows[0], with_content=True)
    scores = reader.rows(
        "scores",
        from_ns=rows[0]["start_ns"],
        to_ns=rows[0]["start_ns"] + 1,
        analyzer="",
        field="",
        service="",
        model="",
        trace_id=trace_id,
        span_id=span_id,
        status="",
        is_flagged=-1,
        preview_chars=preview_chars,
        max_rows=100,
    )
    labels = labels_of(reader, trace_id=trace_id, span_id=span_id)
    return GenerationDetail(**generation.model_dump(), scores=[to_score(row) for row in scores], labels=labels)
