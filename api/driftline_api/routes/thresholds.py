"""Thresholds of analyzers, set from labels with a bound on the rate that was asked for."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from driftline_api.body import Body
from driftline_api.calibration import Calibrated, by_false_positive_rate, by_precision
from driftline_api.labelled import Labelled, read_labelled
from driftline_api.parameters import Reader, TimeRange, UtcDatetime, check_range
from driftline_api.problems import problem_responses, unprocessable
from driftline_api.reader import ProjectReader
from driftline_core import thresholds
from driftline_core.directions import direction_of, sign_of
from driftline_core.errors import InputError
from driftline_core.thresholds import AnalyzerThreshold, Rule

router = APIRouter(prefix="/api/v1/thresholds", tags=["human loop"])

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(2100, 1, 1, tzinfo=UTC)


class NewThreshold(Body):
    """What to calibrate: exactly one of target_precision and max_false_positive_rate."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={"examples": [{"analyzer": "grounding", "target_precision": 0.9}]},
    )

    analyzer: str = Field(min_length=1, max_length=100, description="The analyzer.")
    field: str = Field(default="", max_length=100, description="Its field; may be left out where it scores one.")
    service: str = Field(
        default="",
        max_length=300,
        description="Only labels and calls of this service: the bound speaks for them alone, though the threshold counts for the project.",
    )
    target_precision: float | None = Field(
        default=None, gt=0, lt=1, description="At least this share of the flagged shall be rightly flagged."
    )
    max_false_positive_rate: float | None = Field(
        default=None, gt=0, lt=1, description="At most this share of what it does not look for shall be flagged."
    )
    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="Over the drawing of the labels, that it holds.")
    from_time: AwareDatetime | None = Field(
        default=None, alias="from", description="Only calls from then on (RFC 3339)."
    )
    to_time: AwareDatetime | None = Field(default=None, alias="to", description="Only calls before then (RFC 3339).")
    is_dry_run: bool = Field(default=False, description="Say what it would be and keep nothing.")

    @model_validator(mode="after")
    def _asks_for_one(self) -> Self:
        if (self.target_precision is None) == (self.max_false_positive_rate is None):
            got = "neither" if self.target_precision is None else "both"
            raise ValueError(f"expected one of target_precision and max_false_positive_rate, got {got}")
        return self


class Threshold(BaseModel):
    """A version of an analyzer's threshold. Scores made while it counts are flagged by it; earlier ones stay as they are."""

    analyzer: str = Field(description="Analyzer.", examples=["grounding"])
    field: str = Field(description="Its field.", examples=["completion"])
    version: int = Field(description="Counts up; 0: a dry run.", examples=[2])
    threshold: float = Field(
        description="A call is flagged when its value is at least this, or at most where flagged_end is low.",
        examples=[0.71],
    )
    flagged_end: Literal["high", "low", "none"] = Field(description="Which end of its values the analyzer flags.")
    rule: str = Field(description="precision or false_positive_rate.", examples=["precision"])
    target: float = Field(description="What was asked for.", examples=[0.9])
    confidence: float = Field(description="Of the bound.", examples=[0.95])
    bound: float = Field(
        description="Lower bound of the precision, or upper bound of the rate, there.", examples=[0.903]
    )
    n_labels: int = Field(description="Labels that the bound rests on.", examples=[180])
    analyzer_version: str = Field(description="Whose values were labelled; it counts for this version alone.")
    is_removed: bool = Field(description="The analyzer's own threshold counts again.")
    created_at: UtcDatetime = Field(description="When it was set (UTC).")


class SetThreshold(Threshold):
    """A threshold, and what it would have done to the calls of the range."""

    n_scored: int = Field(description="Calls that this version of the analyzer scored.")
    n_flagged_before: int = Field(description="Of them flagged as they stand.")
    n_flagged_after: int = Field(description="Of them with a value at the new threshold or beyond it.")


class ThresholdList(BaseModel):
    """Versions of thresholds, newest first."""

    items: list[Threshold] = Field(description="By analyzer and field.")


@router.get("", summary="List thresholds", responses=problem_responses())
def list_thresholds(
    reader: Reader,
    analyzer: Annotated[str, Query(description="Exact analyzer.")] = "",
    field: Annotated[str, Query(description="Exact field.")] = "",
) -> ThresholdList:
    """Every version of every threshold that was set from labels."""
    found = thresholds.list_thresholds(reader.store, project=reader.project, analyzer=analyzer, field=field)
    return ThresholdList(items=[_threshold(one) for one in found])


