"""Health for orchestrators and for Prometheus: alive, ready, metrics."""

from http import HTTPStatus

from fastapi import APIRouter, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from driftline_api.context import Context
from driftline_api.process_metrics import is_store_up

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: str = Field(description="Always ok: no answer is the other case.", examples=["ok"])


class Part(BaseModel):
    """One part of the process."""

    name: str = Field(description="store, or the service's name.", examples=["collector"])
    is_ok: bool = Field(description="True when it works.")
    detail: str = Field(description="One line for a person; '' when all is well.")


class Readiness(BaseModel):
    """Whether the process can do its work, part by part."""

    is_ready: bool = Field(description="True when every part works.")
    parts: list[Part] = Field(description="The store and every service.")


@router.get("/healthz", summary="Is the process alive?")
async def read_alive() -> Alive:
    """Answers as long as the process does; asks nothing else."""
    return Alive(status="ok")


@router.get(
    "/readyz",
    summary="Can it do its work?",
    responses={503: {"model": Readiness, "description": "Some part does not work"}},
)
def read_readiness(context: Context, response: Response) -> Readiness:
    """200 when the store answers and every service is healthy; 503 with the reasons otherwise."""
    is_up = is_store_up(context.store)
    parts = [Part(name="store", is_ok=is_up, detail="" if is_up else "the store does not answer")]
    for service in context.services:
        health = service.health()
        parts.append(Part(name=service.name, is_ok=health.is_ok, detail=health.detail))
    is_ready = all(part.is_ok for part in parts)
    if not is_ready:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Readiness(is_ready=is_ready, parts=parts)


@router.get("/metrics", summary="Metrics of this process", response_class=Response)
def read_metrics(context: Context) -> Response:
    """Prometheus text format: requests by route, store, services, collector. For LLM metrics see /prometheus."""
    return Response(generate_latest(context.metrics.registry), headers={"content-type": CONTENT_TYPE_LATEST})
