"""The Prometheus HTTP API: shapes, errors, projects, and Prometheus' own clients against it."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from driftline_api.promql.engine import EngineOptions
from driftline_api.routes.prometheus import prometheus_router
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from tests.api.prometheus_rows import NOON, finding, insert, rollup
from tests.ports import free_port

T = int(NOON.timestamp())
MINUTE = timedelta(minutes=1)


class Alerts:
    """An evaluator's view with one alerting and one recording rule."""

    def rules_payload(self) -> dict[str, Any]:
        rules = [{"name": "Drift", "type": "alerting"}, {"name": "a:b:c", "type": "recording"}]
        return {"groups": [{"name": "g", "file": "f", "interval": 60, "rules": rules}]}

    def alerts_payload(self) -> dict[str, Any]:
        return {"alerts": [{"labels": {"alertname": "Drift"}, "state": "firing"}]}


def app_over(store: Store, **changes: Any) -> FastAPI:
    app = FastAPI()
    app.include_router(
        prometheus_router(store, **{"alerts": None, "clock": lambda: NOON + timedelta(hours=3), **changes})
    )
    return app


@pytest.fixture(scope="module")
def filled(engine: Store, engine_path: Path) -> Iterator[Store]:
    """A store with an hour of two models' traffic and one finding; no test changes it."""
    store = Store(StoreSettings(path=engine_path, database="prometheus_api"))
    migrate(store)
    insert(
        store,
        "rollup_1m",
        [rollup(NOON + i * MINUTE, calls=6, errors=i % 2, model=model) for i in range(60) for model in ("a", "b")],
    )
    insert(store, "findings", [finding(NOON)])
    yield store
    store.command("DROP DATABASE IF EXISTS prometheus_api SYNC")
    store.close()


@pytest.fixture(scope="module")
def client(filled: Store) -> Iterator[TestClient]:
    with TestClient(app_over(filled)) as client:
        yield client


