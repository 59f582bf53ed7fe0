"""`driftline dashboards check`, asked of a live API over the store of the panels' tests, and of what is no query API."""

import json
from collections.abc import Iterator

import pytest

from driftline_api.app import create_app
from driftline_api.settings import ApiSettings
from driftline_cli.dashboards import run_check
from driftline_core.errors import ConfigError
from driftline_core.store import Store
from driftline_dashboards import QueryApiError, check_dashboards, load_dashboards
from driftline_dashboards.check import with_choices
from tests.api.records import NOON
from tests.api.test_prometheus import serving
from tests.dashboards.fake_grafana import FakeGrafana

BROKEN = {
    "uid": "broken",
    "panels": [
        {"title": title, "targets": [{"expr": expr, "datasource": {"uid": source}}]}
        for title, expr, source in (
            ("syntax", "sum(", "${datasource}"),
            ("nothing", "driftline_nothing", "${datasource}"),
            ("one", "vector(1)", "${datasource}"),
            ("elsewhere", "up", "${prometheus}"),
        )
    ],
    "annotations": {"list": []},
}


@pytest.fixture(scope="module")
def query_api(store: Store) -> Iterator[str]:
    with serving(create_app(ApiSettings(), store, clock=lambda: NOON)) as url:
        yield f"{url}/prometheus"


def test_every_query_of_the_shipped_dashboards_has_data(query_api: str) -> None:
    queries = check_dashboards(query_api)
    assert {query.dashboard for query in queries} == {dashboard["uid"] for dashboard in load_dashboards()}
    outcomes = {(query.outcome, query.panel.startswith("annotation New")) for query in queries}
    # New versions and references are marks of a moment, which is not this one.
    assert outcomes == {("data", False), ("not asked", False), ("empty", True)}, [
        query for query in queries if query.outcome in ("empty", "refused")
    ]
    asked_elsewhere = {query.dashboard for query in queries if query.outcome == "not asked"}
    assert asked_elsewhere == {"driftline-gpu", "driftline-pipeline"}


def test_what_is_refused_empty_or_not_asked_is_told_apart(query_api: str) -> None:
    queries = check_dashboards(query_api, dashboards=[BROKEN])
    assert [(query.panel, query.outcome) for query in queries] == [
        ("syntax", "refused"),
        ("nothing", "empty"),
        ("one", "data"),
        ("elsewhere", "not asked"),
    ]
    assert "parse error" in queries[0].error
    elsewhere = check_dashboards(query_api, own_prometheus_url=query_api, dashboards=[BROKEN])[-1]
    assert elsewhere.outcome == "empty"


def test_the_command_says_so_and_its_status_too(
    query_api: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driftline_dashboards.check.load_dashboards", lambda: [BROKEN])
    options = {"own_prometheus_url": None, "project": "default", "at_s": None}
    assert run_check(query_api, **options, is_json=False) == 1  # type: ignore[arg-type]  # keywords of several types
    told = capsys.readouterr().out
    assert "refused broken, syntax:" in told
    assert "empty broken: nothing" in told
    assert run_check(query_api, **options, is_json=True) == 1  # type: ignore[arg-type]
    assert [query["outcome"] for query in json.loads(capsys.readouterr().out)["queries"]] == [
        "refused", "empty", "data", "not asked"
    ]  # fmt: skip
    monkeypatch.setattr("driftline_dashboards.check.load_dashboards", lambda: [{**BROKEN, "panels": []}])
    assert run_check(query_api, **options, is_json=False) == 0  # type: ignore[arg-type]


def test_what_is_no_query_api_is_an_error_and_not_an_empty_answer(grafana: FakeGrafana) -> None:
    with pytest.raises(QueryApiError, match="expected a Prometheus query API at"):
        check_dashboards(grafana.url, dashboards=[BROKEN])
    with pytest.raises(QueryApiError, match="cannot be reached: ConnectError"):
        check_dashboards("http://127.0.0.1:9/prometheus", dashboards=[BROKEN])
    with pytest.raises(ConfigError, match="expected the query API's address like"):
        check_dashboards("127.0.0.1:8000", dashboards=[BROKEN])


def test_choices_are_filled_in_as_grafana_does() -> None:
    expr = 'sum(rate(a{service=~"$service",b="x"}[$__rate_interval]))'
    assert with_choices(expr) == 'sum(rate(a{service=~".*",b="x"}[4m]))'
    assert with_choices(expr, chosen="shop") == 'sum(rate(a{service=~"shop",b="x"}[4m]))'
