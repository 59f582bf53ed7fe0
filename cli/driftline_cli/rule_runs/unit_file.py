"""promtool's unit test files: what series there are, and which alerts and numbers are expected of the rules when."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from driftline_alerts.durations import parse_duration
from driftline_alerts.errors import RuleError
from driftline_alerts.strict_yaml import load_strict_yaml
from driftline_cli.rule_runs.notation import parse_series, parse_values
from driftline_core.errors import ConfigError

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSeries:
    """A series of the test. values: one an interval from time 0 on, None: no sample."""

    labels: Mapping[str, str]
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedAlert:
    """An alert that must fire. labels: with alertname."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCase:
    """All alerts of one name that fire at a time."""

    alertname: str
    eval_time: timedelta
    expected: tuple[ExpectedAlert, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExprCase:
    """The result of an expression at a time: labels and value of each sample."""

    expr: str
    eval_time: timedelta
    expected: tuple[tuple[Mapping[str, str], float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTest:
    """One entry of `tests`. interval: between the values of the input series."""

    name: str
    interval: timedelta
    series: tuple[InputSeries, ...]
    alert_cases: tuple[AlertCase, ...]
    expr_cases: tuple[ExprCase, ...]
    external_url: str

    @property
    def end(self) -> timedelta:
        """The latest time at which something is expected."""
        times = [case.eval_time for case in self.alert_cases] + [case.eval_time for case in self.expr_cases]
        return max(times, default=timedelta(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFile:
    """A test file. rule_paths: the files that rule_files names. group_order: groups that are evaluated first, in order."""

    path: Path
    rule_paths: tuple[Path, ...]
    evaluation_interval: timedelta
    group_order: tuple[str, ...]
    tests: tuple[UnitTest, ...]


def load_unit_file(path: Path) -> UnitFile:
    """The file, strictly: an unknown field is an error. Raises RuleError naming the place."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"cannot read test file {path}: {error}") from error
    where = str(path)
    content = _mapping(
        load_strict_yaml(text, where=where), where, ("rule_files", "evaluation_interval", "group_eval_order", "tests")
    )
    interval = _duration(content, "evaluation_interval", where) or timedelta(minutes=1)
    return UnitFile(
        path=path,
        rule_paths=tuple(
            found for pattern in _list(content, "rule_files", where) for found in _rule_paths(path, pattern)
        ),
        evaluation_interval=interval,
        group_order=tuple(str(name) for name in _list(content, "group_eval_order", where)),
        tests=tuple(
            _test(raw, interval, f"{where}, test {number}")
            for number, raw in enumerate(_list(content, "tests", where), start=1)
        ),
    )


def _rule_paths(path: Path, pattern: Any) -> list[Path]:
    if not isinstance(pattern, str) or not pattern:
        raise RuleError(f"{path}, rule_files: expected a path, got {pattern!r}")
    base = Path(pattern).anchor
    folder = Path(base) if base else path.parent
    found = sorted(folder.glob(str(Path(pattern).relative_to(base)) if base else pattern))
    if not found:
        raise RuleError(f"{path}, rule_files: expected files that match {pattern!r}, got none in {folder}")
    return found


def _test(raw: Any, default: timedelta, where: str) -> UnitTest:
    known = (
        "name",
        "interval",
        "input_series",
        "alert_rule_test",
        "promql_expr_test",
        "external_labels",
        "external_url",
    )
    content = _mapping(raw, where, known)
    name = str(content.get("name") or "")
    where = f"{where} ({name})" if name else where
    return UnitTest(
        name=name,
        interval=_duration(content, "interval", where) or default,
        series=tuple(_series(each, f"{where}, input_series") for each in _list(content, "input_series", where)),
        alert_cases=tuple(
            _alert_case(each, f"{where}, alert_rule_test") for each in _list(content, "alert_rule_test", where)
        ),
        expr_cases=tuple(
            _expr_case(each, f"{where}, promql_expr_test") for each in _list(content, "promql_expr_test", where)
        ),
        external_url=str(content.get("external_url") or ""),
    )


def _series(raw: Any, where: str) -> InputSeries:
    content = _mapping(raw, where, ("series", "values"))
    labels = _checked(parse_series, content.get("series"), where)
    return InputSeries(labels=labels, values=tuple(_checked(parse_values, content.get("values"), where)))


def _alert_case(raw: Any, where: str) -> AlertCase:
    content = _mapping(raw, where, ("eval_time", "alertname", "exp_alerts"))
    alertname = content.get("alertname")
    if not isinstance(alertname, str) or not alertname:
        raise RuleError(f"{where}, alertname: expected a name, got {alertname!r}")
    expected = []
    for each in _list(content, "exp_alerts", where):
        alert = _mapping(each, where, ("exp_labels", "exp_annotations"))
        labels = {**_texts(alert, "exp_labels", where), "alertname": alertname}
        expected.append(ExpectedAlert(labels=labels, annotations=_texts(alert, "exp_annotations", where)))
    eval_time = _duration(content, "eval_time", where) or timedelta(0)
    return AlertCase(alertname=alertname, eval_time=eval_time, expected=tuple(expected))


def _expr_case(raw: Any, where: str) -> ExprCase:
    content = _mapping(raw, where, ("expr", "eval_time", "exp_samples"))
    expr = content.get("expr")
    if not isinstance(expr, str) or not expr:
        raise RuleError(f"{where}, expr: expected PromQL, got {expr!r}")
    expected = []
    for each in _list(content, "exp_samples", where):
        sample = _mapping(each, where, ("labels", "value"))
        expected.append(
            (_checked(parse_series, sample.get("labels"), where), _checked(_number, sample.get("value") or "0", where))
        )
    eval_time = _duration(content, "eval_time", where) or timedelta(0)
    return ExprCase(expr=expr, eval_time=eval_time, expected=tuple(expected))


def _number(text: str) -> float:
    """A number as YAML writes it, `.inf` and `.nan` among them. Raises ValueError."""
    return float(re.sub(r"\.(inf|nan)", r"\1", text, flags=re.IGNORECASE))


def _duration(content: Mapping[str, Any], name: str, where: str) -> timedelta | None:
    text = content.get(name)
    return _checked(parse_duration, text, f"{where}, {name}") if text else None


def _texts(content: Mapping[str, Any], name: str, where: str) -> dict[str, str]:
    mapping = _mapping(content.get(name), f"{where}, {name}")
    for key, text in mapping.items():
        if not isinstance(text, str):
            raise RuleError(f"{where}, {name}, {key}: expected a text, got {type(text).__name__}")
    return mapping


def _checked(parse: Callable[[str], _T], text: Any, where: str) -> _T:
    if not isinstance(text, str):
        raise RuleError(f"{where}: expected a text, got {text!r}")
    try:
        return parse(text)
    except (ConfigError, ValueError) as error:
        raise RuleError(f"{where}: {error}") from error


def _mapping(raw: Any, where: str, known: tuple[str, ...] | None = None) -> dict[str, Any]:
    if raw in (None, ""):
        return {}
    if not isinstance(raw, dict):
        raise RuleError(f"{where}: expected a mapping, got {type(raw).__name__}")
    for name in raw:
        if known is not None and name not in known:
            raise RuleError(f"{where}: expected only {', '.join(known)}, got unknown field {name!r}")
    return raw


def _list(content: Mapping[str, Any], name: str, where: str) -> list[Any]:
    raw = content.get(name)
    if raw in (None, ""):
        return []
    if not isinstance(raw, list):
        raise RuleError(f"{where}, {name}: expected a list, got {type(raw).__name__}")
    return raw
