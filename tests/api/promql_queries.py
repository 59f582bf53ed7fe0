"""Queries that our engine and a real Prometheus must answer alike: picked by hand, and generated from a seed."""

import random
from typing import Final

PICKED: Final[tuple[str, ...]] = (
    # selectors, lookback, offset, @
    "requests_total",
    'requests_total{service="chat"}',
    'requests_total{service=~"c.*|batch",model!="small"}',
    'requests_total{service!~"c.+"}',
    '{__name__=~"errors_total|level"}',
    'level{nothing=""}',
    "requests_total offset 7m",
    "requests_total offset -7m",
    "requests_total @ 1699998000",
    "requests_total @ start()",
    "requests_total @ end() offset 3m",
    "brief",
    "lonely",
    "nothing",
    "extreme",
    # literals and scalars
    "1",
    "-1.5e-7",
    "Inf",
    "NaN",
    "0x1f",
    "1 + 2 * 3 ^ 2 % 4",
    "2 ^ 3 ^ 2",
    "-2 ^ 2",
    "1 > bool 2",
    "time() - 60",
    "scalar(lonely)",
    "scalar(requests_total)",
    "vector(time())",
    "pi()",
    # rates
    "rate(requests_total[5m])",
    "rate(requests_total[3m])",
    "rate(requests_total[90s])",
    "increase(requests_total[1h])",
    "delta(temperature[10m])",
    "irate(requests_total[5m])",
    "idelta(temperature[5m])",
    "deriv(temperature[20m])",
    "deriv(requests_total[7m])",
    "deriv(constant[10m])",
    "predict_linear(requests_total[30m], 3600)",
    "predict_linear(temperature[15m] offset 5m, -60)",
    "resets(requests_total[1h])",
    "changes(level[30m])",
    "changes(temperature[30m])",
    "holt_winters(requests_total[30m], 0.3, 0.6)",
    "rate(requests_total[5m] offset 10m)",
    "rate(requests_total[5m] @ 1700002800)",
    "rate(brief[5m])",
    "increase(errors_total[10m])",
    # over time
    "avg_over_time(temperature[10m])",
    "sum_over_time(temperature[10m])",
    "min_over_time(temperature[10m])",
    "max_over_time(temperature[10m])",
    "count_over_time(temperature[10m])",
    "stddev_over_time(level[15m])",
    "stdvar_over_time(requests_total[15m])",
    "last_over_time(brief[30m])",
    "present_over_time(brief[30m])",
    "quantile_over_time(0.75, temperature[20m])",
    "quantile_over_time(0.3, level[20m])",
    "quantile_over_time(-1, level[5m])",
    "quantile_over_time(2, level[5m])",
    "sum_over_time(extreme[8m])",
    "avg_over_time(extreme[2m])",
    "max_over_time(extreme[8m])",
    "absent_over_time(brief[5m])",
    'absent_over_time(nothing{a="b",c=~"d"}[5m])',
    # subqueries
    "max_over_time(rate(requests_total[5m])[30m:1m])",
    "avg_over_time(level[10m:])",
    "min_over_time(sum(level)[20m:90s] offset 5m)",
    "sum_over_time(time()[5m:1m])",
    "max_over_time(rate(requests_total[5m] @ end())[10m:1m] @ start())",
    "rate(requests_total[10m:30s])",
    "count_over_time(brief[20m:17s])",
    "max_over_time((deriv(level[5m]))[10m:2m])",
    # aggregations
    "sum(requests_total)",
    "sum by (service) (requests_total)",
    "sum without (model) (requests_total)",
    "avg by (service) (temperature)",
    "min by (model) (temperature)",
    "max(temperature)",
    "count by (floor) (level)",
    "group by (floor) (level)",
    "stddev by (floor) (level)",
    "stdvar(requests_total)",
    "quantile(0.9, level)",
    "quantile by (floor) (0.25, level)",
    "quantile(NaN, level)",
    "quantile(1.5, level)",
    "quantile(0.5, temperature)",
    "topk(3, level)",
    "bottomk(3, level)",
    "topk by (floor) (1, level)",
    "bottomk(2, temperature)",
    "topk(0, level)",
    "topk(scalar(lonely), level)",
    'count_values("value", level)',
    'count_values by (floor) ("value", level)',
    'count_values without (room) ("value", level)',
    'count_values("value", extreme)',
    "sum by (__name__) ({__name__=~'errors_total|level'})",
    "sum by (nothing) (level)",
    "avg(extreme)",
    # arithmetic and comparison
    "requests_total * 2",
    "2 - level",
    "level % 2",
    "level / 0",
    "level ^ 0.5",
    "-level",
    "level > 1",
    "1 < level",
    "level > bool 1",
    "level == 0",
    "level != level",
    "temperature >= -1",
    "level atan2 2",
    "requests_total / requests_total",
    "requests_total - requests_total offset 5m",
    "sum by (service) (rate(errors_total[5m])) / sum by (service) (rate(requests_total[5m]))",
    "errors_total / on (service, model) group_left requests_total",
    "errors_total / ignoring (code) group_left () requests_total",
    "requests_total * on (service) group_left (owner, tier) info",
    "info * on (service) group_right (owner) requests_total",
    "requests_total / ignoring (code) group_right errors_total",
    'errors_total{code="500"} > ignoring (code) errors_total{code="429"}',
    'errors_total{code="500"} <= bool ignoring (code) errors_total{code="429"}',
    "sum(level) > on () sum(level) / 2",
    "requests_total > on (service, model) temperature",
    # set operators
    "requests_total and on (service) info",
    "requests_total unless on (service) info",
    "brief or on (service) info",
    "brief or info",
    "level > 1 or level < 1",
    "level > 1 or level",
    "requests_total and requests_total > 500",
    "info unless brief",
    "level and on () (lonely > 0)",
    "vector(1) and on () nothing",
    # functions
    "abs(temperature)",
    "ceil(temperature)",
    "floor(temperature)",
    "round(temperature)",
    "round(temperature, 0.5)",
    "round(temperature, 5)",
    "exp(level)",
    "ln(level)",
    "log2(level)",
    "log10(requests_total)",
    "sqrt(temperature)",
    "sgn(temperature)",
    "clamp(temperature, -5, 5)",
    "clamp(temperature, 5, -5)",
    "clamp_min(temperature, 0)",
    "clamp_max(temperature, 0)",
    "sin(level) + cos(level) + tan(level)",
    "asinh(level) + atan(level) + deg(level) + rad(level)",
    "acosh(level) + atanh(level) + sinh(level) + cosh(level) + tanh(level) + asin(level) + acos(level)",
    "sort(level)",
    "sort_desc(requests_total)",
    "sort_desc(temperature)",
    "timestamp(requests_total)",
    "timestamp(requests_total offset 5m)",
    "timestamp(sum(level))",
    "minute()",
    "hour(vector(1700000000))",
    "day_of_week() + day_of_month() * 100 + day_of_year() * 10000",
    "days_in_month(vector(1709210096)) + month(vector(1709210096)) * 100 + year(vector(1709210096)) * 10000",
    "year(requests_total)",
    "hour(vector(-3601))",
    'absent(nothing{service="chat",model=~"x"})',
    'absent(requests_total{service="none"})',
    "absent(requests_total)",
    "absent(sum(nothing))",
    'label_replace(info, "who", "$1-$2", "owner", "(.)(.*)")',
    'label_replace(info, "who", "${first}", "owner", "(?P<first>.).*")',
    'label_replace(info, "owner", "", "owner", ".*")',
    'label_replace(info, "x", "a$1b", "nope", "(.*)")',
    'label_replace(info, "x", "$1x$$", "owner", "a(.*)")',
    'label_join(info, "all", "/", "owner", "tier", "service")',
    "histogram_quantile(0.9, rate(latency_seconds_bucket[5m]))",
    "histogram_quantile(0.5, sum by (le, service) (rate(latency_seconds_bucket[10m])))",
    'histogram_quantile(0.99, latency_seconds_bucket{le!="+Inf"})',
    "histogram_quantile(0, latency_seconds_bucket)",
    "histogram_quantile(1, latency_seconds_bucket)",
    "histogram_quantile(-1, latency_seconds_bucket)",
    "histogram_quantile(2, latency_seconds_bucket)",
    "sum(rate(latency_seconds_sum[5m])) / sum(rate(latency_seconds_count[5m]))",
)