@router.post(
    "", summary="Set a threshold from labels", status_code=HTTPStatus.CREATED, responses=problem_responses(422)
)
def create_threshold(reader: Reader, new: NewThreshold) -> SetThreshold:
    """Compute a threshold from the labels that stand for all traffic, and let it count from now on. Too few labels are refused."""
    time_range = check_range(new.from_time, new.to_time)
    found = _labelled(reader, time_range, new)
    try:
        calibrated, rule, target = _calibrated(found, new)
    except InputError as error:
        raise unprocessable(str(error)) from error
    wanted = AnalyzerThreshold(
        project=reader.project,
        analyzer=found.analyzer,
        field=found.field,
        threshold=sign_of(found.analyzer) * calibrated.threshold,
        rule=rule,
        target=target,
        confidence=new.confidence,
        bound=calibrated.bound,
        n_labels=calibrated.n_labels,
        analyzer_version=found.newest_version,
        from_time=new.from_time or _FIRST,
        to_time=new.to_time or _LAST,
    )
    effect = reader.row(
        "flagged_at",
        from_ns=time_range.from_ns,
        to_ns=time_range.to_ns,
        analyzer=found.analyzer,
        field=found.field,
        version=found.newest_version,
        service=new.service,
        threshold=wanted.threshold,
        sign=sign_of(found.analyzer),
    )
    kept = wanted if new.is_dry_run else thresholds.set_threshold(reader.store, wanted)
    return SetThreshold(
        **_threshold(kept).model_dump(),
        n_scored=effect["n_scored"],
        n_flagged_before=found.n_flagged,
        n_flagged_after=effect["n_beyond"],
    )


@router.delete("", summary="Remove a threshold", status_code=HTTPStatus.NO_CONTENT, responses=problem_responses(404))
def delete_threshold(
    reader: Reader,
    analyzer: Annotated[str, Query(description="Exact analyzer.")],
    field: Annotated[str, Query(description="Exact field; may be left out where one has a threshold.")] = "",
) -> None:
    """Let the analyzer's own threshold count again from now on; the history stays."""
    thresholds.remove_threshold(reader.store, project=reader.project, analyzer=analyzer, field=field)


def _labelled(reader: ProjectReader, time_range: TimeRange, new: NewThreshold) -> Labelled:
    if direction_of(new.analyzer) == "none":
        raise unprocessable(
            f"expected an analyzer whose values are more or less of what it looks for, got {new.analyzer}, whose are not"
        )
    asked = {"analyzer": new.analyzer, "service": new.service}
    known = read_labelled(reader, time_range, **asked, field=new.field)
    if not known:
        raise unprocessable(f"expected calls that {new.analyzer} scored, got none in the range")
    if len(known) > 1:
        raise unprocessable(f"expected a field, one of {', '.join(one.field for one in known)}, got none")
    if known[0].n_with_p_value:
        raise unprocessable(
            f"expected an analyzer that flags by its value, got {new.analyzer}, which flags by p-values"
        )
    (found,) = read_labelled(reader, time_range, **asked, field=known[0].field, version=known[0].newest_version)
    return found


def _calibrated(found: Labelled, new: NewThreshold) -> tuple[Calibrated, Rule, float]:
    if new.max_false_positive_rate is not None:
        most = new.max_false_positive_rate
        calibrated = by_false_positive_rate(found.labels, most=most, confidence=new.confidence, reach=found.reach)
        return calibrated, "false_positive_rate", most
    assert new.target_precision is not None
    grid = [*found.grid, *([found.flagged_from] if found.flagged_from is not None else [])]
    calibrated = by_precision(
        found.labels,
        least=new.target_precision,
        confidence=new.confidence,
        grid=grid,
        unflagged_to=found.unflagged_to,
        reach=found.reach,
    )
    return calibrated, "precision", new.target_precision


def _threshold(one: AnalyzerThreshold) -> Threshold:
    stored = {name: getattr(one, name) for name in Threshold.model_fields if name != "flagged_end"}
    return Threshold(**stored, flagged_end=direction_of(one.analyzer))
