"""Queries that our engine and a real Prometheus must answer alike, generated from a seed."""

import random
from typing import Final

METRICS: Final = (
    "requests_total",
    "errors_total",
    "temperature",
    "level",
    "brief",
    "latency_seconds_count",
    "constant",
)
RANGE_FUNCTIONS: Final = (
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "deriv",
    "avg_over_time",
    "sum_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "last_over_time",
    "present_over_time",
)
SIMPLE: Final = ("abs", "exp", "deg", "timestamp")
STEPS: Final = ("ceil", "floor", "round", "sgn", "sqrt", "ln")
"""Functions with steps or poles, and `%`, are asked of samples alone: elsewhere the last bit of a sum would show."""
AGGREGATIONS: Final = ("sum", "avg", "min", "max", "count", "stddev", "stdvar", "group")
LABELS: Final = ("service", "model", "code", "floor")
ARITHMETIC: Final = ("+", "-", "*", "/", "atan2")
COMPARISON: Final = (">", "<=", "!=", "> bool", "== bool")
_MATCHERS: Final = ("", "", '{service="chat"}', '{service=~"chat|batch"}', '{model!="small"}', '{floor!~"[01]"}')
_MODIFIERS: Final = ("", "", "", " offset 3m", " offset -2m", " @ 1700001000", " @ start()", " @ end() offset 90s")
_SUBQUERY_MODIFIERS: Final = ("", " offset 3m", " @ 1700001000", " @ end() offset 90s")
_DEPTH: Final = 3


def generated(n: int, seed: int = 11) -> list[str]:
    """n different queries, the same for a seed."""
    rng = random.Random(seed)
    queries: dict[str, None] = {}
    while len(queries) < n:
        queries[_vector(rng, _DEPTH)] = None
    return list(queries)


def _vector(rng: random.Random, depth: int) -> str:
    kinds = (_selected, _range_function, _aggregation, _call, _with_number, _with_vector, _set_operation, _parametrised)
    weights = (1, 3, 2, 1, 1.5, 1, 1, 1)
    chosen = rng.choices(kinds, weights)[0] if depth else _selected
    return chosen(rng, depth)


def _selected(rng: random.Random, _depth: int) -> str:
    return _body(rng) + rng.choice(_MODIFIERS)


def _range_function(rng: random.Random, depth: int) -> str:
    window = _range(rng, depth)
    match rng.randrange(12):
        case 0:
            return f"quantile_over_time({rng.choice((0.1, 0.5, 0.95, 1.2))}, {window})"
        case 1:
            # Of a window that `@` pins, Prometheus answers at the first steps alone.
            return f"predict_linear({_body(rng)}[11m], {rng.choice((60, 3600, -300))})"
        case 2:
            return f"{rng.choice(('changes', 'resets'))}({_body(rng)}[{rng.choice(('5m', '1h'))}])"
        case 3:
            return f"holt_winters({window}, {rng.choice((0.1, 0.5))}, {rng.choice((0.2, 0.9))})"
        case _:
            return f"{rng.choice(RANGE_FUNCTIONS)}({window})"


def _aggregation(rng: random.Random, depth: int) -> str:
    return f"{rng.choice(AGGREGATIONS)} {_grouping(rng)} ({_vector(rng, depth - 1)})"


def _parametrised(rng: random.Random, depth: int) -> str:
    """Aggregations with a parameter, histograms, label functions, absence."""
    match rng.randrange(6):
        case 0:
            # Of what was grouped before, Prometheus keeps ties in the order of a hash table.
            return f"{rng.choice(('topk', 'bottomk'))} {_grouping(rng)} ({rng.randint(1, 4)}, {_selected(rng, 0)})"
        case 1:
            return f"quantile {_grouping(rng)} ({rng.choice((0, 0.25, 0.9))}, {_vector(rng, depth - 1)})"
        case 2:
            return f'count_values {_grouping(rng)} ("value", round({_selected(rng, 0)}, 5))'
        case 3:
            grouped = f"sum by (le, {rng.choice(LABELS)}) (rate(latency_seconds_bucket[{rng.choice(('3m', '10m'))}]))"
            return f"histogram_quantile({rng.choice((0.1, 0.5, 0.99))}, {grouped})"
        case 4:
            label = rng.choice(LABELS)
            return f'label_replace({_vector(rng, depth - 1)}, "{label}", "$1-x", "{label}", "(.).*")'
        case _:
            inner = _vector(rng, depth - 1)
            return rng.choice((f"absent({inner})", f"vector(scalar({inner}))"))


def _call(rng: random.Random, depth: int) -> str:
    match rng.randrange(8):
        case 0:
            return f"clamp({_vector(rng, depth - 1)}, -2, 30)"
        case 1:
            return f"clamp_min({_vector(rng, depth - 1)}, 1)"
        case 2:
            return f"round({_selected(rng, 0)}, 0.5)"
        case 3:
            return f"{rng.choice(STEPS)}({_selected(rng, 0)})"
        case 4:
            return f"({_selected(rng, 0)} % {rng.choice((2, 7.5, -3))})"
        case _:
            return f"{rng.choice(SIMPLE)}({_vector(rng, depth - 1)})"


def _with_number(rng: random.Random, depth: int) -> str:
    # What is compared with is no result of the arithmetic: a comparison must not hang on a last bit.
    op = rng.choice(ARITHMETIC + COMPARISON)
    numbers = (0, 1, 2.5, -3, 100) if op in ARITHMETIC else (0.0131, 1.0171, 2.5191, -3.1131, 100.0371)
    sides = [_vector(rng, depth - 1), str(rng.choice(numbers))]
    rng.shuffle(sides)
    return f"({sides[0]} {op} {sides[1]})"


def _with_vector(rng: random.Random, depth: int) -> str:
    op = rng.choice(ARITHMETIC)
    left = f"sum by (service, model) ({_vector(rng, depth - 1)})"
    match rng.randrange(4):
        case 0:
            return f"({left} {op} on (service) group_left () sum by (service) ({_vector(rng, depth - 1)}))"
        case 1:
            return f"({left} {op} sum by (service, model) ({_vector(rng, depth - 1)}))"
        case 2:
            return f"({left} {op} on (service) group_left (owner) info)"
        case _:
            return f"({left} {op} ignoring (model) group_left () max by (service) ({_vector(rng, depth - 1)}))"


def _set_operation(rng: random.Random, depth: int) -> str:
    op = rng.choice(("and", "or", "unless"))
    return f"({_vector(rng, depth - 1)} {op} on ({rng.choice(LABELS)}) {_vector(rng, depth - 1)})"


def _grouping(rng: random.Random) -> str:
    return f"{rng.choice(('by', 'without'))} ({', '.join(rng.sample(LABELS, rng.randint(0, 2)))})"


def _range(rng: random.Random, depth: int) -> str:
    length = rng.choice(("2m", "5m", "11m", "1h"))
    if rng.random() < 0.25:
        step = rng.choice(("30s", "1m", "100s", ""))
        # Prometheus loses subqueries that `@` pins inside of subqueries, and samples that `@` pins inside of those with a negative offset.
        modifier = rng.choice(_SUBQUERY_MODIFIERS if depth == _DEPTH else _SUBQUERY_MODIFIERS[:2])
        return f"({_vector(rng, depth - 1)})[{length}:{step}]{modifier}"
    return f"{_body(rng)}[{length}]{rng.choice(_MODIFIERS)}"


def _body(rng: random.Random) -> str:
    return rng.choice(METRICS) + rng.choice(_MATCHERS)
