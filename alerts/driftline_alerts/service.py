"""The alerting service: evaluates every group at aligned times, writes what changed, then tells the receivers."""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from driftline_alerts.builtin import (
    GROUP,
    FailingRule,
    evaluation_failing_rule,
    no_data_rule,
    observe_failing,
    observe_gaps,
    observe_watchdog,
    watchdog_rule,
)
from driftline_alerts.courier import CourierStats
from driftline_alerts.delivery import Delivery, build_delivery
from driftline_alerts.enrich import finding_annotations, links, page_url
from driftline_alerts.evaluator import Evaluator, RuleRun, align
from driftline_alerts.group_run import GroupRun
from driftline_alerts.notification import Notification
from driftline_alerts.payloads import alerts_data, rules_data
from driftline_alerts.query import QuerySource
from driftline_alerts.recorded_store import RecordedStore
from driftline_alerts.recording import Recorder, RecordRun
from driftline_alerts.retraining import Retraining, prepare
from driftline_alerts.rules import AlertRule, load_rules
from driftline_alerts.settings import AlertSettings
from driftline_alerts.state import StateStore
from driftline_alerts.transition import AlertState, Answer, Observed, evaluate
from driftline_core.clock import Clock, utc_now
from driftline_core.datasets import DatasetFolder
from driftline_core.errors import StoreError
from driftline_core.log import get_logger
from driftline_core.service import Health, PeriodicService
from driftline_core.settings import DatasetSettings
from driftline_core.store import Store

_LOG = get_logger("alerts")
_LEAST_VALIDITY: Final = timedelta(minutes=4)
_OFFER_EVERY: Final = timedelta(seconds=15)
# A direct receiver that was away when an alert ended still hears of it for this long.
_RESOLVED_KEPT: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStats:
    """Counts since the start, and how things stand. last_evaluation is wall-clock time, None before the first."""

    rules: int
    rules_failing: int
    pending: int
    firing: int
    evaluations: int
    evaluation_failures: int
    state_write_failures: int
    enrichment_failures: int
    last_evaluation: datetime | None
    receivers: tuple[CourierStats, ...]


