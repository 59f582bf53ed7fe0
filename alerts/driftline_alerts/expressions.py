"""What a rule's expression asks, split in two: is the data there, and is it over the threshold?

`A > 3` answers nothing both when A is low and when A is gone. `presence("A > 3")` is the query that tells them apart:
it has an element, with the labels the alert would have, wherever there was something to compare.

| expression            | presence                                                                        |
|-----------------------|---------------------------------------------------------------------------------|
| `A > 3`               | `A`                                                                             |
| `A > on (x) B`        | `A - on (x) B`, which has the same labels as the comparison and is NaN if either is |
| `X and on (x) Y`      | `presence(X) and on (x) presence(Y)`                                            |
| `X unless Y`          | `presence(X)`                                                                   |
| `X or Y`              | `presence(X) or presence(Y)`                                                    |
| anything else         | none: the element itself is the claim, as in `absent(x)` or `ALERTS{...}`       |

NaN is no data: every presence is wrapped in `>= -Inf`, which drops it.
"""

from collections.abc import Iterator
from typing import Final

import promql_parser

from driftline_core.errors import ConfigError

_COMPARISONS: Final = {"==", "!=", ">", "<", ">=", "<="}


def check_expression(expr: str) -> str:
    """expr, when it is PromQL that a rule can use. Raises ConfigError for bad syntax, a range or a string."""
    parsed = _parse(expr)
    while isinstance(parsed, promql_parser.ParenExpr):
        parsed = parsed.expr
    if isinstance(parsed, promql_parser.MatrixSelector | promql_parser.SubqueryExpr | promql_parser.StringLiteral):
        raise ConfigError(f"expected an instant vector or a scalar, got a {type(parsed).__name__}: {expr.strip()}")
    return expr


def presence(expr: str) -> str | None:
    """The query that says where expr has data to judge; None when its elements are themselves the claim. Raises ConfigError."""
    return _presence(_parse(expr))


def metric_names(expr: str) -> frozenset[str]:
    """The metrics that expr selects by name; '' for a selector that names none. Raises ConfigError."""
    return frozenset(_names(_parse(expr)))


def _names(node: promql_parser.Expr) -> Iterator[str]:
    if isinstance(node, promql_parser.VectorSelector):
        named = (
            m.value for m in node.matchers.matchers if m.name == "__name__" and m.op == promql_parser.MatchOp.Equal
        )
        yield node.name or next(named, "")
    elif isinstance(node, promql_parser.MatrixSelector):
        yield from _names(node.vector_selector)
    elif isinstance(node, promql_parser.BinaryExpr):
        yield from _names(node.lhs)
        yield from _names(node.rhs)
    elif isinstance(node, promql_parser.Call):
        for argument in node.args:
            yield from _names(argument)
    elif isinstance(node, promql_parser.AggregateExpr):
        yield from _names(node.expr)
        if node.param is not None:
            yield from _names(node.param)
    elif isinstance(node, promql_parser.ParenExpr | promql_parser.UnaryExpr | promql_parser.SubqueryExpr):
        yield from _names(node.expr)


def _parse(expr: str) -> promql_parser.Expr:
    try:
        return promql_parser.parse(expr)
    except ValueError as error:
        raise ConfigError(f"expected PromQL, got {error}: {expr.strip()}") from error


def _presence(expr: promql_parser.Expr) -> str | None:
    if isinstance(expr, promql_parser.ParenExpr):
        return _presence(expr.expr)
    if not isinstance(expr, promql_parser.BinaryExpr):
        return None
    op = str(expr.op)
    if op in _COMPARISONS:
        return _compared(expr)
    if op == "unless":
        return _presence(expr.lhs)
    left, right = _presence(expr.lhs), _presence(expr.rhs)
    if op not in ("and", "or") or (left is None and right is None):
        return None
    return f"({left or expr.lhs.prettify()}) {op} {_matching(expr)} ({right or expr.rhs.prettify()})"


def _compared(expr: promql_parser.BinaryExpr) -> str | None:
    if expr.modifier is not None and expr.modifier.return_bool:
        return None
    if _is_scalar(expr.lhs):
        return _finite(expr.rhs.prettify())
    if _is_scalar(expr.rhs):
        return _finite(expr.lhs.prettify())
    return _finite(f"({expr.lhs.prettify()}) - {_matching(expr)} ({expr.rhs.prettify()})")


def _matching(expr: promql_parser.BinaryExpr) -> str:
    return str(expr.modifier) if expr.modifier is not None else ""


def _finite(expr: str) -> str:
    return f"({expr}) >= -Inf"


def _is_scalar(expr: promql_parser.Expr) -> bool:
    if isinstance(expr, promql_parser.NumberLiteral):
        return True
    if isinstance(expr, promql_parser.ParenExpr | promql_parser.UnaryExpr):
        return _is_scalar(expr.expr)
    if isinstance(expr, promql_parser.Call):
        return bool(expr.func.return_type == promql_parser.ValueType.Scalar)
    if isinstance(expr, promql_parser.BinaryExpr):
        return _is_scalar(expr.lhs) and _is_scalar(expr.rhs)
    return False
