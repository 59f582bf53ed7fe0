"""Every way an alert can go, and that a failed query leads nowhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline_alerts.rules import AlertRule, NoDataPolicy, RulePolicy
from driftline_alerts.transition import AlertState, Answer, Evaluation, Observed, evaluate
from driftline_core.errors import QueryError

START: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
LABELS: Final = {"alertname": "TooHigh", "service": "chat"}
OVER: Final = Answer(over=(Observed(fingerprint="a", labels=LABELS, annotations={}, value=5.0),))
UNDER: Final = Answer(over=(), present=frozenset({"a"}))
GONE: Final = Answer(over=(), present=frozenset())
UNASKED: Final = Answer(over=(), present=None)
FAILED: Final = QueryError("connection refused")


def rule(
    *,
    hold: int = 0,
    keep: int = 0,
    no_data: NoDataPolicy = "hold",
    no_data_for: int = 60,
    min_samples: float | None = None,
) -> AlertRule:
    return AlertRule(
        uid="uid",
        group="test",
        alert="TooHigh",
        expr="x > 3",
        hold_for=timedelta(minutes=hold),
        keep_firing_for=timedelta(minutes=keep),
        policy=RulePolicy(no_data=no_data, no_data_for=timedelta(minutes=no_data_for), min_samples=min_samples),
    )


def walk(
    subject: AlertRule, results: Sequence[Answer | QueryError], *, step: timedelta = timedelta(minutes=1)
) -> list[Evaluation]:
    """One evaluation a step, each from the last one's states."""
    states: Mapping[str, AlertState] = {}
    evaluations = []
    for number, result in enumerate(results):
        evaluation = evaluate(subject, result, states, START + number * step)
        states = evaluation.states
        evaluations.append(evaluation)
    return evaluations


def phases(subject: AlertRule, results: Sequence[Answer | QueryError]) -> list[str]:
    found: list[str] = []
    for evaluation in walk(subject, results):
        state = evaluation.states.get("a")
        found.append("inactive" if state is None else state.phase)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    name: str
    subject: AlertRule
    results: list[Answer | QueryError]
    expected: list[str]


P, F, R, N = "pending", "firing", "resolved", "inactive"