class AlertEvaluator:
    """Evaluates rule files over a query source and delivers alerts; a `Service`.

    State is in the store, so a restart goes on where it stopped. Raises RuleError when a rule file cannot be used.
    """

    def __init__(
        self,
        settings: AlertSettings,
        store: Store,
        query: QuerySource,
        clock: Clock = utc_now,
        *,
        datasets: DatasetSettings | None = None,
    ) -> None:
        self.name = "alerts"
        self._settings = settings
        self._store = store
        self._clock = clock
        interval, offset = timedelta(seconds=settings.interval_s), timedelta(seconds=settings.query_offset_s)
        self._groups = tuple(
            GroupRun.of(group, interval=interval, offset=offset)
            for group in load_rules(settings.rule_paths, project=settings.project)
        )
        self._failing = self._builtin_run(evaluation_failing_rule(settings.project))
        self._no_data = self._builtin_run(no_data_rule(settings.project))
        self._watchdog = self._builtin_run(watchdog_rule(settings.project))
        # Shipped as the rules are. Only an Alertmanager can route it to what waits for its absence.
        watchdog = (self._watchdog,) if settings.alertmanager_urls and not settings.rule_paths else ()
        self._builtin = GroupRun(
            name=GROUP,
            file="",
            interval_s=settings.interval_s,
            limit=0,
            rules=(self._failing, self._no_data, *watchdog),
        )
        forget_after = timedelta(seconds=settings.forget_no_data_after_s)
        self._evaluator = Evaluator(query, external_url=settings.external_url, forget_after=forget_after)
        self._recorded = RecordedStore(store, project=settings.project)
        self._recorder = Recorder(query, self._recorded, [run for group in self._groups for run in group.recording])
        self._states = StateStore(store, project=settings.project)
        self._datasets = DatasetFolder(datasets or DatasetSettings(), clock)
        self._delivery: Delivery = build_delivery(settings, store, clock)
        smallest_s = min((group.interval_s for group in self._groups), default=settings.interval_s)
        self._loop = PeriodicService(name="alerts", interval_s=min(1.0, smallest_s / 4), tick=self._tick)
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._is_loaded = False
        self._is_running = False
        self._aligned: dict[str, datetime] = {}
        self._orphans: list[AlertState] = []
        self._unsaved: dict[tuple[str, str, datetime], AlertState] = {}
        self._findings: dict[tuple[str, str, datetime], Mapping[str, str]] = {}
        self._retrainings: dict[tuple[str, str, datetime], Retraining] = {}
        self._started_at: datetime | None = None
        self._last_evaluation: datetime | None = None
        self._last_offer: datetime | None = None
        self._write_failures = 0
        self._enrichment_failures = 0

    def start(self) -> None:
        """Read the stored state, then evaluate and deliver in the background. Raises StoreError."""
        with self._lock:
            now = self._clock()
            self._load(now)
            self._started_at = now
            self._is_running = True
        self._stopping.clear()
        self._delivery.start()
        self._loop.start()

    def stop(self, *, deadline_s: float) -> None:
        """End the loop, then deliver what waits; half of deadline_s each."""
        self._stopping.set()
        self._loop.stop(deadline_s=deadline_s / 2)
        self._delivery.stop(deadline_s=deadline_s / 2)
        self._is_running = False

    def health(self) -> Health:
        """Not ok when nothing was evaluated for three intervals, or when no rule at all can be."""
        if not self._is_running:
            return Health(is_ok=False, detail="not running")
        loop = self._loop.health()
        if not loop.is_ok:
            return loop
        smallest_s = min((group.interval_s for group in self._groups), default=self._settings.interval_s)
        since = self._last_evaluation or self._started_at or self._clock()
        age_s = (self._clock() - since).total_seconds()
        if age_s > 3 * smallest_s + self._settings.query_timeout_s:
            return Health(
                is_ok=False, detail=f"last evaluation was {age_s:.0f} s ago, expected every {smallest_s:.0f} s"
            )
        runs = [run for group in self._groups for run in group.rules]
        failing = [run for run in runs if run.error is not None]
        if failing:
            detail = f"{len(failing)} of {len(runs)} rules cannot be evaluated: {failing[0].error}"
            return Health(is_ok=len(failing) < len(runs), detail=detail)
        return Health(is_ok=True)

    def evaluate_once(self, now: datetime | None = None, *, deliver_within_s: float = 10.0) -> AlertStats:
        """Evaluate every group once as of now (default: the clock's) and deliver before returning. For tests and the demo.

        Waits for receivers at most deliver_within_s seconds; what is not taken by then stays queued.
        """
        with self._lock:
            now = now if now is not None else self._clock()
            self._load(now)
            self._evaluate(now, self._groups)
        self._delivery.drain(deadline_s=deliver_within_s)
        return self.stats()

    def rules_payload(self) -> dict[str, Any]:
        """`data` of Prometheus' /api/v1/rules."""
        return rules_data((*self._groups, self._builtin), self._extras)

    def alerts_payload(self) -> dict[str, Any]:
        """`data` of Prometheus' /api/v1/alerts."""
        return alerts_data((*self._groups, self._builtin), self._extras)

    def stats(self) -> AlertStats:
        """How things stand."""
        states = [state for run in self._all_runs() for state in run.states.values()]
        runs = [run for group in self._groups for run in group.rules]
        return AlertStats(
            rules=len(runs),
            rules_failing=sum(run.error is not None for run in runs),
            pending=sum(state.phase == "pending" for state in states),
            firing=sum(state.phase == "firing" for state in states),
            evaluations=self._evaluator.n_evaluations + self._recorder.n_evaluations,
            evaluation_failures=self._evaluator.n_failures + self._recorder.n_failures,
            state_write_failures=self._write_failures,
            enrichment_failures=self._enrichment_failures,
            last_evaluation=self._last_evaluation,
            receivers=self._delivery.stats(),
        )

    def _tick(self) -> None:
        with self._lock:
            now = self._clock()
            due = tuple(
                g for g in self._groups if align(now, timedelta(seconds=g.interval_s)) != self._aligned.get(g.name)
            )
            if due:
                self._evaluate(now, due)
            elif self._last_offer is None or now - self._last_offer >= _OFFER_EVERY:
                self._offer()

    def _evaluate(self, now: datetime, groups: tuple[GroupRun, ...]) -> None:
        changed: list[AlertState] = []
        for group in groups:
            at = align(now, timedelta(seconds=group.interval_s))
            for run in group.rules:
                if self._stopping.is_set():  # many rules over a slow store must not hold the process up
                    self._save(changed)
                    return
                if isinstance(run, RecordRun):
                    self._recorder.step(run, at)
                else:
                    changed += self._evaluator.step(run, at, cause=self._recorder.cause(run.rule))
            self._aligned[group.name] = at
        changed += self._evaluate_builtin(align(now, timedelta(seconds=self._settings.interval_s)))
        self._last_evaluation = self._clock()
        self._save(changed)
        self._forget_resolved(now)
        self._offer()

    def _evaluate_builtin(self, now: datetime) -> list[AlertState]:
        runs = [run for group in self._groups for run in group.rules]
        failing = [FailingRule(rule=run.rule, error=run.error) for run in runs if run.error is not None]
        held = [(run.rule, state) for run in self._runs() for state in run.states.values()]
        observed = {
            self._failing.rule.uid: observe_failing(self._failing.rule, failing),
            self._no_data.rule.uid: observe_gaps(self._no_data.rule, held, now),
            self._watchdog.rule.uid: observe_watchdog(
                self._watchdog.rule, is_alive=not runs or len(failing) < len(runs)
            ),
        }
        return [
            state for run in self._builtin.alerting for state in self._step_builtin(run, observed[run.rule.uid], now)
        ]

    def _step_builtin(self, run: RuleRun, observed: tuple[Observed, ...], now: datetime) -> list[AlertState]:
        before = run.states
        evaluation = evaluate(run.rule, Answer(over=observed), before, now)
        run.states = {
            key: state for key, state in evaluation.states.items() if state.is_active or state.firing_at is not None
        }
        run.evaluated_at = now
        return [state for key, state in evaluation.states.items() if state is not before.get(key)]

    def _save(self, states: list[AlertState]) -> None:
        for state in states:
            self._unsaved[(state.rule_uid, state.fingerprint, state.active_at)] = state
        try:
            self._states.save(self._unsaved.values())
        except StoreError as error:  # a page that cannot be noted is still sent
            self._write_failures += 1
            _LOG.error("alert state not written", alerts=len(self._unsaved), error=str(error))
        else:
            self._unsaved.clear()

    def _offer(self) -> None:
        now = self._clock()
        self._last_offer = now
        notifications = [
            self._notification(run, state, now)
            for run in self._all_runs()
            for state in run.states.values()
            if state.firing_at is not None
        ]
        notifications += [self._notification(None, state, now) for state in self._orphans]
        self._delivery.offer(notifications)

    def _notification(self, run: RuleRun | None, state: AlertState, now: datetime) -> Notification:
        interval, offset = (run.interval, run.offset) if run is not None else (timedelta(0), timedelta(0))
        starts_at = state.firing_at or state.active_at
        annotations = dict(state.annotations)
        retraining = self._retraining(run, state) if run is not None else None
        if run is not None:
            annotations |= self._extras(run, state)
        if state.reason == "no data":
            annotations["resolved_because"] = "no data: its condition could not be seen any more, it may still hold"
        elif state.reason not in ("", "recovered"):
            annotations["resolved_because"] = state.reason
        ends_at = now + max(4 * interval, _LEAST_VALIDITY)
        if state.resolved_at is not None:
            ends_at = max(starts_at, min(now, state.resolved_at + offset))
        return Notification(
            key=f"{state.rule_uid}:{state.fingerprint}",
            labels=state.labels,
            annotations=annotations,
            active_at=state.active_at,
            starts_at=starts_at,
            ends_at=ends_at,
            is_resolved=not state.is_active,
            generator_url=page_url(self._settings, state.labels),
            detail=retraining.detail if retraining is not None else None,
        )

    def _extras(self, run: RuleRun, state: AlertState) -> dict[str, str]:
        """Links, and the finding behind a firing alert; looked up once an episode."""
        extras = links(self._settings, state.labels, state.annotations)
        retraining = self._retrainings.get((state.rule_uid, state.fingerprint, state.active_at))
        if retraining is not None:
            extras |= retraining.annotations
        if state.firing_at is None or run.rule.policy.examples is None:
            return extras
        key = (state.rule_uid, state.fingerprint, state.active_at)
        known = self._findings.get(key, {})
        if not known and state.is_active:
            try:
                known = finding_annotations(
                    self._store, self._settings, run.rule, state.labels, state.last_eval + run.offset
                )
            except StoreError as error:
                self._enrichment_failures += 1
                _LOG.warning("examples not read", alert=run.rule.alert, error=str(error))
            self._findings[key] = known
        return {**extras, **known}

    def _retraining(self, run: RuleRun, state: AlertState) -> Retraining | None:
        """The data set of a firing alert whose rule asks for one; tried once an episode, before anybody is told."""
        if run.rule.policy.export is None or state.firing_at is None:
            return None
        key = (state.rule_uid, state.fingerprint, state.active_at)
        if key not in self._retrainings and state.is_active:
            until = state.firing_at + run.offset
            made = prepare(self._store, self._datasets, self._settings, rule=run.rule, state=state, until=until)
            self._retrainings[key] = made
            self._enrichment_failures += made.is_failed
        return self._retrainings.get(key)

    def _forget_resolved(self, now: datetime) -> None:
        for run in self._all_runs():
            since = now - run.offset - _RESOLVED_KEPT
            kept = {k: s for k, s in run.states.items() if s.resolved_at is None or s.resolved_at > since}
            if len(kept) < len(run.states):
                run.states = kept
        self._orphans = [s for s in self._orphans if s.resolved_at is None or now - s.resolved_at < _RESOLVED_KEPT]
        live = {(s.rule_uid, s.fingerprint, s.active_at) for run in self._all_runs() for s in run.states.values()}
        self._findings = {key: known for key, known in self._findings.items() if key in live}
        self._retrainings = {key: made for key, made in self._retrainings.items() if key in live}

    def _load(self, now: datetime) -> None:
        if self._is_loaded:
            return
        stored: defaultdict[str, list[AlertState]] = defaultdict(list)
        live = self._recorded.live(now) if any(group.recording for group in self._groups) else {}
        for group in self._groups:
            for record_run in group.recording:
                record_run.series = live.get(record_run.rule.uid, frozenset())
        longest_offset = max((run.offset for run in self._all_runs()), default=timedelta(0))
        for state in self._states.load(resolved_since=now - longest_offset - _RESOLVED_KEPT):
            stored[state.rule_uid].append(state)
        before = [(run, state) for run in self._all_runs() for state in stored.get(run.rule.uid, ())]
        self._delivery.owe([self._notification(*each, now) for each in before if each[1].phase == "firing"])
        self._record_again(stored, now)
        for run in self._all_runs():
            states = stored.pop(run.rule.uid, [])
            if run in self._builtin.rules:
                run.states = {state.fingerprint: state for state in states}
            elif states:
                self._evaluator.resume(run, states, align(now, run.interval))
        for state in (state for states in stored.values() for state in states):
            self._orphan(state, now)
        self._save([state for state in self._orphans if state.resolved_at == now])
        self._is_loaded = True

    def _record_again(self, stored: Mapping[str, list[AlertState]], now: datetime) -> None:
        """Evaluate recording rules at the past times at which alerts of their group are about to be."""
        for group in self._groups:
            times: set[datetime] = set()
            for run in group.alerting:
                states = stored.get(run.rule.uid, ())
                times.update(self._evaluator.times_to_rebuild(run, states, align(now, run.interval)))
            self._recorder.catch_up(group.recording, times)

    def _orphan(self, state: AlertState, now: datetime) -> None:
        if state.phase == "firing":
            _LOG.warning("alert resolved because its rule is gone", labels=dict(state.labels))
            state = replace(state, phase="resolved", resolved_at=now, last_eval=now, reason="its rule was removed")
        if state.phase == "resolved":
            self._orphans.append(state)

    def _builtin_run(self, rule: AlertRule) -> RuleRun:
        return RuleRun(rule=rule, interval=timedelta(seconds=self._settings.interval_s), offset=timedelta(0))

    def _runs(self) -> Iterator[RuleRun]:
        return (run for group in self._groups for run in group.alerting)

    def _all_runs(self) -> Iterator[RuleRun]:
        yield from self._runs()
        yield from self._builtin.alerting
