"""The same samples and queries in Debian's Prometheus 2.42 and in our engine give the same answers."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from driftline_api.promql.engine import PromqlEngine
from driftline_api.promql.errors import PromqlError
from driftline_api.promql.parsing import KNOWN_FUNCTIONS
from driftline_api.promql.payload import result_json
from tests.api.promql_generator import generated
from tests.api.promql_queries import FAILING, INSTANT_ONLY, PICKED
from tests.api.promql_samples import START, MemorySource, make_series, running_prometheus

INSTANTS = (START + 3600, START + 5405.5)
RANGES = ((START + 1800, START + 7200, 300), (START + 3000, START + 3300, 17))
N_GENERATED = 400
GRAMMAR = tuple((Path(__file__).parent / "promql_grammar.txt").read_text(encoding="utf-8").splitlines())
"""One expression a line, valid or not: what the parser makes of it."""
FUNCTIONS = """
abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp clamp_max clamp_min cos cosh
count_over_time day_of_month day_of_week day_of_year days_in_month deg delta deriv exp floor histogram_count
histogram_fraction histogram_quantile histogram_sum holt_winters hour idelta increase irate label_join label_replace
last_over_time ln log10 log2 max_over_time min_over_time minute month pi predict_linear present_over_time quantile_over_time
rad rate resets round scalar sgn sin sinh sort sort_desc sqrt stddev_over_time stdvar_over_time sum_over_time tan tanh time
timestamp vector year
"""
"""All functions of Prometheus 2.42."""
LATER = {"sort_by_label", "sort_by_label_desc", "mad_over_time", "double_exponential_smoothing"}
DOCS = Path(__file__).parents[2] / "docs" / "promql.md"
DIFFERENCES = (
    "5m",
    "level[5]",
    "level offset 5",
    '{"level"}',
    'sum by ("room") (level)',
    'sort_by_label(level, "room")',
    "mad_over_time(level[5m])",
    "double_exponential_smoothing(level[10m], 0.5, 0.5)",
    "level @ 1e18",
    "hour(vector(NaN))",
    "predict_linear(level[5m] @ start(), 60)",
    "count_over_time(changes((level @ start())[1h:1m] @ start())[1h:100s])",
    'max_over_time((brief{service="chat"} @ 1700001000)[2m:] offset -2m)',
    'label_replace(info, "x", "${10}", "owner", "(.)()()()()()()()()(.*)")',
)
"""What is answered otherwise; each is in docs/promql.md with its reason."""


@pytest.fixture(scope="module")
def prometheus(system_binary: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    programs = system_binary("prometheus"), system_binary("promtool")
    folder = tmp_path_factory.mktemp("prometheus")
    with running_prometheus(*programs, folder, make_series()) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def promql() -> PromqlEngine:
    return PromqlEngine(MemorySource(make_series()))


def difference(query: str, ours: Any, theirs: Any) -> str | None:
    """Why two `data` objects are not the same answer; None when they are."""
    if ours["resultType"] != theirs["resultType"]:
        return f"type {ours['resultType']}, expected {theirs['resultType']}"
    a, b = ours["result"], theirs["result"]
    if ours["resultType"] == "string":
        return None if a == b else f"{a}, expected {b}"
    if ours["resultType"] == "scalar":
        return _sample_difference([a], [b])
    if not query.startswith(("sort", "topk", "bottomk")):
        # Elsewhere the order is that of a hash table in Prometheus and changes from run to run.
        a, b = (sorted(answer, key=lambda one: sorted(one["metric"].items())) for answer in (a, b))
    if [one["metric"] for one in a] != [one["metric"] for one in b]:
        return f"series {[one['metric'] for one in a]}, expected {[one['metric'] for one in b]}"
    for mine, other in zip(a, b, strict=True):
        key = "value" if "value" in other else "values"
        samples = ([mine[key]], [other[key]]) if key == "value" else (mine[key], other[key])
        if (reason := _sample_difference(*samples)) is not None:
            return f"{other['metric']}: {reason}"
    return None


def _sample_difference(a: list[Any], b: list[Any]) -> str | None:
    if [time for time, _ in a] != [time for time, _ in b]:
        return f"times {[time for time, _ in a][:20]}, expected {[time for time, _ in b][:20]}"
    for (time, mine), (_, other) in zip(a, b, strict=True):
        x, y = float(mine), float(other)
        is_same = (math.isnan(x) and math.isnan(y)) or x == y or math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-11)
        if not is_same:
            return f"at {time}: {mine}, expected {other}"
    return None


def ask(run: Callable[[], Any]) -> dict[str, Any]:
    """Our answer, in Prometheus' envelope."""
    try:
        return {"status": "success", "data": orjson.loads(result_json(run()))}
    except PromqlError as error:
        return {"status": "error", "errorType": error.kind, "error": str(error)}


