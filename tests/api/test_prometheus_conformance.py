"""The same requests to Debian's Prometheus 2.42 and to our routes over the same samples: status, shape and, mostly, words."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from driftline_alerts.query import HttpQuerySource
from driftline_alerts.service import AlertEvaluator
from driftline_alerts.settings import AlertSettings
from driftline_api.promql.engine import EngineOptions
from driftline_api.promql.store_source import StoreSource
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from tests.alerts.numbers import Time
from tests.api.prometheus_rows import NOON, insert, rollup
from tests.api.promql_samples import running_prometheus
from tests.api.test_prometheus import app_over

T = int(NOON.timestamp())
MINUTE = timedelta(minutes=1)
END = T + 3 * 3600
RULES = """
groups:
  - name: conformance
    interval: 1s
    rules:
      - alert: Always
        expr: vector(5) > 4
        labels: {severity: page}
        annotations: {summary: 'at {{ $value }}'}
      - alert: Never
        expr: vector(5) > 6
        for: 5m
"""
REQUESTS = "driftline_requests_total"

Request = tuple[str, dict[str, Any]]
ALIKE: tuple[Request, ...] = (
    ("query", {"query": REQUESTS, "time": T + 600}),
    ("query", {"query": f"{REQUESTS}[2m]", "time": T + 600.5}),
    ("query", {"query": '"text"', "time": T}),
    ("query", {"query": "1", "time": "2026-11-20T12:00:00.25Z"}),
    ("query", {"query": "1", "time": T, "timeout": "1m"}),
    ("query", {"query": "nope", "time": T}),
    ("query", {}),
    ("query", {"query": ""}),
    ("query", {"query": "1", "time": "noon"}),
    ("query", {"query": "1", "time": "1e400"}),
    ("query", {"query": "1", "time": T, "timeout": "soon"}),
    ("query", {"query": "topk(NaN, vector(1))", "time": T}),
    ("query_range", {"query": REQUESTS, "start": T, "end": T + 600, "step": 60.5}),
    ("query_range", {"query": f"sum by (model) (rate({REQUESTS}[5m]))", "start": T, "end": T + 7200, "step": "1m"}),
    ("query_range", {"query": "nope", "start": T, "end": T + 600, "step": 60}),
    ("query_range", {"query": "1", "start": 0, "end": 11_000, "step": 1}),
    ("query_range", {"query": "1", "start": 0, "end": 11_001, "step": 1}),
    ("query_range", {}),
    ("query_range", {"query": "1", "start": 1}),
    ("query_range", {"query": "1", "start": 1, "end": 2}),
    ("query_range", {"query": "1", "start": 2, "end": 1, "step": 1}),
    ("query_range", {"query": "1", "start": 1, "end": 2, "step": 0}),
    ("query_range", {"query": "1", "start": 1, "end": 2, "step": "-1s"}),
    ("query_range", {"query": "1", "start": 1, "end": 2, "step": "x"}),
    ("query_range", {"query": "1", "start": "x", "end": 2, "step": 1}),
    ("query_range", {"query": "1", "start": 1, "end": "x", "step": 1}),
    ("query_range", {"query": "1", "start": 1, "end": 2, "step": 1, "timeout": "x"}),
    ("query_range", {"query": "", "start": 1, "end": 2, "step": 1}),
    ("query_range", {"query": '"text"', "start": 1, "end": 2, "step": 1}),
    ("query_range", {"query": "x[5m]", "start": 1, "end": 2, "step": 1}),
    ("labels", {}),
    ("labels", {"match[]": "driftline_errors_total", "start": T, "end": T + 60}),
    ("labels", {"match[]": '{a=""}'}),
    ("labels", {"start": "x"}),
    ("series", {}),
    ("series", {"match[]": "nope"}),
    ("series", {"match[]": ["driftline_errors_total", f'{REQUESTS}{{model="a"}}']}),
    ("series", {"match[]": "driftline_errors_total", "start": T - 9000, "end": T - 60}),
    ("series", {"match[]": "{}"}),
)
"""Answered alike as GET and as a form."""
GET_ALIKE: tuple[Request, ...] = (
    ("label/model/values", {}),
    ("label/__name__/values", {}),
    ("label/le/values", {"match[]": '{le=~"0.*"}'}),
    ("label/model/values", {"match[]": f'{REQUESTS}{{model="a"}}'}),
    ("label/model/values", {"start": T - 9000, "end": T - 60}),
    ("label/nope/values", {}),
    ("label/bad-name/values", {}),
    ("label/model/values", {"end": "x"}),
    ("metadata", {"metric": "nope"}),
    ("metadata", {"limit": "x"}),
    ("query_exemplars", {"query": REQUESTS, "start": T, "end": T + 60}),
    ("rules", {"type": "odd"}),
    ("rules", {}),
    ("alerts", {}),
)
BUT_FOR_THE_WORDS: tuple[Request, ...] = (
    ("query", {"query": "sum(", "time": T}),
    ("query", {"query": "nope(1)", "time": T}),
    ("query", {"query": REQUESTS, "time": T, "timeout": "0"}),
    ("query_range", {"query": "sum(", "start": 1, "end": 2, "step": 1}),
    ("query_range", {"query": "1", "start": 1, "end": 2, "step": "1e30"}),
    ("series", {"match[]": "x["}),
    ("series", {"match[]": "rate(x[5m])"}),
    ("series", {"match[]": "x offset 5m"}),
    ("labels", {"match[]": ""}),
    ("query_exemplars", {"query": "sum(", "start": T, "end": T + 60}),
)
"""Status and kind are the same, the parser's words are not."""


