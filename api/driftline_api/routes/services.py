"""Services: who sends, since when, with which models."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from driftline_api.parameters import Range, Reader, UtcDatetime
from driftline_api.problems import problem_responses

router = APIRouter(prefix="/api/v1/services", tags=["services"])


class ServiceTraffic(BaseModel):
    """One app that sent LLM calls."""

    service: str = Field(description="service.name of the app.", examples=["support-assistant"])
    n_calls: int = Field(description="LLM calls and embeddings.", examples=[5120])
    n_errors: int = Field(description="Of them failed.", examples=[12])
    first_minute: UtcDatetime = Field(description="First minute with traffic (event time, UTC).")
    last_minute: UtcDatetime = Field(description="Last minute with traffic (event time, UTC).")
    environments: list[str] = Field(description="Environments seen.")
    providers: list[str] = Field(description="Providers seen.")
    models: list[str] = Field(description="Models seen.")
    prompt_versions: list[str] = Field(description="Prompt versions seen.")


class ServiceList(BaseModel):
    """Services, the busiest first."""

    items: list[ServiceTraffic] = Field(description="Every service with traffic in the range.")


@router.get("", summary="List services", responses=problem_responses())
def list_services(reader: Reader, time_range: Range) -> ServiceList:
    """Every service with LLM calls in the range (default: ever), from the one-minute rollup."""
    second = 1_000_000_000
    rows = reader.rows("services", from_s=time_range.from_ns // second, to_s=-(-time_range.to_ns // second))
    return ServiceList(items=[ServiceTraffic(**row) for row in rows])
