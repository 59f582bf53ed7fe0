"""Summary: traffic, tokens, cost, errors and latency of a range, beside the range before, and as a series."""

import math
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from driftline_api.context import Context
from driftline_api.parameters import Range, Reader, UtcDatetime, check_range
from driftline_api.problems import problem_responses
from driftline_api.reader import Row
from driftline_api.steps import Steps, cut_steps

router = APIRouter(prefix="/api/v1/summary", tags=["summary"])

_MODELS_SHOWN = 6
_DEFAULT_RANGE = timedelta(hours=24)


class Traffic(BaseModel):
    """Counts, cost and latency of LLM calls and embeddings, each call once."""

    calls: int = Field(description="LLM calls and embeddings.", examples=[5120])
    errors: int = Field(description="Of them failed.", examples=[12])
    input_tokens: int = Field(description="Input tokens, cached ones included.", examples=[812_400])
    output_tokens: int = Field(description="Output tokens.", examples=[301_100])
    cache_read_tokens: int = Field(description="Input tokens read from a cache.")
    cache_write_tokens: int = Field(description="Input tokens written to a cache.")
    reasoning_tokens: int = Field(description="Output tokens spent on reasoning.")
    calls_without_tokens: int = Field(description="Calls that reported no tokens, so count in no token or cost figure.")
    calls_without_price: int = Field(description="Calls of a model without a known price: missing in cost_usd.")
    cost_usd: float = Field(description="Cost in USD of the calls with a known price.", examples=[1.83])
    p50_ms: float | None = Field(description="Median duration in milliseconds; null without calls.", examples=[640.0])
    p95_ms: float | None = Field(description="95th percentile of duration in milliseconds.", examples=[2210.0])
    p99_ms: float | None = Field(description="99th percentile of duration in milliseconds.", examples=[4100.0])


class ServiceGroup(Traffic):
    """Traffic of one service."""

    service: str = Field(description="service.name.", examples=["support-assistant"])


class ModelGroup(Traffic):
    """Traffic of one model."""

    provider: str = Field(description="Provider.", examples=["openai"])
    model: str = Field(description="Model.", examples=["gpt-4o-mini"])


class PromptVersionGroup(Traffic):
    """Traffic of one prompt version."""

    prompt_version: str = Field(description="Version of the prompt template, '' when not reported.", examples=["v2"])


class Step(Traffic):
    """Traffic of one step."""

    time: UtcDatetime = Field(description="Start of the step (UTC).")


class ModelSeries(BaseModel):
    """One model's share, aligned with `series`."""

    model: str = Field(description="Model, '' when not reported.", examples=["gpt-4o-mini"])
    is_other: bool = Field(description="True for all models beyond the biggest together.")
    calls: list[int] = Field(description="Calls a step.")
    tokens: list[int] = Field(description="Input and output tokens a step.")
    cost_usd: list[float] = Field(description="Cost in USD a step.")


class Summary(BaseModel):
    """What happened in a range."""

    from_time: UtcDatetime = Field(serialization_alias="from", description="Start of the range, a whole minute (UTC).")
    to_time: UtcDatetime = Field(serialization_alias="to", description="End of the range, a whole minute (UTC).")
    step_s: int = Field(description="Length of a step in seconds.", examples=[900])
    total: Traffic = Field(description="The whole range.")
    previous: Traffic = Field(description="The range of the same length before it.")
    by_service: list[ServiceGroup] = Field(description="By service, most calls first.")
    by_model: list[ModelGroup] = Field(description="By provider and model, most calls first.")
    by_prompt_version: list[PromptVersionGroup] = Field(description="By prompt version, most calls first.")
    series: list[Step] = Field(description="Every step of the range; without traffic zeros and null latencies.")
    models: list[ModelSeries] = Field(description="The biggest models' shares of each step.")


