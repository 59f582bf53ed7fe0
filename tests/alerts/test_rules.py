"""Rule files: what promtool takes is taken, what it refuses is refused, with the place named."""

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from driftline_alerts.errors import RuleError
from driftline_alerts.rules import AlertRule, RecordingRule, load_rules, parse_rules

GOOD = """
groups:
  - name: g
    interval: 1m
    limit: 10
    rules:
      - record: service:errors:ratio
        expr: sum by (service) (rate(e[5m]))
        labels: {team: a}
      - alert: TooHigh
        expr: service:errors:ratio > 0.1
        for: 1h30m
        keep_firing_for: 90s
        labels: {severity: critical, number: 1, yes: true}
        annotations:
          summary: '{{ $labels.service }} {{ $value | humanizePercentage }}'
          driftline_no_data: resolve
          driftline_no_data_for: 2h
          driftline_query_offset: 1m
          driftline_min_samples: '50'
          driftline_samples_expr: sum by (service) (increase(n[1h]))
"""

BAD = {
    "unknown group field": ("groups: [{name: g, partial: 1, rules: []}]", "group 1.*unknown field 'partial'"),
    "unknown rule field": ("groups: [{name: g, rules: [{alert: A, expr: x, fro: 5m}]}]", "rule 1.*unknown field 'fro'"),
    "unknown top field": ("rules: []", "unknown field 'rules'"),
    "key twice": ("groups: [{name: g, name: h, rules: []}]", "key 'name' is there twice"),
    "no group name": ("groups: [{rules: []}]", "group 1, name"),
    "group twice": ("groups: [{name: g, rules: []}, {name: g, rules: []}]", "every group name once, got 'g'"),
    "neither": ("groups: [{name: g, rules: [{expr: x}]}]", "one of record and alert, got neither"),
    "both": ("groups: [{name: g, rules: [{alert: A, record: r, expr: x}]}]", "one of record and alert, got both"),
    "no expr": ("groups: [{name: g, rules: [{alert: A}]}]", r"rule 1 \(A\), expr: expected PromQL, got None"),
    "bad expr": ("groups: [{name: g, rules: [{alert: A, expr: 'sum(x'}]}]", "expr.*unclosed left parenthesis"),
    "range expr": ("groups: [{name: g, rules: [{alert: A, expr: 'x[5m]'}]}]", "expr.*instant vector"),
    "bad for": ("groups: [{name: g, rules: [{alert: A, expr: x, for: 5 minutes}]}]", "for: expected a duration"),
    "plain number": ("groups: [{name: g, rules: [{alert: A, expr: x, for: 5}]}]", "for: expected a duration"),
    "bad interval": ("groups: [{name: g, interval: 1x, rules: []}]", "interval: expected a duration"),
    "label name": ("groups: [{name: g, rules: [{alert: A, expr: x, labels: {a.b: c}}]}]", "labels.*got 'a.b'"),
    "__name__": ("groups: [{name: g, rules: [{alert: A, expr: x, labels: {__name__: c}}]}]", "no __name__"),
    "record with for": ("groups: [{name: g, rules: [{record: r, expr: x, for: 5m}]}]", "for: expected in alerting"),
    "record name": ("groups: [{name: g, rules: [{record: a-b, expr: x}]}]", "record: expected a metric name"),
    "template": (
        "groups: [{name: g, rules: [{alert: A, expr: x, annotations: {s: '{{ $value'}}]}]",
        "annotations, s: expected }}",
    ),
    "not yaml": ("groups: [", "expected YAML"),
    "not a list": ("groups: {a: 1}", "groups: expected a list, got dict"),
}

BAD_OF_OURS = {
    "no_data": ("driftline_no_data: maybe", "driftline_no_data: expected one of hold"),
    "unknown": ("driftline_no_dta: hold", "got driftline_no_dta"),
    "duration": ("driftline_query_offset: soon", "driftline_query_offset: expected a duration"),
    "samples": ("driftline_min_samples: '5'", "together, got only one"),
    "number": ("{driftline_min_samples: few, driftline_samples_expr: x}", "a number above 0, got 'few'"),
    "resolve": ("driftline_resolve_expr: 'x['", "driftline_resolve_expr: expected PromQL"),
    "resolve without data": ("{driftline_resolve_expr: x < 1}", "an expr that compares"),
    "error policy": ("driftline_on_error: resolve", "driftline_on_error: expected hold"),
}


