"""Lines that panels draw are where the shipped rules fire: the rules and the dashboards' JSON are both read and compared."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from driftline_alerts.rules import AlertRule, load_rules
from driftline_dashboards import load_dashboards
from driftline_dashboards.limits import ALERT_LIMITS

COMPARISONS = {">", ">=", "<", "<=", "=="}
RULES: dict[str, list[AlertRule]] = {}
GPU_RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "gpu.yml"
for group in [*load_rules(), *load_rules([GPU_RULES])]:
    for shipped in group.rules:
        if isinstance(shipped, AlertRule):
            RULES.setdefault(shipped.alert, []).append(shipped)
PANELS = [(dashboard["uid"], panel) for dashboard in load_dashboards() for panel in dashboard["panels"]]
NAMED = [
    pytest.param(panel, name, id=f"{uid} {panel['title']} {name}")
    for uid, panel in PANELS
    for name in sorted(set(re.findall(r"\bDriftline[A-Z]\w+", panel.get("description", ""))))
]


def numbers(expr: str) -> set[float]:
    """What a rule compares with: numbers beside a comparison, and factors of what is beside one."""
    return set(_compared(promql_parser.parse(expr)))


def _compared(node: Any) -> Iterator[float]:
    if isinstance(node, promql_parser.BinaryExpr):
        if str(node.op) in COMPARISONS:
            for side in (node.lhs, node.rhs):
                yield from _factors(side)
        yield from _compared(node.lhs)
        yield from _compared(node.rhs)
    elif hasattr(node, "expr"):
        yield from _compared(node.expr)


def _factors(node: Any) -> Iterator[float]:
    if isinstance(node, promql_parser.NumberLiteral):
        yield float(node.val)
    elif isinstance(node, promql_parser.ParenExpr):
        yield from _factors(node.expr)
    elif isinstance(node, promql_parser.BinaryExpr):
        left, right = list(_factors(node.lhs)), list(_factors(node.rhs))
        yield from (*left, *right)
        if str(node.op) == "*" and len(left) == len(right) == 1:  # 6 * 3600
            yield left[0] * right[0]


def test_the_comparisons_of_a_rule_are_found() -> None:
    expr = "sum(a) / sum(b) > 3 * sum(c) / 24 and d >= 1 unless (e <= 0.5) and f > 6 * 3600"
    assert numbers(expr) == {3, 24, 1, 0.5, 6, 3600, 21600}


@pytest.mark.parametrize("name", sorted(ALERT_LIMITS))
def test_every_limit_is_one_of_its_rule(name: str) -> None:
    assert any(math.isclose(ALERT_LIMITS[name], one) for rule in RULES[name] for one in numbers(rule.expr))


@pytest.mark.parametrize(("panel", "name"), NAMED)
def test_a_panel_that_names_a_rule_draws_its_line(panel: dict[str, Any], name: str) -> None:
    assert name in RULES, "a rule that is shipped"
    steps = panel.get("fieldConfig", {}).get("defaults", {}).get("thresholds", {}).get("steps", [])
    if name == "DriftlineNegativeFeedback":  # its bound is a curve
        assert f"+ {ALERT_LIMITS[name]:g} * sqrt(" in panel["targets"][1]["expr"]
        return
    assert [step["value"] for step in steps if step["color"] == "red"] == [ALERT_LIMITS[name]]


def test_every_limit_is_drawn_somewhere() -> None:
    assert {parameters.values[1] for parameters in NAMED} == ALERT_LIMITS.keys()