@router.get("", summary="Summarise traffic", responses=problem_responses())
def read_summary(
    *,
    context: Context,
    reader: Reader,
    time_range: Range,
    step: Annotated[int | None, Query(ge=60, description="Seconds a step, a multiple of 60. Default: chosen.")] = None,
    service: Annotated[str, Query(description="Exact service.name.")] = "",
    model: Annotated[str, Query(description="Exact model.")] = "",
    environment: Annotated[str, Query(description="Exact environment.")] = "",
) -> Summary:
    """From the one-minute rollup; the range is widened to whole minutes. Default: the 24 hours up to now."""
    to_time = time_range.to_time or context.clock()
    checked = check_range(time_range.from_time or to_time - _DEFAULT_RANGE, to_time)
    points_max = context.settings.series_points_max
    steps = cut_steps(from_ns=checked.from_ns, to_ns=checked.to_ns, step_s=step, points_max=points_max)
    before = steps.previous()
    filters = {"service": service, "model": model, "environment": environment}
    bounds = {"from_s": steps.from_s, "to_s": steps.to_s}
    groups = reader.rows("summary_breakdown", **bounds, **filters)
    previous = reader.rows("summary_total", from_s=max(before.from_s, 0), to_s=before.to_s, **filters)
    series = reader.rows("summary_series", **bounds, step_s=steps.step_s, **filters)
    models = reader.rows("summary_models", **bounds, step_s=steps.step_s, max_models=_MODELS_SHOWN, **filters)
    return Summary(
        from_time=_utc(steps.from_s),
        to_time=_utc(steps.to_s),
        step_s=steps.step_s,
        total=_total(groups),
        previous=_total(previous),
        by_service=[ServiceGroup(**_traffic(row), service=row["service"]) for row in _grouped(groups, "service")],
        by_model=[
            ModelGroup(**_traffic(row), provider=row["provider"], model=row["model"])
            for row in _grouped(groups, "model")
        ],
        by_prompt_version=[
            PromptVersionGroup(**_traffic(row), prompt_version=row["prompt_version"])
            for row in _grouped(groups, "prompt_version")
        ],
        series=_series(series, steps),
        models=_models(models, steps),
    )


def _series(rows: list[Row], steps: Steps) -> list[Step]:
    by_start = {row["step_start"]: row for row in rows}
    return [Step(**_traffic(by_start.get(start)), time=_utc(start)) for start in steps.starts()]


def _models(rows: list[Row], steps: Steps) -> list[ModelSeries]:
    starts = steps.starts()
    series: dict[tuple[bool, str], ModelSeries] = {}
    for row in rows:
        key = (bool(row["is_other"]), row["shown_model"])
        if key not in series:
            zeros = [0] * len(starts)
            series[key] = ModelSeries(
                model=key[1], is_other=key[0], calls=list(zeros), tokens=list(zeros), cost_usd=[0.0] * len(starts)
            )
        index = starts.index(row["step_start"])
        series[key].calls[index] = row["n_calls"]
        series[key].tokens[index] = row["n_tokens"]
        series[key].cost_usd[index] = row["total_cost_usd"]
    return sorted(series.values(), key=lambda one: (one.is_other, -sum(one.tokens), -sum(one.calls), one.model))


def _grouped(rows: list[Row], grouped_by: str) -> list[Row]:
    return [row for row in rows if row["grouped_by"] == grouped_by and row["n_calls"]]


def _total(rows: list[Row]) -> Traffic:
    return Traffic(**_traffic(next((row for row in rows if row["grouped_by"] == "all"), None)))


def _traffic(row: Row | None) -> Row:
    counts = (
        *("calls", "errors", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
        *("reasoning_tokens", "calls_without_tokens", "calls_without_price"),
    )
    if row is None:
        return {**dict.fromkeys(counts, 0), "cost_usd": 0.0, "p50_ms": None, "p95_ms": None, "p99_ms": None}
    p50, _, p95, p99 = (None if math.isnan(value) else value for value in row["durations_ms"])
    counted = {name: row[f"n_{name}"] for name in counts}
    return {**counted, "cost_usd": row["total_cost_usd"], "p50_ms": p50, "p95_ms": p95, "p99_ms": p99}


def _utc(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