def test_file_is_read_with_everything_prometheus_knows() -> None:
    (group,) = parse_rules(GOOD, file="good.yaml")
    assert (group.name, group.interval, group.limit) == ("g", timedelta(minutes=1), 10)
    record, alert = group.rules
    assert isinstance(record, RecordingRule)
    assert record.record == "service:errors:ratio"
    assert isinstance(alert, AlertRule)
    assert (alert.hold_for, alert.keep_firing_for) == (timedelta(minutes=90), timedelta(seconds=90))
    assert alert.labels == {"severity": "critical", "number": "1", "yes": "true"}
    assert list(alert.annotations) == ["summary"]
    assert alert.policy.no_data == "resolve"
    assert alert.policy.no_data_for == timedelta(hours=2)
    assert alert.policy.query_offset == timedelta(minutes=1)
    assert alert.policy.min_samples == 50.0


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_bad_file_is_refused_with_the_place_named(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message) as caught:
        parse_rules(text, file="bad.yaml")
    assert str(caught.value).startswith("bad.yaml")


@pytest.mark.parametrize(("annotations", "message"), BAD_OF_OURS.values(), ids=BAD_OF_OURS)
def test_bad_setting_of_ours_is_refused(annotations: str, message: str) -> None:
    flow = annotations if annotations.startswith("{") else f"{{{annotations}}}"
    with pytest.raises(RuleError, match=message):
        parse_rules(f"groups: [{{name: g, rules: [{{alert: A, expr: x, annotations: {flow}}}]}}]", file="bad.yaml")


# promtool lets a range pass, which then fails at every evaluation; here it is refused when the file is read.
BAD_FOR_PROMTOOL = {name: text for name, (text, _) in BAD.items() if name != "range expr"}


@pytest.mark.parametrize("text", [GOOD, *BAD_FOR_PROMTOOL.values()], ids=["good", *BAD_FOR_PROMTOOL])
def test_promtool_agrees(system_binary: Callable[[str], str], tmp_path: Path, text: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(text, encoding="utf-8")
    promtool = subprocess.run(
        [system_binary("promtool"), "check", "rules", str(file)], capture_output=True, check=False
    )
    try:
        parse_rules(text, file="rules.yaml")
    except RuleError:
        assert promtool.returncode != 0, promtool.stdout
    else:
        assert promtool.returncode == 0, promtool.stderr


def test_uid_survives_a_new_threshold_and_tells_equal_names_apart() -> None:
    rule = "{{alert: A, expr: 'x > {}', labels: {{severity: page}}}}"
    (first,) = parse_rules(f"groups: [{{name: g, rules: [{rule.format(1)}, {rule.format(2)}]}}]", file="a.yaml")
    (second,) = parse_rules(f"groups: [{{name: g, rules: [{rule.format(3)}]}}]", file="b.yaml")
    uids = [each.uid for each in first.rules if isinstance(each, AlertRule)]
    assert len(set(uids)) == 2
    assert [each.uid for each in second.rules if isinstance(each, AlertRule)] == uids[:1]


def test_folders_are_read_and_names_across_files_are_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("groups: [{name: a, rules: []}]", encoding="utf-8")
    (tmp_path / "b.yml").write_text("groups: [{name: b, rules: []}]", encoding="utf-8")
    assert [group.name for group in load_rules([tmp_path])] == ["a", "b"]
    (tmp_path / "c.yml").write_text("groups: [{name: b, rules: []}]", encoding="utf-8")
    with pytest.raises(RuleError, match="group name of its own, got 'b'"):
        load_rules([tmp_path])
    with pytest.raises(RuleError, match="cannot read rule file"):
        load_rules([tmp_path / "none.yaml"])
