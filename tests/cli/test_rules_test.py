"""`driftline rules test` and promtool agree: on the shipped test files, on what is wrong, and on the format's corners."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from driftline_alerts.errors import RuleError
from driftline_cli.rule_runs.notation import parse_series, parse_values
from driftline_cli.rule_runs.unit_file import load_unit_file
from driftline_cli.rule_runs.unit_run import Failure, run_unit_file
from driftline_cli.rules_test import run_test
from driftline_core.errors import ConfigError

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "tests" / "alerts").glob("rules_*test.yaml"))

RULES = """
groups:
  - name: g
    rules:
      - {record: 'service:x:sum', expr: sum by (service) (x), labels: {level: svc}}
      - alert: High
        expr: service:x:sum > 3
        for: 2m
        keep_firing_for: 2m
        labels: {severity: page}
        annotations: {summary: '{{ $labels.service }} at {{ $value }} {{ $externalURL }}', driftline_no_data: hold}
      - {alert: Meta, expr: 'count by (severity) (ALERTS{alertname="High",alertstate="firing"}) > 0'}
      - {alert: Old, expr: 'time() - ALERTS_FOR_STATE{alertname="High"} >= 240'}
"""
TEST = """
rule_files: [rules.yaml]
evaluation_interval: 1m
tests:
  - name: corners
    interval: 1m
    external_url: http://d
    input_series:
      - {series: 'x{service="a",pod="1"}', values: '1 2+1x5 _ _x2 4x1 stale 1e1-2.5x4 -1'}
      - {series: 'x{service="a",pod="2"}', values: '0x20'}
      - {series: 'x{service="b"}', values: '5x20'}
    alert_rule_test:
      - {eval_time: 1m30s, alertname: High}
      - eval_time: 2m
        alertname: High
        exp_alerts:
          - {exp_labels: {severity: page, service: b, level: svc}, exp_annotations: {summary: 'b at 5 http://d', driftline_no_data: hold}}
      - eval_time: 6m
        alertname: High
        exp_alerts: &both
          - {exp_labels: {severity: page, service: b, level: svc}, exp_annotations: {summary: 'b at 5 http://d', driftline_no_data: hold}}
          - {exp_labels: {severity: page, service: a, level: svc}, exp_annotations: {summary: 'a at 7 http://d', driftline_no_data: hold}}
      - {eval_time: 6m, alertname: Meta, exp_alerts: [{exp_labels: {severity: page}}]}
      - {eval_time: 4m, alertname: Old, exp_alerts: [{exp_labels: {severity: page, service: b, level: svc}}]}
      - {eval_time: 5m, alertname: Nothing}
    promql_expr_test:
      - expr: service:x:sum
        eval_time: 3m
        exp_samples:
          - {labels: 'service:x:sum{service="a",level="svc"}', value: 4}
          - {labels: 'service:x:sum{service="b",level="svc"}', value: 5}
      - {expr: 'count_over_time(x{pod="1"}[20m])', eval_time: 20m, exp_samples: [{labels: '{service="a",pod="1"}', value: 15}]}
      - {expr: 'x{pod="1"}', eval_time: 12m}
      - {expr: 'x{pod="1"}', eval_time: 17m, exp_samples: [{labels: 'x{service="a",pod="1"}', value: 0}]}
      - {expr: 'scalar(x{service="b"}) * 2', eval_time: 1m, exp_samples: [{labels: '{}', value: 10}]}
      - {expr: 'absent(nothing{a="b"})', eval_time: 1m, exp_samples: [{labels: '{a="b"}', value: 1}]}
