"""Ingest: whether spans arrive, and what became of them. The ledger beside it has every signal, by minute."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from driftline_api.context import Context
from driftline_api.ingest_stats import ingest_stats
from driftline_api.parameters import Reader, UtcDatetime
from driftline_api.problems import problem_responses

router = APIRouter(prefix="/api/v1/ingest", tags=["ingest"])


class CollectorState(BaseModel):
    """One collector of this process."""

    name: str = Field(description="Name of the service.", examples=["collector"])
    is_ok: bool = Field(description="True when it is healthy.")
    detail: str = Field(description="One line for a person; '' when all is well.")
    otlp_http_port: int | None = Field(
        description="Port of its OTLP/HTTP receiver; null when unknown.", examples=[4318]
    )
    stats: dict[str, Any] = Field(
        description="Counts since its start: received = stored + duplicate + rejected + dead-lettered + still in the spool.",
        examples=[{"received_spans": 5120, "stored_spans": 5120, "spool_bytes": 0}],
    )


class Ingest(BaseModel):
    """What arrived lately."""

    spans_1m: int = Field(description="Spans stored in the last minute.", examples=[240])
    spans_1h: int = Field(description="Spans stored in the last hour.")
    spans_24h: int = Field(description="Spans stored in the last 24 hours.")
    last_stored_at: UtcDatetime | None = Field(
        description="When a span was last stored (UTC); null if not in 24 hours."
    )
    collectors: list[CollectorState] = Field(description="Collectors in this process; empty where they run elsewhere.")


@router.get("", summary="Read the state of ingest", responses=problem_responses())
def read_ingest(context: Context, reader: Reader) -> Ingest:
    """Spans of the project by time of storing, and the counters of the collectors in this process."""
    row = reader.row("ingest")
    if row["spans_24h"] == 0:
        row["last_stored_at"] = None
    collectors = []
    for service in context.services:
        stats = ingest_stats(service)
        if stats is not None:
            stats.pop("items", None)  # by project: not this one's to see
            health = service.health()
            state = CollectorState(
                name=service.name,
                is_ok=health.is_ok,
                detail=health.detail,
                otlp_http_port=getattr(service, "http_port", None),
                stats=stats,
            )
            collectors.append(state)
    return Ingest(**row, collectors=collectors)
