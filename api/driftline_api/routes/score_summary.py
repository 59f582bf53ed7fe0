"""Call scores in numbers: how many of the calls were scored, flagged and unknown, by analyzer, and over time."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from driftline_api.context import Context
from driftline_api.parameters import Range, Reader, UtcDatetime, check_range
from driftline_api.problems import problem_responses
from driftline_api.reader import Row
from driftline_api.steps import Steps, cut_steps

router = APIRouter(prefix="/api/v1/scores", tags=["scores"])

_DEFAULT_RANGE = timedelta(hours=24)
_Z: Final = 1.959964
"""Of a two-sided 95 % interval."""


class FlaggedShare(BaseModel):
    """How many scores there are and which share of them is flagged, with its interval."""

    scored: int = Field(description="Scores that say something.", examples=[5120])
    flagged: int = Field(description="Of them flagged.", examples=[31])
    unknown: int = Field(description="Scores where the analyzer could not say.", examples=[12])
    failed: int = Field(description="Calls that the analyzer failed on.", examples=[0])
    share: float | None = Field(description="flagged / scored; null without scores.", examples=[0.00605])
    share_low: float | None = Field(description="Lower end of its 95 % Wilson interval.", examples=[0.00427])
    share_high: float | None = Field(description="Upper end of its 95 % Wilson interval.", examples=[0.00858])


class ScoreGroup(FlaggedShare):
    """Scores of one analyzer on one field of the calls of one service to one model."""

    analyzer: str = Field(description="Analyzer.", examples=["injection"])
    field: str = Field(description="Field; call where the analyzer failed on the whole call.", examples=["prompt"])
    service: str = Field(description="service.name.", examples=["support-assistant"])
    model: str = Field(description="Model.", examples=["gpt-4o-mini"])
    value_mean: float | None = Field(description="Mean value of the scores; null without.", examples=[0.04])


class ScoreSeries(FlaggedShare):
    """Scores of one analyzer on one field over the whole range and step by step."""

    analyzer: str = Field(description="Analyzer.", examples=["injection"])
    field: str = Field(description="Field.", examples=["prompt"])
    scored_by_step: list[int] = Field(description="Scores that say something, a step.")
    flagged_by_step: list[int] = Field(description="Of them flagged.")


class ScoreSummary(BaseModel):
    """What the scorers of single calls say about a range."""

    from_time: UtcDatetime = Field(serialization_alias="from", description="Start of the range, a whole minute (UTC).")
    to_time: UtcDatetime = Field(serialization_alias="to", description="End of the range, a whole minute (UTC).")
    step_s: int = Field(description="Length of a step in seconds.", examples=[900])
    times: list[UtcDatetime] = Field(description="Start of every step (UTC).")
    series: list[ScoreSeries] = Field(description="By analyzer and field, most flagged scores first.")
    groups: list[ScoreGroup] = Field(description="By analyzer, field, service and model.")


@router.get("/summary", summary="Summarise call scores", responses=problem_responses())
def summarise_scores(
    *,
    context: Context,
    reader: Reader,
    time_range: Range,
    step: Annotated[int | None, Query(ge=60, description="Seconds a step, a multiple of 60. Default: chosen.")] = None,
    analyzer: Annotated[str, Query(description="Exact analyzer.", examples=["injection"])] = "",
    field: Annotated[str, Query(description="Exact field.", examples=["prompt"])] = "",
    service: Annotated[str, Query(description="Exact service.name.")] = "",
    model: Annotated[str, Query(description="Exact model.")] = "",
) -> ScoreSummary:
    """Of the calls that began in the range, widened to whole minutes. Default: the 24 hours up to now. Outliers are not counted here:
    their scores are of a sample that was chosen for them."""
    to_time = time_range.to_time or context.clock()
    checked = check_range(time_range.from_time or to_time - _DEFAULT_RANGE, to_time)
    points_max = context.settings.series_points_max
    steps = cut_steps(from_ns=checked.from_ns, to_ns=checked.to_ns, step_s=step, points_max=points_max)
    chosen = {"analyzer": analyzer, "field": field, "service": service, "model": model}
    bounds = {"from_s": steps.from_s, "to_s": steps.to_s}
    groups = reader.rows("score_groups", **bounds, **chosen)
    series = reader.rows("score_series", **bounds, **chosen, step_s=steps.step_s)
    return ScoreSummary(
        from_time=_utc(steps.from_s),
        to_time=_utc(steps.to_s),
        step_s=steps.step_s,
        times=[_utc(start) for start in steps.starts()],
        series=_series(series, steps),
        groups=[
            ScoreGroup(
                **{name: row[name] for name in ("analyzer", "field", "service", "model", "value_mean")},
                **_counts([row]),
            )
            for row in groups
        ],
    )


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share; n is at least 1. Wilson 1927."""
    share, spread = successes / n, _Z * _Z / n
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def _series(rows: list[Row], steps: Steps) -> list[ScoreSeries]:
    by_key: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_key.setdefault((row["analyzer"], row["field"]), []).append(row)
    found = []
    for (analyzer, field), of_key in by_key.items():
        by_start = {row["step_start"]: row for row in of_key}
        shown = [by_start.get(start) for start in steps.starts()]
        one = ScoreSeries(
            analyzer=analyzer,
            field=field,
            scored_by_step=[row["n_scored"] if row else 0 for row in shown],
            flagged_by_step=[row["n_flagged"] if row else 0 for row in shown],
            **_counts(of_key),
        )
        found.append(one)
    return sorted(found, key=lambda one: (-one.flagged, one.analyzer, one.field))


def _counts(rows: Iterable[Row]) -> Row:
    of_all = dict.fromkeys(("scored", "flagged", "unknown", "failed"), 0)
    for row in rows:
        for name in of_all:
            of_all[name] += row[f"n_{name}"]
    n = of_all["scored"]
    low, high = wilson(of_all["flagged"], n) if n else (None, None)
    return {**of_all, "share": of_all["flagged"] / n if n else None, "share_low": low, "share_high": high}


def _utc(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
