"""A group of rules as it runs: each rule with its interval, offset and last result."""

from dataclasses import dataclass
from datetime import timedelta

from driftline_alerts.evaluator import RuleRun
from driftline_alerts.recording import RecordRun
from driftline_alerts.rules import RecordingRule, RuleGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRun:
    """A group and its rules as they run, in the file's order."""

    name: str
    file: str
    interval_s: float
    limit: int
    rules: tuple[RuleRun | RecordRun, ...]

    @classmethod
    def of(cls, group: RuleGroup, *, interval: timedelta, offset: timedelta) -> "GroupRun":
        """The group with the interval and query offset that it has where it names none of its own."""
        interval = group.interval or interval
        runs: list[RuleRun | RecordRun] = []
        for rule in group.rules:
            if isinstance(rule, RecordingRule):
                runs.append(RecordRun(rule=rule, interval=interval, offset=offset, limit=group.limit))
                continue
            own = rule.policy.query_offset
            runs.append(RuleRun(rule=rule, interval=interval, offset=offset if own is None else own, limit=group.limit))
        return cls(
            name=group.name,
            file=group.file,
            interval_s=interval.total_seconds(),
            limit=group.limit,
            rules=tuple(runs),
        )

    @property
    def alerting(self) -> tuple[RuleRun, ...]:
        """Its alerting rules."""
        return tuple(run for run in self.rules if isinstance(run, RuleRun))

    @property
    def recording(self) -> tuple[RecordRun, ...]:
        """Its recording rules."""
        return tuple(run for run in self.rules if isinstance(run, RecordRun))