INSTANT_ONLY: Final[tuple[str, ...]] = (
    "requests_total[3m]",
    'temperature{model="small"}[5m] offset 2m',
    "sum(level)[5m:1m]",
    '"a string"',
)

FAILING: Final[tuple[str, ...]] = (
    "sum(",
    "foo(level)",
    "rate(level)",
    "level[5m] + 1",
    "1 > 2",
    "{}",
    "info * on (service) requests_total",
    "requests_total * on (service) info",
    "level + on () level",
    "requests_total * on (service) group_left errors_total",
    'label_replace(level, "not-a-name", "", "", "")',
    'label_replace(level, "x", "$1", "room", "(")',
    'label_replace(level, "room", "same", "room", ".*")',
    'label_join(level, "bad name", "-", "room")',
    'count_values("bad name", level)',
    "rate({__name__=~'errors_total|requests_total'}[5m]) + rate(level[5m])",
    "-{__name__=~'latency_seconds_sum|latency_seconds_count'}",
    "topk(NaN, level)",
    "holt_winters(level[10m], 2, 0.5)",
    "level or 1",
)

_METRICS: Final = ("requests_total", "errors_total", "temperature", "level", "brief", "latency_seconds_count")
_RANGE_FUNCTIONS: Final = [
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "deriv",
    "resets",
    "changes",
    "avg_over_time",
    "sum_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "last_over_time",
    "present_over_time",
]
_SIMPLE: Final = ["abs", "ceil", "floor", "round", "sgn", "exp", "clamp_min", "sort"]
_AGGREGATIONS: Final = ["sum", "avg", "min", "max", "count", "stddev", "stdvar", "group"]
_LABELS: Final = ("service", "model", "code", "floor")