@pytest.fixture(scope="module")
def filled(engine: Store, engine_path: Path) -> Iterator[Store]:
    store = Store(StoreSettings(path=engine_path, database="conformance"))
    migrate(store)
    insert(
        store,
        "rollup_1m",
        [rollup(NOON + i * MINUTE, calls=6, errors=i % 2, model=model) for i in range(60) for model in ("a", "b")],
    )
    yield store
    store.command("DROP DATABASE IF EXISTS conformance SYNC")
    store.close()


@pytest.fixture(scope="module")
def ours(filled: Store) -> Iterator[TestClient]:
    with TestClient(app_over(filled), base_url="http://ours/prometheus/api/v1/") as client:
        yield client


@pytest.fixture(scope="module")
def theirs(
    filled: Store, system_binary: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    programs = system_binary("prometheus"), system_binary("promtool")
    series = StoreSource(filled, "default", clock=lambda: NOON + timedelta(hours=3)).select([], T * 1000, END * 1000)
    folder = tmp_path_factory.mktemp("conformance")
    with (
        running_prometheus(*programs, folder, series) as url,
        httpx.Client(base_url=f"{url}/api/v1/", timeout=30) as client,
    ):
        yield client


def asked(
    client: TestClient | httpx.Client, method: str, path: str, parameters: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    if method == "POST":
        answer: Any = client.post(path, data=parameters)
    else:
        answer = client.get(path, params=parameters)
    assert answer.headers["content-type"].startswith("application/json"), answer.text
    body: dict[str, Any] = answer.json()
    return answer.status_code, _sorted(body)


def _sorted(body: dict[str, Any]) -> dict[str, Any]:
    """Series in an order: Prometheus' is that of a hash table."""
    data = body.get("data")
    if isinstance(data, dict) and isinstance(data.get("result"), list) and data["resultType"] in ("vector", "matrix"):
        data["result"].sort(key=lambda one: sorted(one["metric"].items()))
    return body


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_queries_and_forms_are_answered_alike(ours: TestClient, theirs: httpx.Client, method: str) -> None:
    for path, parameters in ALIKE:
        assert asked(ours, method, path, parameters) == asked(theirs, method, path, parameters), (path, parameters)


@pytest.mark.parametrize(("path", "parameters"), GET_ALIKE)
def test_the_rest_is_answered_alike(
    ours: TestClient, theirs: httpx.Client, path: str, parameters: dict[str, Any]
) -> None:
    assert asked(ours, "GET", path, parameters) == asked(theirs, "GET", path, parameters)


@pytest.mark.parametrize(("path", "parameters"), BUT_FOR_THE_WORDS)
def test_what_does_not_parse_fails_alike(
    ours: TestClient, theirs: httpx.Client, path: str, parameters: dict[str, Any]
) -> None:
    (status, mine), (other_status, other) = (asked(client, "GET", path, parameters) for client in (ours, theirs))
    assert (status, mine["status"], mine["errorType"]) == (other_status, other["status"], other["errorType"])
    assert mine.keys() == other.keys()
    about = [re.match(r'invalid parameter "[a-z\[\]]+": ', error) for error in (mine["error"], other["error"])]
    assert about[0] == about[1] or (about[0] and about[1] and about[0].group() == about[1].group())


def test_methods_that_are_not_there_are_refused_alike(ours: TestClient, theirs: httpx.Client) -> None:
    for method, path in (("PUT", "query"), ("DELETE", "labels"), ("POST", "rules"), ("POST", "label/model/values")):
        assert ours.request(method, path).status_code == theirs.request(method, path).status_code == 405
    assert ours.get("nope").status_code == theirs.get("nope").status_code == 404


def test_too_many_samples_are_refused_in_the_same_words(
    filled: Store, system_binary: Callable[[str], str], tmp_path: Path
) -> None:
    form = {"query": "vector(1)", "start": T, "end": T + 200, "step": 1}
    programs = system_binary("prometheus"), system_binary("promtool")
    with (
        running_prometheus(*programs, tmp_path, [], "--query.max-samples=100") as url,
        httpx.Client(base_url=f"{url}/api/v1/") as theirs,
        TestClient(
            app_over(filled, options=EngineOptions(max_samples=100)), base_url="http://ours/prometheus/api/v1/"
        ) as ours,
    ):
        refused = asked(theirs, "POST", "query_range", form)
        assert refused[1]["errorType"] == "execution"
        assert asked(ours, "POST", "query_range", form) == refused


def test_build_information_has_the_same_fields(ours: TestClient, theirs: httpx.Client) -> None:
    mine, other = (client.get("status/buildinfo").json()["data"] for client in (ours, theirs))
    assert mine.keys() == other.keys()
    assert other["version"].startswith(mine["version"])


def shape(value: Any) -> Any:
    """Types instead of values; of a list the set of its shapes."""
    match value:
        case dict():
            return {key: shape(inner) for key, inner in value.items()}
        case list():
            return sorted({repr(shape(inner)) for inner in value})
        case int() | float():
            return "number"
        case _:
            return type(value).__name__


def test_rules_and_alerts_have_prometheus_shape(
    filled: Store, system_binary: Callable[[str], str], tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    with running_prometheus(system_binary("prometheus"), system_binary("promtool"), tmp_path, [], rules=rules) as url:
        theirs = httpx.Client(base_url=f"{url}/api/v1/")
        until = time.monotonic() + 20
        while not theirs.get("alerts").json()["data"]["alerts"]:
            assert time.monotonic() < until, "the rule did not fire"
            time.sleep(0.1)
        clock = Time(datetime.fromtimestamp(time.time() // 60 * 60, UTC))
        evaluator = AlertEvaluator(
            AlertSettings(rule_paths=(rules,), query_offset_s=0), filled, HttpQuerySource(url), clock
        )
        evaluator.evaluate_once()
        with TestClient(app_over(filled, alerts=evaluator), base_url="http://ours/prometheus/api/v1/") as ours:
            mine, other = (client.get("rules").json()["data"]["groups"][0] for client in (ours, theirs))
            my_alert, their_alert = (client.get("alerts").json()["data"]["alerts"][0] for client in (ours, theirs))
        evaluator.stop(deadline_s=1)
        theirs.close()
    my_rules, their_rules = mine.pop("rules"), other.pop("rules")
    assert shape(mine) == shape(other)
    for my_rule, their_rule in zip(my_rules, their_rules, strict=True):
        assert my_rule.keys() == their_rule.keys()
        same = ("name", "query", "duration", "keepFiringFor", "labels", "annotations", "state", "health", "type")
        assert {key: my_rule[key] for key in same} == {key: their_rule[key] for key in same}
    assert my_alert.keys() == their_alert.keys()
    same_alert = ("labels", "state", "value")
    assert {key: my_alert[key] for key in same_alert} == {key: their_alert[key] for key in same_alert}
    assert datetime.fromisoformat(my_alert["activeAt"]).tzinfo is not None
