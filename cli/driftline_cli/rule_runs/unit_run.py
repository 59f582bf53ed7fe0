"""Runs a unit test file: our PromQL engine and our evaluator over the file's series, from time 0 on in steps of its interval."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from driftline_alerts.durations import format_duration
from driftline_alerts.evaluator import Evaluator, RuleRun
from driftline_alerts.group_run import GroupRun
from driftline_alerts.recording import RecordedSample, Recorder, RecordRun, SeriesKey
from driftline_alerts.rules import RuleGroup, load_rules
from driftline_api.promql.engine import EngineOptions, PromqlEngine
from driftline_cli.query_source import EngineQuerySource
from driftline_cli.rule_runs.event_time import as_prometheus_has_it, at_event_time
from driftline_cli.rule_runs.memory_source import MemorySource
from driftline_cli.rule_runs.step_cache import StepCache
from driftline_cli.rule_runs.unit_file import AlertCase, ExpectedAlert, ExprCase, UnitFile, UnitTest
from driftline_core.errors import QueryError

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What was not as expected. subject: the alert's name or the expression. differences: one line each."""

    test: str
    subject: str
    time: str
    differences: tuple[str, ...]


def run_unit_file(file: UnitFile, *, as_prometheus: bool = False) -> list[Failure]:
    """Every expectation that is not met. as_prometheus: our annotations change nothing, as in promtool. Raises RuleError."""
    plain = as_prometheus_has_it if as_prometheus else at_event_time
    groups = [plain(group) for group in load_rules(file.rule_paths)] if file.rule_paths else []
    order = {name: number for number, name in enumerate(file.group_order)}
    groups.sort(key=lambda group: order.get(group.name, len(order)))
    return [
        failure
        for number, test in enumerate(file.tests, start=1)
        for failure in _UnitRun(test, groups, file.evaluation_interval, name=test.name or f"test {number}").failures()
    ]


