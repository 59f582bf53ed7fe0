"""The ledger: what came in, minute by minute, and what became of it."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from driftline_api.context import Context
from driftline_api.parameters import Project, Range, UtcDatetime, check_range
from driftline_api.problems import bad_request, problem_responses
from driftline_core.ingest_ledger import LedgerMinute, read_ledger

router = APIRouter(prefix="/api/v1/ledger", tags=["ingest"])

_DEFAULT_RANGE = timedelta(hours=1)
_LONGEST_RANGE = timedelta(hours=24)
_SECOND_NS = 1_000_000_000


class RejectedItems(BaseModel):
    """What was refused for one reason."""

    reason: str = Field(description="Why.", examples=["invalid_ids"])
    items: int = Field(description="Items; 0 of requests that could not be read far enough to count them.")
    requests: int = Field(description="Whole requests; 0 when only parts of requests were refused.")


class LedgerEntry(BaseModel):
    """One signal in one minute; counts are spans, log records or data points."""

    signal: str = Field(description="traces, logs or metrics; '' when a request named none.", examples=["traces"])
    minute: UtcDatetime = Field(description="Minute of receipt (UTC).")
    received: int = Field(description="Counted at the door, whatever became of it.", examples=[5120])
    stored: int = Field(description="Counted by the engine as it stored them.", examples=[5100])
    duplicate: int = Field(description="Kept before, sent again and acknowledged again.", examples=[16])
    rejected: list[RejectedItems] = Field(description="Refused, by reason.")
    dead_lettered: int = Field(description="Set aside: the engine could not read them.")
    retried: int = Field(description="Dead letters that were sent in again, and count as received again.")
    waiting: int = Field(description="Acknowledged and not stored yet, as of the last seconds.", examples=[4])
    is_balanced: bool = Field(description="Whether received is the sum of all the others.")


class IngestLedger(BaseModel):
    """The project's minutes."""

    is_balanced: bool = Field(description="Whether every minute is.")
    items: list[LedgerEntry] = Field(description="Minutes in which anything came, in order.")


@router.get("", summary="Read the ingest ledger", responses=problem_responses())
def read_ingest_ledger(
    context: Context,
    project: Project,
    time_range: Range,
    signal: Annotated[
        Literal["", "traces", "logs", "metrics"], Query(description="One signal. Default: every one.")
    ] = "",
) -> IngestLedger:
    """By time of receipt, widened to whole minutes; at most 24 hours at once. Default: the last hour, every signal."""
    to_time = time_range.to_time or context.clock() + timedelta(minutes=1)
    checked = check_range(time_range.from_time or to_time - _DEFAULT_RANGE, to_time)
    if checked.to_ns - checked.from_ns > _LONGEST_RANGE // timedelta(microseconds=1) * 1000:
        raise bad_request("expected a range of at most 24 hours, got a longer one")
    minutes = read_ledger(
        context.store,
        project=project,
        from_s=checked.from_ns // (60 * _SECOND_NS) * 60,
        to_s=-(-checked.to_ns // (60 * _SECOND_NS)) * 60,
        signal=signal,
    )
    return IngestLedger(is_balanced=all(one.is_balanced for one in minutes), items=[_entry(one) for one in minutes])


def _entry(one: LedgerMinute) -> LedgerEntry:
    return LedgerEntry(
        signal=one.signal,
        minute=one.minute,
        received=one.received,
        stored=one.stored,
        duplicate=one.duplicate,
        rejected=[
            RejectedItems(reason=reason, items=rejected.items, requests=rejected.requests)
            for reason, rejected in one.rejected.items()
        ],
        dead_lettered=one.dead_lettered,
        retried=one.retried,
        waiting=one.waiting,
        is_balanced=one.is_balanced,
    )
