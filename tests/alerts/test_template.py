"""Templates: the text is the one Prometheus writes, proved by promtool."""

import json
import math
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline_alerts.errors import TemplateError
from driftline_alerts.go_format import format_value, humanize_timestamp
from driftline_alerts.template import Template

LABELS = {"service": "chat", "model": "gpt-4o"}
TEMPLATES = [
    "{{ $value }}",
    "{{ .Value }} of {{ .Labels.service }}",
    "{{ $labels.service }}/{{$labels.model}}/{{ $labels.missing }}.",
    "{{ $value | humanize }}",
    "{{ $value | humanize1024 }}",
    "{{ $value | humanizePercentage }}",
    "{{ $value | humanizeDuration }}",
    "{{ humanizeDuration $value }}",
    '{{ printf "%.2f" $value }}',
    '{{ $value | printf "%.3g" }}',
    '{{ $value | printf "%8.1f|%%" }}',
    '{{ $value | printf "%e" }}',
    '{{ $value | printf "%v" }}',
    '{{ printf "%s is at %.1f" $labels.service $value }}',
    '{{ printf "%q" $labels.model }}',
    "{{ $labels.model | toUpper }}",
    "{{ `back` | toUpper }}",
    '{{ reReplaceAll "gpt-(.*)" "model $1" $labels.model }}',
    "a {{- $labels.service -}} b",
    "a {{/* nothing */}} b",
    "no action, 100 % text } {",
]
VALUES = [
    0.0,
    1.0,
    0.0625,
    1234567.0,
    0.000012,
    93784.0,
    59.5,
    3600.0,
    1e15,
    999999.0,
    1e6,
    100000.5,
    -7.25,
    1e-7,
    123456789012.0,
]


def test_texts_are_those_of_promtool(system_binary: Callable[[str], str], tmp_path: Path) -> None:
    rules, tests = [], []
    for number, template in enumerate(TEMPLATES):
        rules.append({"alert": f"A{number}", "expr": "x", "annotations": {"text": template}})
    for value in VALUES:
        checks = [
            {
                "eval_time": "1m",
                "alertname": f"A{number}",
                "exp_alerts": [
                    {"exp_labels": LABELS, "exp_annotations": {"text": Template(template).render(LABELS, value)}}
                ],
            }
            for number, template in enumerate(TEMPLATES)
        ]
        series = 'x{service="chat",model="gpt-4o"}'
        tests.append(
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": f"{value!r} {value!r}"}],
                "alert_rule_test": checks,
            }
        )
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}), encoding="utf-8")
    content = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "tests.yaml").write_text(json.dumps(content), encoding="utf-8")
    done = subprocess.run(
        [system_binary("promtool"), "test", "rules", "tests.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ if $value }}x{{ end }}", "got 'if'"),
        ("{{ range query `x` }}", "got 'range'"),
        ("{{ $value", "expected }}"),
        ("{{ }}", "expected something"),
        ("{{ $value $value }}", "expected a function"),
        ("{{ $labels }}", r"got '\$labels'"),
        ("{{ $value | }}", "expected something"),
        ("{{ humanize }}", "expected 1 to 1 arguments for humanize, got 0"),
        ("{{ humanize $value $value }}", "got 2"),
        ("{{ humanize humanize }}", "another function"),
        ("{{ $value | $value }}", "expected a function"),
    ],
)
def test_template_outside_the_subset_is_refused_when_it_is_read(text: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        Template(text)


@pytest.mark.parametrize(
    "text", ["{{ $labels.service | humanize }}", '{{ printf "%d" $value }}', '{{ printf "%s %s" $labels.service }}']
)
def test_template_that_cannot_be_rendered_says_so(text: str) -> None:
    with pytest.raises(TemplateError, match="expected"):
        Template(text).render(LABELS, 1.5)


def test_numbers_that_are_none_are_spelled_as_in_go() -> None:
    assert [format_value(value) for value in (math.inf, -math.inf, math.nan)] == ["+Inf", "-Inf", "NaN"]
    assert Template("{{ $value | humanize }}").render({}, math.nan) == "NaN"
    assert Template('{{ $value | printf "%.2f" }}').render({}, math.inf) == "+Inf"
    assert humanize_timestamp(1435065584.128) == "2015-06-23 13:19:44.128 +0000 UTC"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_value_in_the_api_reads_back_as_itself(value: float) -> None:
    assert float(format_value(value)) == value
    assert float(format_value(value, verb="e")) == value
