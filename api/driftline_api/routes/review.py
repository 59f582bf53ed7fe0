"""What reviewers should look at next, and how far the analyzers agree with what they said."""

from dataclasses import asdict
from datetime import UTC
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from driftline_api.agreement import agree
from driftline_api.context import Context
from driftline_api.labelled import Labelled, read_labelled
from driftline_api.parameters import Limit, Range, Reader, unix_ns
from driftline_api.problems import problem_responses
from driftline_api.reader import ProjectReader, Row
from driftline_api.score import Score, json_object, to_score
from driftline_core.call_contexts import read_given_texts
from driftline_core.directions import direction_of, sign_of

router = APIRouter(prefix="/api/v1", tags=["human loop"])

Order = Literal["mixed", "uncertain", "flagged", "random"]
Pick = Literal["uncertain", "flagged", "random"]
_MOST_SERVICES = 20
_PICKS: tuple[Pick, ...] = ("uncertain", "flagged", "random")


class ReviewItem(Score):
    """A score to look at. Send picked_by back with the label: it says which labels stand for all traffic."""

    prompt_preview: str = Field(description="Start of the prompt.")
    threshold: float = Field(description="Value from which the analyzer flags, as far as is known.", examples=[0.5])
    flagged_end: Literal["high", "low", "none"] = Field(description="Which side of the threshold is flagged.")
    threshold_from: str = Field(
        description="set (from labels), evidence (the analyzer's own), flags (between the flagged values and the others) or none."
    )
    distance: float = Field(description="Of the value to the threshold.", examples=[0.01])
    is_labelled: bool = Field(description="Somebody has labelled it.")
    picked_by: Pick = Field(description="The order that brought it here.")


class ReviewQueue(BaseModel):
    """Scores to look at, those without a label first."""

    items: list[ReviewItem] = Field(description="The same question gives the same items until labels or scores come.")


class Rate(BaseModel):
    """An estimate for all scored calls of the range, with its 95 % interval; null where labels are too few."""

    value: float | None = Field(description="The estimate.", examples=[0.81])
    low: float | None = Field(description="Lower end of the interval.", examples=[0.68])
    high: float | None = Field(description="Upper end of the interval.", examples=[0.9])
    n: int = Field(description="Labels that it rests on.", examples=[60])
    reason: str = Field(description="Why there is no estimate; '' when there is one.")


class AnalyzerAgreement(BaseModel):
    """One analyzer's field against its reviewers."""

    analyzer: str = Field(description="Analyzer.", examples=["grounding"])
    field: str = Field(description="Its field.", examples=["completion"])
    service: str = Field(
        description="Whose calls it speaks of: the one that was asked for, '' all. Where labels stand for a part of them, each service "
        "that was reviewed in random order follows by itself."
    )
    n_scored: int = Field(description="Calls that it scored in the range.")
    n_flagged: int = Field(description="Of them flagged.")
    n_labelled: int = Field(description="Of them labelled by anybody.")
    n_disputed: int = Field(description="Labelled by annotators who are split evenly; left out of everything else.")
    n_representative: int = Field(description="Labels that stand for all traffic; the estimates rest on these alone.")
    true_positives: int = Field(description="Labels: flagged, and rightly. A count, not an estimate.")
    false_positives: int = Field(description="Labels: flagged, and wrongly.")
    false_negatives: int = Field(description="Labels: not flagged, and should have been.")
    true_negatives: int = Field(description="Labels: not flagged, and rightly.")
    precision: Rate = Field(description="Share of the flagged that are rightly flagged.")
    recall: Rate = Field(description="Share of what it looks for that is flagged.")
    kappa: Rate = Field(description="Cohen's kappa: agreement beyond chance, 1 perfect, 0 none.")


class AgreementList(BaseModel):
    """Every analyzer that scored calls in the range."""

    items: list[AnalyzerAgreement] = Field(description="By analyzer and field.")


