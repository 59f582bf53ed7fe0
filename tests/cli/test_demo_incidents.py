"""What the demo counts as found of its incidents, and what as a false flag."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from driftline_cli.demo.call_id import CallId
from driftline_cli.demo.corpus import load_topics
from driftline_cli.demo.feedback import Counts, Rating, rate, rated_slice
from driftline_cli.demo.groups import DECLARED, judge_groups
from driftline_cli.demo.review import Review
from driftline_cli.demo.safety import count_flags
from driftline_cli.demo.steps import AgentVerdict, Steps
from driftline_cli.demo.traffic import SLICES, plan_calls
from driftline_cli.demo.week import week_ending

WEEK = week_ending(datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
PLANTED, OTHER = SLICES[0], SLICES[1]


def call_id(number: int) -> CallId:
    return CallId(trace_id=f"{number:032x}", span_id=f"{number:016x}")


@pytest.mark.parametrize(
    ("planted", "flagged", "is_right"),
    [
        (range(10), range(10), True),
        (range(10), range(8), True),
        (range(10), range(7), False),
        (range(10), range(14), True),
        (range(10), range(18), False),
        (range(0), range(0), False),
    ],
)
def test_most_of_what_was_planted_must_be_flagged_and_almost_nothing_else(
    planted: range, flagged: range, is_right: bool
) -> None:
    ids = frozenset(call_id(number + 1) for number in planted)
    scores = [{"trace_id": one.trace_id, "span_id": one.span_id} for one in (call_id(number + 1) for number in flagged)]
    found = count_flags(("injection", "prompt"), ids, scores, n_scored=1010)
    assert found.n_found + found.n_elsewhere == len(flagged)
    assert found.is_right is is_right


def test_one_answer_in_seven_is_rated_and_the_planted_ones_worse() -> None:
    calls = plan_calls(WEEK, load_topics(), seed=7)
    ids = [call_id(number + 1) for number in range(len(calls))]
    ratings = rate(calls, ids, WEEK, seed=7)
    assert ratings == rate(calls, ids, WEEK, seed=7)
    assert 0.12 < len(ratings) / len(calls) < 0.18
    rated = {rating.call_id: rating for rating in ratings}
    of_call: list[tuple[bool, Rating]] = [
        (call.source.is_drift_planted and call.start_time >= WEEK.change, rated[one])
        for call, one in zip(calls, ids, strict=True)
        if one in rated
    ]
    worse = [rating.score < 0 for is_worse, rating in of_call if is_worse]
    others = [rating.score < 0 for is_worse, rating in of_call if not is_worse]
    assert sum(worse) / len(worse) > 0.55
    assert sum(others) / len(others) < 0.2
    for call, one in zip(calls, ids, strict=True):
        if one in rated:
            assert not call.error_type
            assert call.start_time < rated[one].time <= max(WEEK.end, call.start_time + timedelta(minutes=3))


@pytest.mark.parametrize(
    ("before", "after", "is_right", "is_right_elsewhere"),
    [((5, 50), (40, 90), True, False), ((5, 50), (9, 90), False, True), ((0, 0), (70, 100), False, False)],
)
def test_users_must_be_seen_to_dislike_the_planted_slice_alone(
    before: tuple[int, int], after: tuple[int, int], is_right: bool, is_right_elsewhere: bool
) -> None:
    def counts(negative: int, rated: int) -> Counts:
        key = (PLANTED.service, PLANTED.model)
        return {(*key, "negative"): negative, (*key, "positive"): rated - negative}

    found = rated_slice(PLANTED, counts(*before), counts(before[0] + after[0], before[1] + after[1]))
    assert (found.rated_after, found.negative_after) == (after[1], after[0])
    assert found.is_right is is_right
    assert replace(found, source=OTHER).is_right is is_right_elsewhere


def gap(service: str, **changed: Any) -> dict[str, Any]:
    found = {
        "service": service,
        "segment_by": f"group:{DECLARED}",
        "field": "refusal",
        "status": "gap",
        "is_confirmed": True,
        "window_end": "2026-11-19T12:00:00Z",
    }
    return {**found, **changed}


def test_a_confirmed_gap_in_refusals_is_what_was_planted_and_elsewhere_a_false_alarm() -> None:
    quiet = gap("help-search", status="ok", is_confirmed=False)
    assert all(one.is_right for one in judge_groups([gap("support-chat"), quiet]))
    for wrong in (
        [quiet],
        [gap("support-chat", is_confirmed=False), quiet],
        [gap("support-chat", field="length"), quiet],
        [gap("support-chat", segment_by="group:gender"), quiet],
        [gap("support-chat")],
        [gap("support-chat"), gap("help-search")],
    ):
        assert not all(one.is_right for one in judge_groups(wrong))


def test_loops_must_show_and_no_step_may_be_missing() -> None:
    before, last = (
        Steps(runs=40, tool_calls=40, failed_tool_calls=3),
        Steps(runs=12, tool_calls=33, failed_tool_calls=24),
    )
    sent = Steps(runs=52, tool_calls=73, failed_tool_calls=27)
    assert AgentVerdict(before=before, last=last, sent=sent).is_right
    assert not AgentVerdict(before=before, last=last, sent=replace(sent, tool_calls=74)).is_right
    calm = Steps(runs=33, tool_calls=33, failed_tool_calls=24)
    assert not AgentVerdict(before=before, last=calm, sent=replace(sent, runs=73)).is_right


@pytest.mark.parametrize(
    ("n_labelled", "precision", "is_right"), [(36, 0.95, True), (35, 0.95, False), (36, 0.4, False), (36, None, False)]
)
def test_every_label_must_count_and_agree(n_labelled: int, precision: float | None, is_right: bool) -> None:
    assert (
        Review(n_labels=36, agreement={"n_labelled": n_labelled, "precision": {"value": precision}}).is_right
        is is_right
    )