"""
WRONG = [
    ("b at 5 http://d", "b at 6 http://d"),
    ("{eval_time: 5m, alertname: Nothing}", "{eval_time: 5m, alertname: Nothing, exp_alerts: [{exp_labels: {a: b}}]}"),
    ("{eval_time: 1m30s, alertname: High}", "{eval_time: 3m30s, alertname: High}"),
    ("value: 4}", "value: 4.5}"),
    ("value: 15}", "value: 14}"),
    ("eval_time: 12m}", "eval_time: 10m}"),
    ("severity: page, service: a", "severity: warning, service: a"),
    ("driftline_no_data: hold}}\n      - {eval_time: 6m, alertname: M", "driftline_no_data: ok}}\n      - {eval_time: 6m, alertname: M"),
    ("expr: service:x:sum\n", "expr: sum(\n"),
    ("values: '5x20'", "values: '5xx20'"),
    ("evaluation_interval: 1m", "evaluation_intervall: 1m"),
    ("labels: '{}'", "labels: '{a=~\"b\"}'"),
]  # fmt: skip


def promtool_agrees(program: str, folder: Path, *names: str) -> bool:
    done = subprocess.run([program, "test", "rules", *names], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "test.yaml").write_text(TEST, encoding="utf-8")
    return tmp_path


def failures_of(path: Path) -> list[Failure]:
    return run_unit_file(load_unit_file(path), as_prometheus=False)


def is_wrong(path: Path) -> bool:
    try:
        return failures_of(path) != []
    except RuleError as error:
        return str(error).startswith(str(path))


@pytest.mark.parametrize("as_prometheus", [False, True])
def test_shipped_rules_fire_where_their_test_files_expect_it(tmp_path: Path, as_prometheus: bool) -> None:
    for file in (*SHIPPED, *(ROOT / "alerts" / "rules").glob("*.yaml")):
        shutil.copy(file, tmp_path)
    for file in SHIPPED:
        assert run_unit_file(load_unit_file(tmp_path / file.name), as_prometheus=as_prometheus) == [], file.name


def test_the_formats_corners_are_read_as_promtool_reads_them(system_binary: Callable[[str], str], folder: Path) -> None:
    assert failures_of(folder / "test.yaml") == []
    assert promtool_agrees(system_binary("promtool"), folder, "test.yaml")


@pytest.mark.parametrize(("right", "wrong"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_wrong_for_both(
    system_binary: Callable[[str], str], folder: Path, right: str, wrong: str
) -> None:
    assert TEST.count(right) >= 1
    (folder / "test.yaml").write_text(TEST.replace(right, wrong, 1), encoding="utf-8")
    assert not promtool_agrees(system_binary("promtool"), folder, "test.yaml")
    assert is_wrong(folder / "test.yaml")


def test_a_failure_says_what_was_expected_and_what_came(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = TEST.replace("b at 5 http://d", "b at 6 http://d", 1).replace("value: 15}", "value: 14}")
    (folder / "test.yaml").write_text(text, encoding="utf-8")
    assert run_test([folder / "test.yaml"], as_prometheus=False, is_json=True) == 1
    (alert, expression) = json.loads(capsys.readouterr().out)["failures"]
    assert (alert["test"], alert["subject"], alert["time"]) == ("corners", "High", "2m")
    assert alert["differences"] == [
        '{alertname="High", level="svc", service="b", severity="page"} annotation summary: '
        "exp 'b at 6 http://d', got 'b at 5 http://d'"
    ]
    assert expression["differences"] == ['{pod="1", service="a"}: exp 14.0, got 15.0']
    assert run_test([folder / "test.yaml"], as_prometheus=False, is_json=False) == 1
    assert "exp 'b at 6 http://d', got 'b at 5 http://d'" in capsys.readouterr().out


def test_our_annotations_act_unless_it_is_run_as_prometheus_would(folder: Path) -> None:
    (folder / "rules.yaml").write_text(
        """
groups:
  - name: g
    rules:
      - {alert: High, expr: x > 3, annotations: {driftline_resolve_expr: x < 2}}
""",
        encoding="utf-8",
    )
    (folder / "test.yaml").write_text(
        """
rule_files: [rules.yaml]
tests:
  - interval: 1m
    input_series: [{series: x, values: 4 3 3 1}]
    alert_rule_test:
      - {eval_time: 2m, alertname: High}
      - {eval_time: 3m, alertname: High}
""",
        encoding="utf-8",
    )
    file = load_unit_file(folder / "test.yaml")
    assert [failure.time for failure in run_unit_file(file)] == ["2m"]
    assert run_unit_file(file, as_prometheus=True) == []


def test_a_rule_that_cannot_be_evaluated_fails_the_test(folder: Path, system_binary: Callable[[str], str]) -> None:
    (folder / "rules.yaml").write_text(
        "groups: [{name: g, rules: [{alert: High, expr: 'x + on (service) x', labels: {a: b}}]}]", encoding="utf-8"
    )
    (failure, *_) = failures_of(folder / "test.yaml")
    assert "cannot be evaluated" in failure.differences[0]
    assert not promtool_agrees(system_binary("promtool"), folder, "test.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 _ 2", [1, None, 2]),
        ("1+2x2", [1, 3, 5]),
        ("-1-0.5x1", [-1, -1.5]),
        ("_x2 3x1", [None, None, 3, 3]),
        ("1e2 .5 Inf", [100, 0.5, float("inf")]),
        ("0x3", [0, 0, 0, 0]),
    ],
)
def test_values_are_spelled_out(text: str, expected: list[float | None]) -> None:
    assert parse_values(text) == expected


@pytest.mark.parametrize("text", ["1+x2", "x3", "1x", "1x99999999", "_y"])
def test_values_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_values(text)


def test_a_series_is_its_labels() -> None:
    assert parse_series('x{a="b"}') == {"__name__": "x", "a": "b"}
    assert parse_series("{}") == {}
    with pytest.raises(ConfigError, match="only ="):
        parse_series('x{a!="b"}')