def get(client: TestClient, path: str, **parameters: Any) -> Any:
    answer = client.get(f"/prometheus/api/v1/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["status"] == "success"
    return body["data"]


def test_an_instant_query_answers_a_vector_of_strings(client: TestClient) -> None:
    query = "sum by (model) (rate(driftline_requests_total[5m]))"
    data = get(client, "query", query=query, time=T + 1800)
    assert data["resultType"] == "vector"
    assert [(one["metric"], one["value"]) for one in data["result"]] == [
        ({"model": "a"}, [T + 1800, "0.1"]),
        ({"model": "b"}, [T + 1800, "0.1"]),
    ]


def test_a_form_is_read_like_a_url(client: TestClient) -> None:
    form = {"query": 'driftline_requests_total{model="a"}', "start": str(T), "end": f"{T + 120}", "step": "1m"}
    by_form = client.post("/prometheus/api/v1/query_range", data=form).json()
    by_url = client.get("/prometheus/api/v1/query_range", params=form).json()
    assert by_form == by_url
    assert by_form["data"]["resultType"] == "matrix"
    assert by_form["data"]["result"][0]["values"] == [[T, "0"], [T + 60, "6"], [T + 120, "12"]]


def test_times_may_be_rfc_3339(client: TestClient) -> None:
    at = "2026-11-20T13:30:00.5+01:00"
    assert get(client, "query", query="time()", time=at) == {
        "resultType": "scalar",
        "result": [T + 1800.5, str(T + 1800.5)],
    }


def test_without_a_time_it_is_now(client: TestClient) -> None:
    assert get(client, "query", query="time()")["result"][1] == str(T + 3 * 3600)


@pytest.mark.parametrize(
    ("expr", "text"),
    [("1/0", "+Inf"), ("-1/0", "-Inf"), ("0/0", "NaN"), ("1e-7", "1e-07"), ("1e21", "1e+21"), ("0.1", "0.1")],
)
def test_numbers_are_written_as_prometheus_writes_them(client: TestClient, expr: str, text: str) -> None:
    assert get(client, "query", query=expr)["result"][1] == text


@pytest.mark.parametrize(
    ("path", "parameters", "status_kind", "message"),
    [
        ("query", {}, (400, "bad_data"), 'invalid parameter "query"'),
        ("query", {"query": "sum("}, (400, "bad_data"), "parse error"),
        ("query", {"query": "1", "time": "noon"}, (400, "bad_data"), 'cannot parse "noon" to a valid timestamp'),
        ("query", {"query": "1", "timeout": "soon"}, (400, "bad_data"), 'invalid parameter "timeout"'),
        ("query", {"query": "(" * 5000 + "1" + ")" * 5000}, (400, "bad_data"), "at most 4096 characters"),
        ("query", {"query": "-" * 200 + "time()"}, (400, "bad_data"), "at most 100 expressions"),
        ("query_range", {"query": "1", "start": 9, "end": 1, "step": 1}, (400, "bad_data"), "end timestamp must not be before"),
        ("query_range", {"query": "1", "start": 1, "end": 9, "step": 0}, (400, "bad_data"), "zero or negative query resolution"),
        ("query_range", {"query": "1", "start": 1, "end": 9, "step": "x"}, (400, "bad_data"), "to a valid duration"),
        ("query_range", {"query": "1", "start": 0, "end": 11001, "step": 1}, (400, "bad_data"), "11,000 points"),
        ("query_range", {"query": "x[5m]", "start": 0, "end": 1, "step": 1}, (400, "bad_data"), 'invalid expression type "range vector"'),
        ("query", {"query": "topk(NaN, vector(1))"}, (422, "execution"), "overflows int64"),
        ("series", {}, (400, "bad_data"), "no match[] parameter provided"),
        ("series", {"match[]": "rate(x[5m])"}, (400, "bad_data"), 'invalid parameter "match[]"'),
        ("label/bad-name/values", {}, (400, "bad_data"), 'invalid label name: "bad-name"'),
        ("labels", {"limit": "-1"}, (400, "bad_data"), "limit must be non-negative"),
        ("rules", {"type": "odd"}, (400, "bad_data"), "not supported value"),
        ("query", {"query": "1", "x-driftline-project": "No Such"}, (400, "bad_data"), "expected a project like"),
    ],
)  # fmt: skip
def test_errors_have_prometheus_shape_and_status(
    client: TestClient, path: str, parameters: dict[str, Any], status_kind: tuple[int, str], message: str
) -> None:
    answer = client.get(f"/prometheus/api/v1/{path}", params=parameters)
    body = answer.json()
    assert (answer.status_code, body["errorType"], body["status"]) == (*status_kind, "error")
    assert message in body["error"]


def test_a_query_past_its_deadline_is_a_timeout(client: TestClient) -> None:
    answer = client.get("/prometheus/api/v1/query", params={"query": "driftline_requests_total", "timeout": "0.000"})
    assert answer.status_code == 503
    assert answer.json()["errorType"] == "timeout"


def test_a_form_that_is_not_utf8_is_refused(client: TestClient) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.post("/prometheus/api/v1/query", content=b"query=\xff\xfe", headers=headers)
    assert (answer.status_code, answer.json()["errorType"]) == (400, "bad_data")


def test_labels_values_and_series_answer_from_what_is_there(client: TestClient) -> None:
    names = get(client, "label/__name__/values")
    assert "driftline_requests_total" in names
    assert "driftline_request_duration_seconds_bucket" in names
    assert "driftline_outlier_ratio" not in names
    assert get(client, "label/model/values", **{"match[]": "driftline_requests_total"}) == ["a", "b"]
    assert get(client, "label/reference/values") == ["week-1"]
    assert get(client, "labels", **{"match[]": "driftline_drift_score"}) == [
        "__name__", "analyzer", "field", "model", "reference", "segment", "segment_by", "service",
    ]  # fmt: skip
    found = get(client, "series", **{"match[]": 'driftline_errors_total{model="b"}'})
    assert [one["model"] for one in found] == ["b"]
    before = get(client, "series", **{"match[]": "driftline_errors_total", "end": T - 60})
    assert before == []


def test_a_limit_cuts_and_says_so(client: TestClient) -> None:
    body = client.get("/prometheus/api/v1/label/model/values", params={"limit": 1}).json()
    assert body["data"] == ["a"]
    assert body["warnings"] == ["results truncated due to limit"]


def test_metadata_tells_type_unit_and_help(client: TestClient) -> None:
    data = get(client, "metadata", metric="driftline_request_duration_seconds")
    assert data["driftline_request_duration_seconds"][0]["type"] == "histogram"
    assert data["driftline_request_duration_seconds"][0]["unit"] == "seconds"
    assert len(get(client, "metadata", limit=2)) == 2


def test_buildinfo_names_the_prometheus_that_is_spoken(client: TestClient) -> None:
    assert get(client, "status/buildinfo")["version"] == "2.42.0"


def test_rules_and_alerts_are_the_evaluators(filled: Store, client: TestClient) -> None:
    assert get(client, "rules") == {"groups": []}
    assert get(client, "alerts") == {"alerts": []}
    with TestClient(app_over(filled, alerts=Alerts())) as with_alerts:
        assert [rule["name"] for rule in get(with_alerts, "rules")["groups"][0]["rules"]] == ["Drift", "a:b:c"]
        assert [rule["name"] for rule in get(with_alerts, "rules", type="record")["groups"][0]["rules"]] == ["a:b:c"]
        assert get(with_alerts, "alerts")["alerts"][0]["state"] == "firing"


def test_a_query_is_bound_to_its_project(client: TestClient) -> None:
    parameters: dict[str, str | int] = {"query": "driftline_requests_total", "time": T + 1800}
    path = "/prometheus/api/v1/query"
    assert len(client.get(path, params=parameters).json()["data"]["result"]) == 2
    other = client.get(path, params=parameters, headers={"x-driftline-project": "other"})
    assert other.json()["data"]["result"] == []
    assert client.get(path, params={**parameters, "x-driftline-project": "other"}).json()["data"]["result"] == []


def test_too_many_samples_fail_the_query(filled: Store) -> None:
    with TestClient(app_over(filled, options=EngineOptions(max_samples=100))) as client:
        form = {"query": "driftline_requests_total", "start": T, "end": T + 3600, "step": 60}
        answer = client.post("/prometheus/api/v1/query_range", data=form)
    assert answer.status_code == 422
    assert "too many samples" in answer.json()["error"]


def test_the_openapi_document_has_every_route_once(filled: Store) -> None:
    paths = app_over(filled).openapi()["paths"]
    assert "/prometheus/api/v1/query_range" in paths
    assert list(paths["/prometheus/api/v1/query"]) == ["get"]


def test_promtool_queries_the_api(filled: Store, system_binary: Callable[[str], str]) -> None:
    promtool = system_binary("promtool")
    with serving(app_over(filled)) as url:
        base = f"{url}/prometheus"
        at = str(T + 1800)

        def run(*arguments: str) -> str:
            done = subprocess.run(
                [promtool, "query", *arguments], capture_output=True, text=True, timeout=30, check=False
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        instant = run("instant", f"--time={at}", base, "sum(rate(driftline_requests_total[5m]))")
        assert instant.strip() == f"{{}} => 0.2 @[{at}]"
        matrix = run("range", f"--start={T}", f"--end={T + 120}", "--step=60s", base, "sum(driftline_requests_total)")
        assert matrix.splitlines() == ["{} =>", f"0 @[{T}]", f"12 @[{T + 60}]", f"24 @[{T + 120}]"]
        assert run("labels", base, "model").split() == ["a", "b", "gpt-4o"]
        series = run("series", "--match=driftline_drift_score", f"--start={T}", f"--end={T + 60}", base)
        assert 'reference="week-1"' in series


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The app on a port of the loopback interface; yields its URL."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
