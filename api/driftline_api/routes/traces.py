"""One trace: every span with its attributes, events and generation, in tree order."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from driftline_api.context import Context
from driftline_api.generation import Generation, to_generation
from driftline_api.human_label import HumanLabel, labels_of
from driftline_api.parameters import Reader, TraceId, UtcDatetime, from_unix_ns
from driftline_api.problems import not_found, problem_responses
from driftline_api.reader import Row
from driftline_api.span_tree import Place, SpanKey, tree_order

router = APIRouter(prefix="/api/v1/traces", tags=["traces"])

_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES = ("unset", "ok", "error")


class SpanEvent(BaseModel):
    """Something that happened during a span."""

    time: UtcDatetime = Field(description="When (UTC).")
    name: str = Field(description="Name of the event.", examples=["exception"])
    attributes: dict[str, str] = Field(description="Attributes of the event.")


class SpanLink(BaseModel):
    """A span of this or another trace that this one points to."""

    trace_id: str = Field(description="Trace id, 32 hex digits.")
    span_id: str = Field(description="Span id, 16 hex digits.")
    attributes: dict[str, str] = Field(description="Attributes of the link.")


class Span(BaseModel):
    """One span as it came, and its generation when it is a GenAI operation."""

    span_id: str = Field(description="Span id, 16 hex digits.", examples=["b7ad6b7169203331"])
    parent_span_id: str | None = Field(description="Span id of the parent, null at a root.")
    depth: int = Field(description="Levels below the root, 0 at a root.", examples=[1])
    is_orphan: bool = Field(description="True when its parent did not arrive.")
    service: str = Field(description="service.name of the app.", examples=["support-assistant"])
    name: str = Field(description="Name of the span.", examples=["chat gpt-4o-mini"])
    kind: str = Field(description="internal, server, client, producer, consumer or unspecified.", examples=["client"])
    start_time: UtcDatetime = Field(description="Start (event time, UTC).")
    is_time_received: bool = Field(description="True when the app sent no usable time and the time of receipt stands.")
    offset_ms: float = Field(description="Milliseconds from the start of the trace.", examples=[12.5])
    duration_ms: float = Field(description="Duration in milliseconds.", examples=[812.4])
    status: str = Field(description="unset, ok or error.", examples=["ok"])
    status_message: str = Field(description="Message of the status.")
    scope_name: str = Field(description="Instrumentation that made the span.")
    scope_version: str = Field(description="Its version.")
    resource_attributes: dict[str, str] = Field(description="Attributes of the app.")
    scope_attributes: dict[str, str] = Field(description="Attributes of the instrumentation.")
    attributes: dict[str, str] = Field(description="Attributes of the span, as they came.")
    events: list[SpanEvent] = Field(description="Events in order.")
    links: list[SpanLink] = Field(description="Links to other spans.")
    generation: Generation | None = Field(description="What it means as a GenAI operation; null for other spans.")


class Trace(BaseModel):
    """A whole trace."""

    trace_id: str = Field(description="Trace id, 32 hex digits.", examples=["0af7651916cd43dd8448eb211c80319c"])
    start_time: UtcDatetime = Field(description="Start of the first span (event time, UTC).")
    duration_ms: float = Field(description="From the first start to the last end, in milliseconds.")
    services: list[str] = Field(description="Services that took part.")
    n_spans: int = Field(description="Spans shown.")
    n_errors: int = Field(description="Spans with status error.")
    is_cut: bool = Field(description="True when the trace has more spans than are shown.")
    spans: list[Span] = Field(description="Spans in tree order: parents before children, siblings by start.")
    labels: list[HumanLabel] = Field(description="What people said of it and of its calls, newest first.")


@router.get("/{trace_id}", summary="Read one trace", responses=problem_responses(404))
def read_trace(context: Context, reader: Reader, trace_id: TraceId) -> Trace:
    """Every span of a trace in tree order, with the full texts of its generations."""
    most = context.settings.trace_spans_max
    rows = reader.rows("spans_of_trace", trace_id=trace_id, max_rows=most + 1)
    generation_rows = reader.rows(
        "generations_of_trace",
        trace_id=trace_id,
        span_id="",
        max_rows=most + 1,
        preview_chars=context.settings.preview_chars,
        with_content=1,
    )
    generations = {row["span_id_hex"]: to_generation(row, with_content=True) for row in generation_rows}
    if not rows:
        raise not_found(f"no trace with trace_id {trace_id} in project {reader.project}")
    is_cut = len(rows) > most
    rows = rows[:most]
    places = tree_order([SpanKey(span_id=row["span_id_hex"], parent_span_id=row["parent_span_id_hex"]) for row in rows])
    start_ns = min(row["start_ns"] for row in rows)
    end_ns = max(row["start_ns"] + row["duration_ns"] for row in rows)
    return Trace(
        trace_id=trace_id,
        start_time=from_unix_ns(start_ns),
        duration_ms=(end_ns - start_ns) / 1e6,
        services=sorted({row["service"] for row in rows}),
        n_spans=len(rows),
        n_errors=sum(row["status_code"] == 2 for row in rows),
        is_cut=is_cut,
        spans=[
            _span(rows[place.index], place, start_ns, generations.get(rows[place.index]["span_id_hex"]))
            for place in places
        ],
        labels=labels_of(reader, trace_id=trace_id),
    )


def _span(row: Row, place: Place, trace_start_ns: int, generation: Generation | None) -> Span:
    direct = (
        *("service", "name", "start_time", "is_time_received", "status_message"),
        *("scope_name", "scope_version", "resource_attributes", "scope_attributes", "attributes"),
    )
    return Span(
        **{name: row[name] for name in direct},
        span_id=row["span_id_hex"],
        parent_span_id=row["parent_span_id_hex"],
        depth=place.depth,
        is_orphan=place.is_orphan,
        kind=_name(_KINDS, row["kind"]),
        status=_name(_STATUSES, row["status_code"]),
        offset_ms=(row["start_ns"] - trace_start_ns) / 1e6,
        duration_ms=row["duration_ns"] / 1e6,
        events=[_event(event) for event in row["events"]],
        links=[_link(link) for link in row["links"]],
        generation=generation,
    )


def _event(event: Any) -> SpanEvent:
    time_unix_nano, name, attributes = event.values() if isinstance(event, dict) else event
    return SpanEvent(time=from_unix_ns(time_unix_nano), name=name, attributes=attributes)


def _link(link: Any) -> SpanLink:
    trace_id, span_id, attributes = link.values() if isinstance(link, dict) else link
    return SpanLink(trace_id=trace_id, span_id=span_id, attributes=attributes)


def _name(names: tuple[str, ...], code: int) -> str:
    return names[code] if 0 <= code < len(names) else f"unknown ({code})"