@router.get("/review", summary="What to look at next", responses=problem_responses())
def review_queue(
    *,
    context: Context,
    reader: Reader,
    time_range: Range,
    limit: Limit,
    analyzer: Annotated[
        str, Query(min_length=1, max_length=100, description="Exact analyzer.", examples=["grounding"])
    ],
    order: Annotated[
        Order,
        Query(
            description="uncertain: nearest to the threshold. flagged: the flagged, in random order. random: all, in random order; only "
            "this one lets recall be estimated. mixed: one of each in turn."
        ),
    ] = "mixed",
    field: Annotated[str, Query(description="Exact field.")] = "",
    service: Annotated[str, Query(description="Exact service.name.")] = "",
    model: Annotated[str, Query(description="Exact model.")] = "",
    is_labelled: Annotated[bool | None, Query(description="Only labelled ones, or only the others.")] = None,
) -> ReviewQueue:
    """Scores of one analyzer, unlabelled first, with the start of the text and the evidence. `from` and `to` bound the calls' own time."""
    picked: dict[Pick, list[ReviewItem]] = {}
    for picked_by in _PICKS if order == "mixed" else (order,):
        rows = reader.rows(
            "review",
            from_ns=time_range.from_ns,
            to_ns=time_range.to_ns,
            analyzer=analyzer,
            field=field,
            service=service,
            model=model,
            picked_by=picked_by,
            is_labelled=-1 if is_labelled is None else int(is_labelled),
            max_rows=limit,
            preview_chars=context.settings.preview_chars,
            sign=sign_of(analyzer),
        )
        picked[picked_by] = [
            _item(row, picked_by) for row in _with_previews(reader, rows, context.settings.preview_chars)
        ]
    return ReviewQueue(items=_in_turn(picked, limit))


@router.get("/agreement", summary="Agreement with reviewers", responses=problem_responses(422))
def list_agreement(
    *,
    reader: Reader,
    time_range: Range,
    analyzer: Annotated[str, Query(max_length=100, description="Exact analyzer.")] = "",
    field: Annotated[str, Query(description="Exact field.")] = "",
    service: Annotated[str, Query(description="Exact service.name.")] = "",
    model: Annotated[str, Query(description="Exact model.")] = "",
) -> AgreementList:
    """Counts of the labels, and what they say of all calls scored in the range; a rate that they cannot carry is null with a reason."""
    items = []
    for one in read_labelled(reader, time_range, analyzer=analyzer, field=field, service=service, model=model):
        whole = _agreement(one, service=service)
        items.append(whole)
        gaps = {gap for of_flagged in (False, True) if (gap := one.reach.gap(one.labels, of_flagged=of_flagged))}
        is_part = any(rate.reason.endswith(gap) for rate in (whole.precision, whole.recall) for gap in gaps)
        if is_part and not service:
            named = {"analyzer": one.analyzer, "field": one.field, "model": model}
            for reviewed in one.reviewed_services[:_MOST_SERVICES]:
                items += [
                    _agreement(part, service=reviewed)
                    for part in read_labelled(reader, time_range, **named, service=reviewed)
                ]
    return AgreementList(items=items)


def _with_previews(reader: ProjectReader, rows: list[Row], preview_chars: int) -> list[Row]:
    """Rows of review.sql; those of documents and tool results with the start of the text that their evidence points at."""
    given = [row for row in rows if row["field"] in ("document", "tool_result")]
    keys = [(unix_ns(row["start_time"].replace(tzinfo=UTC)), row["trace_id_hex"], row["span_id_hex"]) for row in given]
    texts = read_given_texts(reader.store, reader.project, keys)
    for row in given:
        of_call = texts.get((row["trace_id_hex"], row["span_id_hex"]), {}).get(row["field"], [])
        index = json_object(row["evidence"]).get("index", 0)
        if isinstance(index, int) and 0 <= index < len(of_call):
            row["text_preview"] = of_call[index][:preview_chars]
    return rows


def _item(row: Row, picked_by: Pick) -> ReviewItem:
    own = ("prompt_preview", "threshold", "threshold_from", "distance", "is_labelled")
    return ReviewItem(
        **to_score(row).model_dump(),
        **{name: row[name] for name in own},
        flagged_end=direction_of(row["analyzer"]),
        picked_by=picked_by,
    )


def _in_turn(picked: dict[Pick, list[ReviewItem]], limit: int) -> list[ReviewItem]:
    """One of each order in turn, each call once, those without a label first."""
    longest = max((len(items) for items in picked.values()), default=0)
    turns = [items[turn] for turn in range(longest) for items in picked.values() if turn < len(items)]
    taken: dict[tuple[str, str, str], ReviewItem] = {}
    for item in sorted(turns, key=lambda one: one.is_labelled):
        taken.setdefault((item.trace_id, item.span_id, item.field), item)
    return list(taken.values())[:limit]


def _agreement(found: Labelled, *, service: str) -> AnalyzerAgreement:
    measured = agree(found.labels, n_scored=found.n_scored, n_flagged=found.n_flagged, reach=found.reach)
    return AnalyzerAgreement(
        analyzer=found.analyzer,
        field=found.field,
        service=service,
        n_scored=found.n_scored,
        n_flagged=found.n_flagged,
        **asdict(measured),
    )
