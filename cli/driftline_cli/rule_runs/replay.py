"""Runs rules over the past with the evaluator's own transition code: when each would have fired, and how often it would have flapped."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from driftline_alerts.evaluator import Evaluator, RuleRun, align
from driftline_alerts.group_run import GroupRun
from driftline_alerts.labels import Labels
from driftline_alerts.recording import Recorder, RecordRun
from driftline_alerts.rules import RuleGroup
from driftline_api.promql.engine import PromqlEngine
from driftline_api.promql.selectors import SeriesSource
from driftline_cli.rule_runs.event_time import at_event_time
from driftline_cli.rule_runs.memory_source import MemorySource
from driftline_cli.rule_runs.step_cache import StepCache

FLAP_WITHIN: Final = timedelta(hours=1)
_WARM_UP: Final = timedelta(hours=1)

Advance = Callable[[int, int], None]
"""(evaluations done, of how many)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One time that an alert would have fired. end None: it still did at the end of the range."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertReplay:
    """What one alert would have done from start to end."""

    group: str
    alert: str
    labels: Labels
    episodes: tuple[Episode, ...]
    end: datetime

    @property
    def durations(self) -> list[timedelta]:
        """How long each episode lasted within the range."""
        return [(each.end or self.end) - each.start for each in self.episodes]

    @property
    def total(self) -> timedelta:
        """Time that it would have fired."""
        return sum(self.durations, timedelta(0))

    @property
    def longest(self) -> timedelta:
        """Its longest episode."""
        return max(self.durations)

    @property
    def flaps(self) -> int:
        """How often it would have fired again within an hour after it had resolved."""
        pairs = zip(self.episodes, self.episodes[1:], strict=False)
        return sum(first.end is not None and then.start - first.end <= FLAP_WITHIN for first, then in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRule:
    """A rule that could not be evaluated n_times; error: the last one."""

    group: str
    name: str
    n_times: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """alerts: those that fired, in the files' order. quiet: rules that never did."""

    start: datetime
    end: datetime
    evaluations: int
    alerts: tuple[AlertReplay, ...]
    quiet: tuple[str, ...]
    failed: tuple[FailedRule, ...]


@dataclass(slots=True, kw_only=True)
class _Diary:
    """The episodes of one rule's alerts while it runs."""

    labels: dict[str, Labels] = field(default_factory=dict)
    begun: dict[str, datetime] = field(default_factory=dict)
    ended: defaultdict[str, list[Episode]] = field(default_factory=lambda: defaultdict(list))

    def note(self, run: RuleRun) -> None:
        for key, state in run.states.items():
            if state.phase == "firing" and state.firing_at is not None:
                self.labels.setdefault(key, state.labels)
                self.begun.setdefault(key, state.firing_at)
            elif state.phase == "resolved" and key in self.begun:
                self.ended[key].append(Episode(start=self.begun.pop(key), end=state.resolved_at))

    def episodes(self, key: str, start: datetime) -> tuple[Episode, ...]:
        """Those that reach into the range, cut at its start."""
        every = [*self.ended[key], *([Episode(start=self.begun[key], end=None)] if key in self.begun else [])]
        return tuple(
            Episode(start=max(each.start, start), end=each.end)
            for each in every
            if each.end is None or each.end > start
        )


def replay(
    groups: Sequence[RuleGroup],
    source: SeriesSource,
    *,
    start: datetime,
    end: datetime,
    interval: timedelta,
    advance: Advance = lambda done, total: None,
) -> Replay:
    """Every rule at its aligned times from start to end, in event time. interval: of groups that name none.

    Recording rules are run before the alerting ones and read from memory, whatever the store holds under their names. Rules are
    run from an hour (or `for` and `keep_firing_for`, if longer) before start, so that what was pending or firing then is known.
    """
    memory = MemorySource(source)
    engine = PromqlEngine(memory)
    runs = [GroupRun.of(at_event_time(group), interval=interval, offset=timedelta(0)) for group in groups]
    longest = max((r.rule.hold_for + r.rule.keep_firing_for for g in runs for r in g.alerting), default=timedelta(0))
    begin = start - max(_WARM_UP, longest)
    recording = [run for group in runs for run in group.recording]
    alerting = [run for group in runs for run in group.alerting]
    every: list[RecordRun | RuleRun] = [*recording, *alerting]
    total = sum((end - begin) // run.interval + 1 for run in every)
    failures: dict[str, FailedRule] = {}
    diaries = {run.rule.uid: _Diary() for run in alerting}
    done = 0
    for run in every:
        first = align(begin, run.interval)
        steps = StepCache(engine, start=first, step=run.interval)
        recorder, evaluator = Recorder(steps, memory, [run] if isinstance(run, RecordRun) else []), Evaluator(steps)
        at = first
        while at <= end:
            if isinstance(run, RecordRun):
                recorder.step(run, at)
            else:
                evaluator.step(run, at)
                diaries[run.rule.uid].note(run)
            if run.error is not None:
                _count(failures, run)
            at += run.interval
            done += 1
            if done % 500 == 0:
                advance(done, total)
    advance(total, total)
    fired = [alert for run in alerting for alert in _alerts(run, diaries[run.rule.uid], start, end)]
    names = {alert.alert for alert in fired}
    return Replay(
        start=start,
        end=end,
        evaluations=done,
        alerts=tuple(fired),
        quiet=tuple(dict.fromkeys(run.rule.alert for run in alerting if run.rule.alert not in names)),
        failed=tuple(failures.values()),
    )


def _alerts(run: RuleRun, diary: _Diary, start: datetime, end: datetime) -> list[AlertReplay]:
    return [
        AlertReplay(group=run.rule.group, alert=run.rule.alert, labels=labels, episodes=episodes, end=end)
        for key, labels in diary.labels.items()
        if (episodes := diary.episodes(key, start))
    ]


def _count(failures: dict[str, FailedRule], run: RuleRun | RecordRun) -> None:
    name = run.rule.record if isinstance(run, RecordRun) else run.rule.alert
    before = failures.get(run.rule.uid)
    failures[run.rule.uid] = FailedRule(
        group=run.rule.group, name=name, n_times=1 if before is None else before.n_times + 1, error=run.error or ""
    )
