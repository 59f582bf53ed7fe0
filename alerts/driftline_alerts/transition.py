"""What an alert does next: a pure function of the rule, what the query said, the state so far and the time.

    inactive -> pending -> firing -> resolved
                   |          |
                inactive    held: the query failed, the data are gone, too few samples, it is under the threshold and not
                            yet where it resolves (hysteresis), or keep_firing_for runs

Three answers are never one. An element of the expression: over the threshold. No element, but presence: recovered.
Neither: a data gap, which the rule's policy holds. A failed query is no answer at all: everything stays as it is,
timers included, and nothing resolves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from driftline_alerts.labels import Labels
from driftline_alerts.rules import AlertRule
from driftline_core.errors import QueryError

Phase = Literal["pending", "firing", "resolved"]
Hold = Literal["", "error", "no data", "few samples", "hysteresis", "keep_firing_for"]

FORGET_AFTER: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One element of a rule's expression, with the labels and annotations that its alert has."""

    fingerprint: str
    labels: Labels
    annotations: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a rule's queries said at one time.

    present: fingerprints that have data, over the threshold or not; None when an element is itself the claim, so that its
    absence is recovery. samples: labels and number of samples, None when the rule asks for no minimum. calm: labels of where what
    fires may resolve, None when the rule says nothing of it.
    """

    over: Sequence[Observed]
    present: frozenset[str] | None = None
    samples: Sequence[tuple[Labels, float]] | None = None
    calm: Sequence[Labels] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """One alert of one rule. resolved with firing_at None is a pending one that ended. Times are evaluation times, UTC.

    keep_until: end of keep_firing_for once the condition ended. gap_since: when the data went. reason: why it resolved.
    """

    rule_uid: str
    fingerprint: str
    labels: Labels
    annotations: Mapping[str, str]
    value: float
    phase: Phase
    active_at: datetime
    last_eval: datetime
    firing_at: datetime | None = None
    keep_until: datetime | None = None
    gap_since: datetime | None = None
    resolved_at: datetime | None = None
    held_by: Hold = ""
    reason: str = ""

    @property
    def is_active(self) -> bool:
        """True while pending or firing."""
        return self.phase != "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Every alert of a rule after an evaluation, and those that changed phase in it."""

    states: Mapping[str, AlertState]
    changes: tuple[AlertState, ...]


def evaluate(
    rule: AlertRule,
    result: Answer | QueryError,
    states: Mapping[str, AlertState],
    now: datetime,
    *,
    forget_after: timedelta = FORGET_AFTER,
) -> Evaluation:
    """One step of one rule. states: by fingerprint; kept resolved ones pass through unchanged.

    forget_after: a firing alert whose data stay away this long is resolved after all, with the reason 'no data'.
    """
    if isinstance(result, QueryError):
        held = {key: replace(state, held_by="error") if state.is_active else state for key, state in states.items()}
        return Evaluation(states=held, changes=())
    after: dict[str, AlertState] = {}
    over = {observed.fingerprint: observed for observed in result.over}
    for key, observed in over.items():
        before = states.get(key)
        if _is_judged(rule, observed.labels, result):
            after[key] = _over(rule, observed, before, now)
        elif before is not None:
            after[key] = _few(before, now)
    for key, before in states.items():
        if key in over:
            continue
        if not before.is_active:
            after[key] = before
        elif not _is_judged(rule, before.labels, result):
            after[key] = _few(before, now)
        elif result.present is None or key in result.present:
            after[key] = _recovered(rule, before, now) if _may_resolve(before, result) else _restless(before, now)
        else:
            after[key] = _gap(rule, before, now, forget_after)
    return Evaluation(
        states=after, changes=tuple(state for key, state in after.items() if _changed(states.get(key), state))
    )


def _over(rule: AlertRule, observed: Observed, before: AlertState | None, now: datetime) -> AlertState:
    if before is None or not before.is_active:
        before = AlertState(
            rule_uid=rule.uid,
            fingerprint=observed.fingerprint,
            labels=observed.labels,
            annotations=observed.annotations,
            value=observed.value,
            phase="pending",
            active_at=now,
            last_eval=now,
        )
    fires = before.phase == "firing" or now - before.active_at >= rule.hold_for
    return replace(
        before,
        annotations=observed.annotations,
        value=observed.value,
        phase="firing" if fires else "pending",
        firing_at=(before.firing_at or now) if fires else None,
        keep_until=None,
        gap_since=None,
        held_by="",
        last_eval=now,
    )


def _recovered(rule: AlertRule, before: AlertState, now: datetime) -> AlertState:
    if before.phase == "firing" and rule.keep_firing_for:
        keep_until = before.keep_until or now + rule.keep_firing_for
        if now < keep_until:
            return replace(before, keep_until=keep_until, gap_since=None, held_by="keep_firing_for", last_eval=now)
    return _resolved(before, now, reason="recovered")


def _gap(rule: AlertRule, before: AlertState, now: datetime, forget_after: timedelta) -> AlertState:
    since = before.gap_since or now
    policy = rule.policy
    if policy.no_data == "ok":
        return _resolved(before, now, reason="recovered")
    holds_briefly = policy.no_data == "resolve" or (before.phase == "pending" and policy.no_data == "hold")
    if now - since >= (policy.no_data_for if holds_briefly else forget_after):
        return _resolved(before, now, reason="no data")
    return replace(before, gap_since=since, held_by="no data", last_eval=now)


def _few(before: AlertState, now: datetime) -> AlertState:
    return replace(before, held_by="few samples", gap_since=None, last_eval=now) if before.is_active else before


def _restless(before: AlertState, now: datetime) -> AlertState:
    return replace(before, held_by="hysteresis", keep_until=None, gap_since=None, last_eval=now)


def _may_resolve(before: AlertState, result: Answer) -> bool:
    if before.phase != "firing" or result.calm is None:
        return True
    return any(_agrees(series, before.labels) for series in result.calm)


def _agrees(series: Labels, labels: Labels) -> bool:
    return all(labels.get(name, text) == text for name, text in series.items() if name != "__name__")


def _resolved(before: AlertState, now: datetime, *, reason: str) -> AlertState:
    return replace(before, phase="resolved", resolved_at=now, held_by="", reason=reason, last_eval=now)


def _is_judged(rule: AlertRule, labels: Labels, result: Answer) -> bool:
    if rule.policy.min_samples is None or result.samples is None:
        return True
    counts = [count for series, count in result.samples if _agrees(series, labels)]
    return max(counts, default=0.0) >= rule.policy.min_samples


def _changed(before: AlertState | None, after: AlertState) -> bool:
    if before is None:
        return True
    return before.phase != after.phase or before.active_at != after.active_at
