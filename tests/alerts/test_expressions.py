"""The query that tells a gap from a recovery."""

import pytest

from driftline_alerts.expressions import check_expression, presence
from driftline_core.errors import ConfigError


def flat(expr: str | None) -> str | None:
    return None if expr is None else "".join(expr.split())


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("a > 3", "(a) >= -Inf"),
        ("3 < a", "(a) >= -Inf"),
        ("(a > time() - 60)", "(a) >= -Inf"),
        ("a > -(1 + 2)", "(a) >= -Inf"),
        ("a > on (x) group_left b", "((a) - on (x) group_left () (b)) >= -Inf"),
        ("a / b > 0.5 and on (s) c >= 20", "((a / b) >= -Inf) and on (s) ((c) >= -Inf)"),
        ("a > 1 and up", "((a) >= -Inf) and (up)"),
        ("a > 1 or b > 2", "((a) >= -Inf) or ((b) >= -Inf)"),
        ("a > 1 unless b", "(a) >= -Inf"),
        ("absent(a)", None),
        ("a > bool 1", None),
        ("a and b", None),
        ("vector(1)", None),
        ("a", None),
    ],
)
def test_presence_asks_for_what_there_was_to_compare(expr: str, expected: str | None) -> None:
    found = presence(expr)
    assert flat(found) == flat(expected)
    if found is not None:
        check_expression(found)


@pytest.mark.parametrize("expr", ["a >", "rate(a)", "a[5m]", "(a[5m:1m])", '"text"', ""])
def test_expression_that_no_rule_can_use_is_refused(expr: str) -> None:
    with pytest.raises(ConfigError, match="expected"):
        check_expression(expr)