CASES: Final = [
    Case(name="without for it fires at once", subject=rule(), results=[OVER], expected=[F]),
    Case(name="nothing is nothing", subject=rule(), results=[GONE, UNDER, FAILED], expected=[N, N, N]),
    Case(name="for runs before it fires", subject=rule(hold=2), results=[OVER] * 4, expected=[P, P, F, F]),
    Case(name="a dip ends pending", subject=rule(hold=2), results=[OVER, UNDER, OVER, OVER], expected=[P, R, P, P]),
    Case(name="recovery resolves", subject=rule(), results=[OVER, UNDER], expected=[F, R]),
    Case(name="it can fire again", subject=rule(), results=[OVER, UNDER, OVER], expected=[F, R, F]),
    Case(name="errors hold firing", subject=rule(), results=[OVER, FAILED, FAILED], expected=[F, F, F]),
    Case(
        name="errors leave the timer of pending running",
        subject=rule(hold=3),
        results=[OVER, FAILED, FAILED, OVER],
        expected=[P, P, P, F],
    ),
    Case(name="gone data hold firing", subject=rule(), results=[OVER, GONE, GONE], expected=[F, F, F]),
    Case(name="gone data then low data is a recovery", subject=rule(), results=[OVER, GONE, UNDER], expected=[F, F, R]),
    Case(
        name="an expression that is its own claim recovers when empty",
        subject=rule(),
        results=[OVER, UNASKED],
        expected=[F, R],
    ),
    Case(
        name="policy resolve waits no_data_for",
        subject=rule(no_data="resolve", no_data_for=2),
        results=[OVER, GONE, GONE, GONE],
        expected=[F, F, F, R],
    ),
    Case(name="policy ok resolves", subject=rule(no_data="ok"), results=[OVER, GONE], expected=[F, R]),
    Case(
        name="policy alert holds", subject=rule(no_data="alert", no_data_for=0), results=[OVER, GONE], expected=[F, F]
    ),
    Case(
        name="keep_firing_for delays the end",
        subject=rule(keep=2),
        results=[OVER, UNDER, UNDER, UNDER],
        expected=[F, F, F, R],
    ),
    Case(
        name="keep_firing_for starts anew when it is over again",
        subject=rule(keep=2),
        results=[OVER, UNDER, OVER, UNDER, UNDER, UNDER],
        expected=[F, F, F, F, F, R],
    ),
    Case(
        name="errors inside keep_firing_for do not end it",
        subject=rule(keep=2),
        results=[OVER, UNDER, FAILED, FAILED, UNDER],
        expected=[F, F, F, F, R],
    ),
    Case(
        name="pending without data ends after no_data_for",
        subject=rule(hold=9, no_data_for=2),
        results=[OVER, GONE, GONE, GONE],
        expected=[P, P, P, R],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_alert_goes_the_way_its_rule_says(case: Case) -> None:
    assert phases(case.subject, case.results) == case.expected


def test_resolved_alert_says_since_when_and_why() -> None:
    *_, last = walk(rule(), [OVER, GONE, UNDER])
    state = last.states["a"]
    assert state.resolved_at == START + timedelta(minutes=2)
    assert state.reason == "recovered"
    assert last.changes == (state,)


def test_firing_alert_without_data_is_forgotten_after_a_day_and_says_so() -> None:
    firing = walk(rule(), [OVER, GONE])[-1].states
    held = evaluate(rule(), GONE, firing, START + timedelta(hours=24))
    assert held.states["a"].phase == "firing"
    forgotten = evaluate(rule(), GONE, held.states, START + timedelta(hours=24, minutes=1))
    assert forgotten.states["a"].phase == "resolved"
    assert forgotten.states["a"].reason == "no data"


def test_new_episode_has_a_new_start() -> None:
    first, _, third = (each.states["a"] for each in walk(rule(), [OVER, UNDER, OVER]))
    assert first.active_at == START
    assert third.active_at == START + timedelta(minutes=2)
    assert third.resolved_at is None


def test_too_few_samples_neither_start_nor_end_an_alert() -> None:
    subject = rule(min_samples=50)
    few: list[tuple[Mapping[str, str], float]] = [({"service": "chat"}, 10.0)]
    many: list[tuple[Mapping[str, str], float]] = [({"service": "chat"}, 80.0), ({"service": "other"}, 1.0)]
    results = [
        Answer(over=OVER.over, samples=few),
        Answer(over=OVER.over, samples=many),
        Answer(over=(), present=UNDER.present, samples=few),
        Answer(over=(), present=UNDER.present, samples=[]),
        Answer(over=(), present=UNDER.present, samples=many),
    ]
    assert phases(subject, results) == ["inactive", "firing", "firing", "firing", "resolved"]


RESULTS: Final = st.lists(st.sampled_from([OVER, UNDER, GONE, UNASKED, FAILED]), min_size=1, max_size=30)
POLICIES: Final = st.sampled_from(["hold", "resolve", "alert", "ok"])


@settings(max_examples=60)
@given(results=RESULTS, hold=st.integers(0, 4), keep=st.integers(0, 4), no_data=POLICIES)
def test_failed_query_never_changes_a_phase_or_a_timer(
    results: list[Answer | QueryError], hold: int, keep: int, no_data: NoDataPolicy
) -> None:
    subject = rule(hold=hold, keep=keep, no_data=no_data, no_data_for=2)
    before: Mapping[str, AlertState] = {}
    for number, result in enumerate(results):
        after = evaluate(subject, result, before, START + timedelta(minutes=number))
        if isinstance(result, QueryError):
            assert after.changes == ()
            assert {key: _timers(state) for key, state in after.states.items()} == {
                key: _timers(state) for key, state in before.items()
            }
        before = after.states


@settings(max_examples=60)
@given(results=RESULTS, hold=st.integers(0, 4), keep=st.integers(0, 4))
def test_errors_between_evaluations_change_nothing_that_follows(
    results: list[Answer | QueryError], hold: int, keep: int
) -> None:
    subject = rule(hold=hold, keep=keep)
    with_errors: Mapping[str, AlertState] = {}
    without: Mapping[str, AlertState] = {}
    for number, result in enumerate(results):
        now = START + timedelta(minutes=number)
        with_errors = evaluate(subject, result, with_errors, now).states
        if not isinstance(result, QueryError):
            without = evaluate(subject, result, without, now).states
    assert {key: _timers(state) for key, state in with_errors.items()} == {
        key: _timers(state) for key, state in without.items()
    }


@settings(max_examples=60)
@given(results=RESULTS, hold=st.integers(0, 4))
def test_firing_only_ends_in_a_recovery_or_a_long_gap(results: list[Answer | QueryError], hold: int) -> None:
    before: Mapping[str, AlertState] = {}
    for number, result in enumerate(results):
        after = evaluate(rule(hold=hold), result, before, START + timedelta(minutes=number)).states
        was_firing = "a" in before and before["a"].phase == "firing"
        if was_firing and after["a"].phase == "resolved":
            assert result in (UNDER, UNASKED)
        before = after


def _timers(state: AlertState) -> tuple[object, ...]:
    return (
        state.phase,
        state.active_at,
        state.firing_at,
        state.keep_until,
        state.gap_since,
        state.resolved_at,
        state.value,
    )


CALM: Final = Answer(over=(), present=frozenset({"a"}), calm=({"__name__": "x", "service": "chat"},))
RESTLESS: Final = Answer(over=(), present=frozenset({"a"}), calm=({"service": "search"},))
GONE_AND_RESTLESS: Final = Answer(over=(), present=frozenset(), calm=())


def test_what_fires_resolves_only_where_the_resolve_expression_holds_for_its_labels() -> None:
    steps: list[Answer | QueryError] = [OVER, RESTLESS, RESTLESS, FAILED, RESTLESS, CALM]
    assert phases(rule(), steps) == [F, F, F, F, F, R]
    assert walk(rule(), steps)[1].states["a"].held_by == "hysteresis"
    assert walk(rule(), steps)[3].states["a"].held_by == "error"


def test_hysteresis_does_not_keep_what_is_pending_and_keep_firing_for_begins_after_it() -> None:
    assert phases(rule(hold=5), [OVER, RESTLESS]) == [P, R]
    assert phases(rule(keep=2), [OVER, RESTLESS, RESTLESS, RESTLESS, CALM, CALM, CALM]) == [F, F, F, F, F, F, R]
    assert phases(rule(keep=2), [OVER, CALM, RESTLESS, CALM, CALM, CALM]) == [F, F, F, F, F, R]


def test_lost_data_go_by_the_policy_whatever_the_resolve_expression() -> None:
    assert phases(rule(no_data="resolve", no_data_for=2), [OVER, *[GONE_AND_RESTLESS] * 3]) == [F, F, F, R]