def compare(query: str, ours: dict[str, Any], theirs: dict[str, Any]) -> str | None:
    if ours["status"] != theirs["status"]:
        return f"{ours.get('error', 'success')}, expected {theirs.get('error', 'success')}"
    if theirs["status"] == "error":
        kinds = ours["errorType"], theirs["errorType"]
        return None if kinds[0] == kinds[1] else f"{kinds[0]}, expected {kinds[1]}: {theirs['error']}"
    return difference(query, ours["data"], theirs["data"])


def disagreements(
    queries: list[str], prometheus: httpx.Client, promql: PromqlEngine, *, with_ranges: bool
) -> list[str]:
    found = []
    for query in queries:
        for time in INSTANTS:
            theirs = prometheus.post("/api/v1/query", data={"query": query, "time": time}).json()
            reason = compare(query, ask(lambda q=query, t=time: promql.instant(q, t)), theirs)  # type: ignore[misc]
            if reason is not None:
                found.append(f"{query}  at {time}: {reason}")
        for start, end, step in RANGES if with_ranges else ():
            form = {"query": query, "start": start, "end": end, "step": step}
            theirs = prometheus.post("/api/v1/query_range", data=form).json()
            reason = compare(query, ask(lambda q=query, s=start, e=end, d=step: promql.range(q, s, e, d)), theirs)  # type: ignore[misc]
            if reason is not None:
                found.append(f"{query}  from {start} to {end} by {step}: {reason}")
    return found


def test_hand_picked_queries_agree_with_prometheus(prometheus: httpx.Client, promql: PromqlEngine) -> None:
    found = disagreements(list(PICKED), prometheus, promql, with_ranges=True)
    assert not found, "\n".join(found)


def test_range_selectors_and_strings_agree_as_instant_queries(prometheus: httpx.Client, promql: PromqlEngine) -> None:
    found = disagreements(list(INSTANT_ONLY), prometheus, promql, with_ranges=False)
    assert not found, "\n".join(found)


def test_generated_queries_agree_with_prometheus(prometheus: httpx.Client, promql: PromqlEngine) -> None:
    found = disagreements(generated(N_GENERATED), prometheus, promql, with_ranges=True)
    assert not found, "\n".join(found)


def test_the_grammar_is_the_same(prometheus: httpx.Client, promql: PromqlEngine) -> None:
    found = disagreements(list(GRAMMAR), prometheus, promql, with_ranges=True)
    assert not found, "\n".join(found)


def test_every_function_of_prometheus_is_there_and_no_other(prometheus: httpx.Client) -> None:
    assert set(FUNCTIONS.split()) | LATER == KNOWN_FUNCTIONS
    for name in KNOWN_FUNCTIONS:
        # With too many arguments: what is complained about tells whether the function is known.
        answer = prometheus.post("/api/v1/query", data={"query": f"{name}(1, 1, 1, 1, 1, 1)"}).json()
        assert ("unknown function" in answer["error"] if "error" in answer else False) is (name in LATER), name


def test_at_least_three_hundred_different_queries_are_compared() -> None:
    assert len({*PICKED, *INSTANT_ONLY, *GRAMMAR, *FAILING, *generated(N_GENERATED)}) >= 900


@pytest.mark.parametrize("query", DIFFERENCES)
def test_a_known_difference_is_one_and_is_documented(
    prometheus: httpx.Client, promql: PromqlEngine, query: str
) -> None:
    assert disagreements([query], prometheus, promql, with_ranges=True)
    assert query in DOCS.read_text(encoding="utf-8")


def test_failing_queries_fail_alike(prometheus: httpx.Client, promql: PromqlEngine) -> None:
    found = disagreements(list(FAILING), prometheus, promql, with_ranges=True)
    assert not found, "\n".join(found)
