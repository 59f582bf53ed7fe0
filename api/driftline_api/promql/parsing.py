"""From text to promql-parser's tree, and the few questions that evaluation asks of it."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import promql_parser as pp

from driftline_api.promql.aggregations import Grouping
from driftline_api.promql.binary import SET_OPERATORS, Matching
from driftline_api.promql.errors import BadQuery, BadSelector
from driftline_api.promql.functions import CLOCKS, ELEMENTWISE, VECTOR_FUNCTIONS
from driftline_api.promql.matchers import LabelMatcher, MatchKind, equal
from driftline_api.promql.over_time import OVER_TIME_FUNCTIONS
from driftline_api.promql.rates import RATE_FUNCTIONS
from driftline_api.promql.values import METRIC_NAME

SPECIAL_FUNCTIONS: Final = frozenset({"absent", "absent_over_time", "timestamp"})
"""Functions that look at their argument's expression, not only at its value: the evaluator has them."""
KNOWN_FUNCTIONS: Final = frozenset(
    {*ELEMENTWISE, *CLOCKS, *VECTOR_FUNCTIONS, *RATE_FUNCTIONS, *OVER_TIME_FUNCTIONS, *SPECIAL_FUNCTIONS}
)
AGGREGATIONS: Final = frozenset(
    {"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "quantile", "topk", "bottomk", "count_values"}
)
_KINDS: Final = (
    (pp.MatchOp.Equal, MatchKind.EQUAL),
    (pp.MatchOp.NotEqual, MatchKind.NOT_EQUAL),
    (pp.MatchOp.Re, MatchKind.MATCHES),
    (pp.MatchOp.NotRe, MatchKind.NOT_MATCHES),
)
_TYPE_NAMES: Final = (
    (pp.ValueType.Vector, "instant vector"),
    (pp.ValueType.Scalar, "scalar"),
    (pp.ValueType.Matrix, "range vector"),
    (pp.ValueType.String, "string"),
)
MAX_LENGTH: Final = 4096
"""Characters of an expression outside of its strings."""
MAX_TEXT: Final = 262_144
"""Characters of an expression, strings among them."""
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`', re.DOTALL)
MAX_DEPTH: Final = 100
"""Expressions inside of each other: what the call stack bears with room to spare."""
_MAX_AT_MS: Final = 1 << 62
"""A time may still be moved by an offset in 64 bits."""

# Prometheus 2 knows double_exponential_smoothing by its old name, the parser by the new one alone.
pp.register_extra_functions(
    [pp.Function("holt_winters", [pp.ValueType.Matrix, pp.ValueType.Scalar, pp.ValueType.Scalar], pp.ValueType.Vector)]
)


def parse(text: str) -> Any:
    """The tree of an expression. Raises BadQuery with the parser's words."""
    # The parser's time grows with the square of what is outside of strings.
    length = len(_STRING.sub('""', text)) if len(text) <= MAX_TEXT else len(text)
    if length > MAX_LENGTH:
        raise BadQuery(f"parse error: expected at most {MAX_LENGTH} characters outside of strings, got {length}")
    try:
        tree = pp.parse(text)
    except ValueError as error:
        raise BadQuery(f"parse error: {error}") from error
    except BaseException as error:
        # A panic in the parser's own code is not an Exception; the query is at fault, not the process.
        if type(error).__name__ != "PanicException":
            raise
        raise BadQuery("parse error: the expression is not valid") from None
    _check(tree, MAX_DEPTH)
    return tree


def parse_selector(text: str) -> list[LabelMatcher]:
    """The matchers of a series selector, as in `match[]`. Raises BadSelector."""
    try:
        tree = parse(text)
    except BadQuery as error:
        is_empty = "at least one non-empty matcher" in str(error)
        raise BadSelector("match[] must contain at least one non-empty matcher" if is_empty else str(error)) from error
    if not isinstance(tree, pp.VectorSelector) or tree.offset is not None or tree.at is not None:
        raise BadSelector(f"parse error: expected a series selector, got {text}")
    return matchers_of(tree)


def type_name(tree: Any) -> str:  # noqa: PLR0911 - one line for each kind of node
    """Prometheus' word for the type of an expression's value."""
    match tree:
        case pp.MatrixSelector() | pp.SubqueryExpr():
            return "range vector"
        case pp.StringLiteral():
            return "string"
        case pp.NumberLiteral():
            return "scalar"
        case pp.ParenExpr() | pp.UnaryExpr():
            return type_name(tree.expr)
        case pp.BinaryExpr():
            is_scalar = type_name(tree.lhs) == type_name(tree.rhs) == "scalar"
            return "scalar" if is_scalar else "instant vector"
        case pp.Call():
            return next(name for kind, name in _TYPE_NAMES if kind == tree.func.return_type)
        case _:
            return "instant vector"


def unwrapped(tree: Any) -> Any:
    """The expression inside of any parentheses."""
    while isinstance(tree, pp.ParenExpr):
        tree = tree.expr
    return tree


def matchers_of(selector: Any) -> list[LabelMatcher]:
    """A vector selector's matchers, the metric's name among them."""
    matchers = [equal(METRIC_NAME, selector.name)] if selector.name else []
    for matcher in selector.matchers.matchers:
        kind = next(kind for op, kind in _KINDS if op == matcher.op)
        matchers.append(LabelMatcher(name=matcher.name, kind=kind, value=matcher.value))
    return matchers


def grouping_of(tree: Any) -> Grouping:
    """An aggregation's `by` or `without`."""
    if tree.modifier is None:
        return Grouping()
    return Grouping(labels=tuple(tree.modifier.labels), is_without=tree.modifier.type == pp.AggModifierType.Without)


def matching_of(tree: Any) -> Matching:
    """A binary expression's `on`, `ignoring`, `group_left`, `group_right`."""
    modifier = tree.modifier
    if modifier is None:
        return Matching()
    many = None
    if modifier.card == pp.VectorMatchCardinality.ManyToOne:
        many = "left"
    elif modifier.card == pp.VectorMatchCardinality.OneToMany:
        many = "right"
    labels = modifier.matching
    return Matching(
        labels=tuple(labels.labels) if labels is not None else (),
        is_on=labels is not None and labels.type == pp.LabelModifierType.Include,
        many="left" if many == "left" else "right" if many == "right" else None,
        include=tuple(modifier.group_labels or ()),
    )


def is_bool(tree: Any) -> bool:
    """Whether a comparison has the `bool` modifier."""
    return tree.modifier is not None and bool(tree.modifier.return_bool)


def milliseconds(duration: timedelta | None) -> int:
    """A duration of the tree, or 0."""
    return 0 if duration is None else round(duration / timedelta(milliseconds=1))


def at_ms(modifier: Any, *, start_ms: int, end_ms: int) -> int | None:
    """The time of an `@` modifier, None without one."""
    if modifier is None:
        return None
    if modifier.type == pp.AtModifierType.Start:
        return start_ms
    if modifier.type == pp.AtModifierType.End:
        return end_ms
    return _at_ms(modifier)


def _at_ms(modifier: Any) -> int:
    """From how the parser writes it: its own number panics on a time before 1970, which it takes for 1970."""
    return round(Decimal(str(modifier).removeprefix("@ ")) * 1000)


def _check(node: Any, depth: int) -> None:
    """Refuses what the parser accepts and this engine does not have: Prometheus 3's additions, and endless nesting."""
    if depth == 0:
        raise BadQuery(f"parse error: expected at most {MAX_DEPTH} expressions inside of each other")
    _check_node(node)
    for child in _children(node):
        _check(child, depth - 1)


def _children(node: Any) -> list[Any]:
    match node:
        case pp.ParenExpr() | pp.UnaryExpr() | pp.SubqueryExpr():
            return [node.expr]
        case pp.BinaryExpr():
            return [node.lhs, node.rhs]
        case pp.AggregateExpr():
            return [node.expr] if node.param is None else [node.param, node.expr]
        case pp.Call():
            return list(node.args)
        case pp.MatrixSelector():
            return [node.vector_selector]
        case _:
            return []


def _check_node(node: Any) -> None:
    if isinstance(node, pp.VectorSelector | pp.SubqueryExpr) and node.at is not None:
        _check_at(node.at)
    match node:
        case pp.Call() if node.func.name not in KNOWN_FUNCTIONS:
            raise BadQuery(f'parse error: unknown function with name "{node.func.name}"')
        case pp.AggregateExpr() if str(node.op) not in AGGREGATIONS:
            raise BadQuery(f'parse error: unknown aggregation "{node.op}"')
        case pp.VectorSelector() if node.matchers.or_matchers:
            raise BadQuery('parse error: "or" between matchers is not supported')
        case pp.BinaryExpr() if node.modifier is not None and _has_fill(node.modifier):
            raise BadQuery('parse error: "fill" is not supported')
        case pp.BinaryExpr() if str(node.op) in SET_OPERATORS and is_bool(node):
            raise BadQuery("parse error: bool modifier can only be used on comparison operators")
        case _:
            pass


def _check_at(modifier: Any) -> None:
    if modifier.type == pp.AtModifierType.At and _at_ms(modifier) > _MAX_AT_MS:
        raise BadQuery("parse error: timestamp out of bounds for @ modifier")


def _has_fill(modifier: Any) -> bool:
    fill = modifier.fill_values
    return fill is not None and (fill.lhs is not None or fill.rhs is not None)
