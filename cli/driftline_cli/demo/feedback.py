"""What the demo's users say of the answers, sent as the SDK sends it; and what Driftline shows of it."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from driftline.user_feedback import EVENT, NAME, FeedbackSender
from driftline_cli.api_client import ApiClient
from driftline_cli.demo.call_id import CallId
from driftline_cli.demo.traffic import SLICES, Call, Slice
from driftline_cli.demo.week import Week
from driftline_core.errors import StoreError

_RATED_SHARE: Final = 0.15
_NEGATIVE_SHARE: Final = 0.08
_NEGATIVE_SHARE_PLANTED: Final = 0.7
_COMMENTED_SHARE: Final = 0.2
_COMMENTS: Final = (
    "This does not answer my question.",
    "Nice words, but what does it cost?",
    "That is advertising.",
    "I still do not know what to do.",
)
_BATCH: Final = 500
"""Below what the SDK's queue holds."""
_TIMEOUT_S: Final = 20.0

_LEAST_RISE: Final = 0.3
_MOST_ELSEWHERE: Final = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """A thumb: score 1 or -1. comment: '' for none."""

    call_id: CallId
    service: str
    time: datetime
    score: int
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedSlice:
    """Ratings of a slice as Driftline counts them, and of them negative ones, before and after the change."""

    source: Slice
    rated_before: int
    negative_before: int
    rated_after: int
    negative_after: int

    @property
    def share_before(self) -> float:
        """0 where nothing was rated."""
        return self.negative_before / max(1, self.rated_before)

    @property
    def share_after(self) -> float:
        """0 where nothing was rated."""
        return self.negative_after / max(1, self.rated_after)

    @property
    def is_right(self) -> bool:
        """Where answers lost their facts the negative share rises; elsewhere it is low at any time."""
        if self.source.is_drift_planted:
            return self.rated_before > 0 and self.share_after - self.share_before >= _LEAST_RISE
        return max(self.share_before, self.share_after) <= _MOST_ELSEWHERE


def rate(calls: Sequence[Call], call_ids: Sequence[CallId], week: Week, *, seed: int) -> list[Rating]:
    """About one answer in seven is rated within three minutes; those of the planted slice worse from the change on."""
    rng = random.Random(f"{seed}/feedback")
    ratings = []
    for call, call_id in zip(calls, call_ids, strict=True):
        draws = [rng.random() for _ in range(4)]
        comment = rng.choice(_COMMENTS)
        if call.error_type or call.plant in ("injection", "leak") or draws[0] >= _RATED_SHARE:
            continue
        is_worse = (call.source.is_drift_planted and call.start_time >= week.change) or call.plant == "referral"
        is_negative = draws[1] < (_NEGATIVE_SHARE_PLANTED if is_worse else _NEGATIVE_SHARE)
        ratings.append(
            Rating(
                call_id=call_id,
                service=call.source.service,
                time=min(call.start_time + timedelta(seconds=10 + 170 * draws[2]), week.end),
                score=-1 if is_negative else 1,
                comment=comment if is_negative and draws[3] < _COMMENTED_SHARE else "",
            )
        )
    return ratings


def send_ratings(ratings: Sequence[Rating], endpoint: str) -> None:
    """Send them by the SDK's own sender to an OTLP/HTTP receiver. Raises StoreError when some were not taken."""
    for service in sorted({rating.service for rating in ratings}):
        sender = FeedbackSender(
            f"{endpoint}/v1/logs", headers={}, resource={"service.name": service}, timeout_s=_TIMEOUT_S
        )
        mine = [rating for rating in ratings if rating.service == service]
        for begin in range(0, len(mine), _BATCH):
            for rating in mine[begin : begin + _BATCH]:
                sender.send(_record(rating))
            sender.flush(timeout_s=_TIMEOUT_S)
        sender.shutdown()
        if sender.dropped:
            raise StoreError(f"expected every rating to be taken, got some dropped: {dict(sender.dropped)}")


def read_ratings(api: ApiClient, week: Week) -> list[RatedSlice]:
    """Every slice's ratings from the Prometheus API, as a panel would ask."""
    before, all_of_them = _counts(api, week.change), _counts(api, week.end + timedelta(minutes=1))
    return [rated_slice(source, before, all_of_them) for source in SLICES]


Counts = Mapping[tuple[str, str, str], int]
"""Ratings so far by service, model and sentiment."""


def rated_slice(source: Slice, before: Counts, all_of_them: Counts) -> RatedSlice:
    """before: counted at the change, all_of_them: at the end of the week."""

    def total(counts: Counts, *sentiments: str) -> int:
        return sum(counts.get((source.service, source.model, sentiment), 0) for sentiment in sentiments)

    rated, negative = ("negative", "neutral", "positive"), "negative"
    return RatedSlice(
        source=source,
        rated_before=total(before, *rated),
        negative_before=total(before, negative),
        rated_after=total(all_of_them, *rated) - total(before, *rated),
        negative_after=total(all_of_them, negative) - total(before, negative),
    )


def _counts(api: ApiClient, at: datetime) -> Counts:
    answer = api.get(
        "/prometheus/api/v1/query",
        {"query": "sum by (service, model, sentiment) (driftline_feedback_total)", "time": at.timestamp()},
    )
    return {
        (one["metric"]["service"], one["metric"]["model"], one["metric"]["sentiment"]): round(float(one["value"][1]))
        for one in answer["data"]["result"]
    }


def _record(rating: Rating) -> dict[str, Any]:
    """The log record that driftline.feedback() sends, at the time of the rating."""
    at_ns = str(int(rating.time.timestamp() * 1_000_000) * 1000)
    label = "negative" if rating.score < 0 else "positive"
    attributes: list[dict[str, Any]] = [
        {"key": "gen_ai.evaluation.name", "value": {"stringValue": NAME}},
        {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": float(rating.score)}},
        {"key": "gen_ai.evaluation.score.label", "value": {"stringValue": label}},
    ]
    if rating.comment:
        attributes.append({"key": "gen_ai.evaluation.explanation", "value": {"stringValue": rating.comment}})
    return {
        "timeUnixNano": at_ns,
        "observedTimeUnixNano": at_ns,
        "eventName": EVENT,
        "attributes": attributes,
        "traceId": rating.call_id.trace_id,
        "spanId": rating.call_id.span_id,
    }