def generated(n: int, seed: int = 11) -> list[str]:
    """n queries, the same for a seed."""
    rng = random.Random(seed)
    return [_vector(rng, depth=3) for _ in range(n)]


def _vector(rng: random.Random, depth: int) -> str:
    choice = rng.random()
    if depth == 0 or choice < 0.1:
        return _selector(rng)
    if choice < 0.4:
        return f"{rng.choice(_RANGE_FUNCTIONS)}({_range(rng, depth)})"
    if choice < 0.6:
        mode = rng.choice(("by", "without"))
        labels = ", ".join(rng.sample(_LABELS, rng.randint(0, 2)))
        return f"{rng.choice(_AGGREGATIONS)} {mode} ({labels}) ({_vector(rng, depth - 1)})"
    if choice < 0.7:
        name = rng.choice(_SIMPLE)
        extra = ", 1" if name == "clamp_min" else ""
        return f"{name}({_vector(rng, depth - 1)}{extra})"
    if choice < 0.85:
        op = rng.choice(("+", "-", "*", "/", "%", ">", "<=", "> bool", "== bool"))
        sides = [_vector(rng, depth - 1), str(rng.choice((0, 1, 2.5, -3, 100)))]
        rng.shuffle(sides)
        return f"({sides[0]} {op} {sides[1]})"
    op = rng.choice(("and", "or", "unless"))
    label = rng.choice(_LABELS)
    return f"({_vector(rng, depth - 1)} {op} on ({label}) {_vector(rng, depth - 1)})"


def _range(rng: random.Random, depth: int) -> str:
    length = rng.choice(("2m", "5m", "11m", "1h"))
    if rng.random() < 0.25:
        return f"({_vector(rng, depth - 1)})[{length}:{rng.choice(('30s', '1m', '100s', ''))}]"
    return f"{_selector_body(rng)}[{length}]{_offset(rng)}"


def _selector(rng: random.Random) -> str:
    return _selector_body(rng) + _offset(rng)


def _selector_body(rng: random.Random) -> str:
    metric = rng.choice(_METRICS)
    matcher = rng.choice(("", "", '{service="chat"}', '{service=~"chat|batch"}', '{model!="small"}', '{floor!~"[01]"}'))
    return metric + matcher


def _offset(rng: random.Random) -> str:
    return rng.choice(("", "", "", " offset 3m", " offset -2m", " @ 1700001000", " @ start()"))