class _UnitRun:
    """One test: its samples, and the rules' state as it goes on."""

    def __init__(self, test: UnitTest, groups: Sequence[RuleGroup], interval: timedelta, *, name: str) -> None:
        self._test = test
        self._name = name
        self._interval = interval
        self._groups = [GroupRun.of(group, interval=interval, offset=timedelta(0)) for group in groups]
        self._source = MemorySource()
        step_ms = test.interval // timedelta(milliseconds=1)
        for series in test.series:
            times = [number * step_ms for number, value in enumerate(series.values) if value is not None]
            self._source.add(series.labels, times, [value for value in series.values if value is not None])
        options = EngineOptions(subquery_step_ms=interval // timedelta(milliseconds=1))
        engine = PromqlEngine(self._source, options)
        self._query = EngineQuerySource(engine)
        recording = [run for group in self._groups for run in group.recording]
        live = frozenset({"ALERTS", "ALERTS_FOR_STATE", *(run.rule.record for run in recording)})
        steps = StepCache(engine, start=_START, step=interval, live=live)
        self._evaluator = Evaluator(steps, external_url=test.external_url, forget_after=timedelta.max)
        self._recorder = Recorder(steps, self._source, recording)
        self._alert_series: dict[str, set[tuple[str, SeriesKey]]] = {}

    def failures(self) -> list[Failure]:
        found: list[Failure] = []
        at = timedelta(0)
        while at <= self._test.end:
            errors = self._evaluate(at)
            if errors:
                return found + errors
            for case in self._test.alert_cases:
                if at <= case.eval_time < at + self._interval:
                    found += self._check_alerts(case)
            at += self._interval
        for expression in self._test.expr_cases:
            found += self._check_expression(expression)
        return found

    def _evaluate(self, at: timedelta) -> list[Failure]:
        errors = []
        for group in self._groups:
            for run in group.rules:
                if isinstance(run, RecordRun):
                    self._recorder.step(run, _START + at)
                    name = run.rule.record
                else:
                    self._evaluator.step(run, _START + at, cause=self._recorder.cause(run.rule))
                    self._tell_of(run, _START + at)
                    name = run.rule.alert
                if run.error is not None:
                    errors.append(self._failure(name, at, [f"cannot be evaluated: {run.error}"]))
        return errors

    def _tell_of(self, run: RuleRun, at: datetime) -> None:
        """The series ALERTS and ALERTS_FOR_STATE, as rules may read them."""
        values: dict[tuple[str, SeriesKey], float] = {}
        for state in run.states.values():
            if state.is_active:
                labels = tuple(sorted(state.labels.items()))
                values["ALERTS", tuple(sorted((*labels, ("alertstate", state.phase))))] = 1.0
                values["ALERTS_FOR_STATE", labels] = state.active_at.timestamp()
        before = self._alert_series.get(run.rule.uid, set())
        self._source.write(
            [
                RecordedSample(
                    rule_uid=run.rule.uid,
                    name=key[0],
                    labels=key[1],
                    at=at,
                    value=values.get(key, 0.0),
                    is_stale=key not in values,
                )
                for key in before | set(values)
            ]
        )
        self._alert_series[run.rule.uid] = set(values)

    def _check_alerts(self, case: AlertCase) -> list[Failure]:
        got: list[ExpectedAlert] = []
        for run in (run for group in self._groups for run in group.alerting if run.rule.alert == case.alertname):
            got += [
                ExpectedAlert(labels=state.labels, annotations={**state.annotations, **run.rule.own_annotations})
                for state in run.states.values()
                if state.phase == "firing"
            ]
        lines = _alert_differences(case.expected, got)
        return [self._failure(case.alertname, case.eval_time, lines)] if lines else []

    def _check_expression(self, case: ExprCase) -> list[Failure]:
        try:
            samples = self._query.instant(case.expr, _START + case.eval_time)
        except QueryError as error:
            return [self._failure(case.expr, case.eval_time, [f"cannot be evaluated: {error}"])]
        got = [(dict(sample.labels), sample.value) for sample in samples]
        lines = _sample_differences(case.expected, got)
        return [self._failure(case.expr, case.eval_time, lines)] if lines else []

    def _failure(self, subject: str, time: timedelta, lines: Sequence[str]) -> Failure:
        return Failure(test=self._name, subject=subject, time=format_duration(time), differences=tuple(lines))


def _alert_differences(expected: Sequence[ExpectedAlert], got: Sequence[ExpectedAlert]) -> list[str]:
    lines = []
    rest = list(got)
    for wanted in expected:
        same = [alert for alert in rest if dict(alert.labels) == dict(wanted.labels)]
        if not same:
            lines.append(f"exp {_labels(wanted.labels)}, got no such alert")
            continue
        match = next((alert for alert in same if dict(alert.annotations) == dict(wanted.annotations)), same[0])
        rest.remove(match)
        for name in sorted({*wanted.annotations, *match.annotations}):
            left, right = wanted.annotations.get(name), match.annotations.get(name)
            if left != right:
                lines.append(f"{_labels(wanted.labels)} annotation {name}: exp {left!r}, got {right!r}")
    return lines + [f"exp no such alert, got {_labels(alert.labels)}" for alert in rest]


def _sample_differences(
    expected: Sequence[tuple[Mapping[str, str], float]], got: Sequence[tuple[Mapping[str, str], float]]
) -> list[str]:
    lines = []
    rest = list(got)
    for labels, value in expected:
        match = next((sample for sample in rest if dict(sample[0]) == dict(labels)), None)
        if match is None:
            lines.append(f"exp {_labels(labels)} {value!r}, got no such sample")
            continue
        rest.remove(match)
        if not _is_same(value, match[1]):
            lines.append(f"{_labels(labels)}: exp {value!r}, got {match[1]!r}")
    return lines + [f"exp no such sample, got {_labels(labels)} {value!r}" for labels, value in rest]


def _is_same(left: float, right: float) -> bool:
    return (math.isnan(left) and math.isnan(right)) or math.isclose(left, right, rel_tol=_EXACT, abs_tol=0.0)


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ", ".join(f'{name}="{text}"' for name, text in sorted(labels.items())) + "}"
