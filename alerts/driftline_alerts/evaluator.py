"""Asks a rule's queries at one time and takes its alerts one step further; keeps each rule's last result."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from driftline_alerts.observation import observe, present_fingerprints
from driftline_alerts.query import QuerySource
from driftline_alerts.rules import AlertRule
from driftline_alerts.transition import FORGET_AFTER, AlertState, Answer, evaluate
from driftline_core.errors import QueryError
from driftline_core.log import get_logger

_LOG = get_logger("alerts")
STALE_AFTER: Final = timedelta(hours=1)
_MOST_REPLAYED_STEPS: Final = 500


@dataclass(slots=True, kw_only=True)
class RuleRun:
    """A rule and how its last evaluation went. states is replaced, never changed, so other threads may read it."""

    rule: AlertRule
    interval: timedelta
    offset: timedelta
    limit: int = 0
    states: Mapping[str, AlertState] = field(default_factory=dict)
    error: str | None = None
    evaluated_at: datetime | None = None
    duration_s: float = 0.0

    @property
    def health(self) -> str:
        """'unknown' before the first evaluation, 'err' after a failed one, else 'ok'."""
        return "unknown" if self.evaluated_at is None else "err" if self.error is not None else "ok"


def align(now: datetime, interval: timedelta) -> datetime:
    """The newest multiple of interval (since 1970, UTC) that is not after now, so that replicas ask about the same times."""
    step_us = interval // timedelta(microseconds=1)
    now_us = (now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now_us // step_us * step_us)


class Evaluator:
    """Takes rules forward with the answers of a query source. Holds no clock and no store."""

    def __init__(self, query: QuerySource, *, external_url: str = "", forget_after: timedelta = FORGET_AFTER) -> None:
        self._query = query
        self._external_url = external_url
        self._forget_after = forget_after
        self.n_evaluations = 0
        self.n_failures = 0

    def step(self, run: RuleRun, at: datetime, *, cause: str | None = None) -> list[AlertState]:
        """Evaluate one rule at an aligned time, less its offset. Returns the alerts whose state is to be written.

        cause: why the rule cannot be judged whatever its query says, as when a recording rule that it reads failed.
        """
        started = time.monotonic()
        now = at - run.offset
        result: Answer | QueryError
        try:
            result = self.ask(run, now) if cause is None else QueryError(cause)
        except QueryError as error:
            result = error
        except Exception as error:  # noqa: BLE001 - a source's own defect is a failed query, and must hold what fires
            result = QueryError(f"{type(error).__name__}: {error}")
            _LOG.exception("query source failed", rule=run.rule.alert)
        before = run.states
        evaluation = evaluate(run.rule, result, before, now, forget_after=self._forget_after)
        run.states = {
            key: state for key, state in evaluation.states.items() if state.is_active or state.firing_at is not None
        }
        self.n_evaluations += 1
        if isinstance(result, QueryError):
            self.n_failures += 1
            if run.error is None:
                _LOG.warning("rule evaluation failed, its alerts are held", rule=run.rule.alert, error=str(result))
            run.error = str(result)
        else:
            run.error = None
        for state in evaluation.changes:
            _LOG.info("alert changed", alert=run.rule.alert, state=state.phase, labels=dict(state.labels))
        run.evaluated_at = now
        run.duration_s = time.monotonic() - started
        if isinstance(result, QueryError):
            return []
        return [state for key, state in evaluation.states.items() if state is not before.get(key)]

    def ask(self, run: RuleRun, now: datetime) -> Answer:
        """What the rule's queries say at now: one query, and up to three more when something is at stake. Raises QueryError."""
        rule = run.rule
        over = observe(rule, self._query.instant(rule.expr, now), limit=run.limit, external_url=self._external_url)
        active = {key for key, state in run.states.items() if state.is_active}
        present: frozenset[str] | None = None
        if rule.presence_expr is not None and active - {each.fingerprint for each in over}:
            samples = self._query.instant(rule.presence_expr, now)
            present = present_fingerprints(rule, samples, external_url=self._external_url)
        counts = None
        if rule.policy.samples_expr is not None and (over or active):
            counts = [(sample.labels, sample.value) for sample in self._query.instant(rule.policy.samples_expr, now)]
        calm = None
        if rule.policy.resolve_expr is not None and any(s.phase == "firing" for s in run.states.values()):
            calm = [sample.labels for sample in self._query.instant(rule.policy.resolve_expr, now)]
        return Answer(over=over, present=present, samples=counts, calm=calm)

    def resume(self, run: RuleRun, stored: Iterable[AlertState], at: datetime) -> None:
        """Continue from stored states. Timers go on as if nothing had happened when the newest is younger than STALE_AFTER.

        Otherwise what was pending is dropped, and the last max(for, keep_firing_for) is evaluated again, silently: the history
        is in the store, so who has been pending since when can be asked.
        """
        states = {state.fingerprint: state for state in stored}
        run.states = states
        times = self.times_to_rebuild(run, states.values(), at)
        if not times:
            return
        run.states = {key: state for key, state in states.items() if state.phase != "pending"}
        _LOG.info("alert state is old, rebuilding it", rule=run.rule.alert, steps=len(times))
        for time_of_step in times:
            self.step(run, time_of_step)
            if run.error is not None:
                _LOG.warning("alert state not rebuilt", rule=run.rule.alert, error=run.error)
                return

    def times_to_rebuild(self, run: RuleRun, stored: Iterable[AlertState], at: datetime) -> list[datetime]:
        """The aligned times before at that must be evaluated again, oldest first; none when the stored states are young."""
        newest = max((state.last_eval for state in stored if state.is_active), default=None)
        if newest is None or at - run.offset - newest <= STALE_AFTER:
            return []
        span = max(run.rule.hold_for, run.rule.keep_firing_for) + run.interval
        n_steps = min(_MOST_REPLAYED_STEPS, span // run.interval)
        return [at - number * run.interval for number in range(n_steps, 0, -1)]
