"""Every query of every panel, asked as Grafana would of the live API over a real store, and of a real Prometheus with the same samples."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from driftline_api.app import create_app
from driftline_api.promql.parsing import parse_selector
from driftline_api.promql.store_source import StoreSource
from driftline_api.promql.values import Series
from driftline_api.settings import ApiSettings
from driftline_core.store import Store
from driftline_dashboards import load_dashboards
from tests.api.promql_samples import running_prometheus
from tests.api.records import NOON
from tests.api.test_promql_differential import compare

HERE = "${datasource}"


@pytest.fixture(scope="module")
def api(store: Store) -> Iterator[TestClient]:
    with TestClient(create_app(ApiSettings(), store, clock=lambda: NOON), base_url="http://127.0.0.1") as client:
        yield client


def asked(expr: str, chosen: str) -> str:
    return re.sub(r'"\$[a-z]+"', json.dumps(chosen), expr.replace("$__rate_interval", "4m"))


def questions() -> list[tuple[str, str, bool]]:
    """(dashboard and panel, expression, whether it is of one moment) of every query to Driftline, with everything chosen."""
    found = {
        (asked(target["expr"], ".*"), target.get("instant", False)): f"{dashboard['uid']}: {panel['title']}"
        for dashboard in load_dashboards()
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
        if panel["datasource"]["uid"] == HERE
    }
    return [(title, expr, is_instant) for (expr, is_instant), title in found.items()]


def answer(api: TestClient, path: str, **form: Any) -> dict[str, Any]:
    """What the query API answers to a form, as Grafana sends it."""
    body: dict[str, Any] = api.post(f"/prometheus/api/v1/{path}", data=form).json()
    return body


def results(api: TestClient, expr: str) -> list[dict[str, Any]]:
    body = answer(api, "query", query=expr, time=NOON.timestamp())
    assert body["status"] == "success", f"{expr}: {body}"
    found: list[dict[str, Any]] = body["data"]["result"]
    return found


def test_every_annotation_marks_something(api: TestClient) -> None:
    at = NOON.timestamp()
    exprs = {
        annotation["name"]: asked(annotation["expr"], ".*")
        for dashboard in load_dashboards()
        for annotation in dashboard["annotations"]["list"]
    }
    for name, expr in exprs.items():
        marks = answer(api, "query_range", query=expr, start=at - 6 * 3600, end=at, step=60)
        assert marks["data"]["result"], f"{name}: {expr}"
    (version, *_) = answer(api, "query_range", query=exprs["New versions"], start=at - 6 * 3600, end=at, step=60)[
        "data"
    ]["result"]
    assert len(version["values"]) == 5, "the first five minutes of a version, and no more"


def test_a_real_prometheus_with_the_same_samples_gives_the_same(
    api: TestClient, store: Store, system_binary: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    at = NOON.timestamp()
    source = StoreSource(store, "default", clock=lambda: NOON)
    everything = parse_selector('{__name__=~".+"}')
    # OpenMetrics has no staleness markers; nothing ends within five minutes of the times that are compared.
    samples = [without_markers(one) for one in source.select(everything, int(at - 30 * 3600) * 1000, int(at) * 1000)]
    programs = system_binary("prometheus"), system_binary("promtool")
    found = []
    with (
        running_prometheus(*programs, tmp_path_factory.mktemp("prometheus"), samples) as url,
        httpx.Client(base_url=url, timeout=30) as prometheus,
    ):
        for title, expr, is_instant in questions():
            times = {"time": at} if is_instant else {"start": at - 1200, "end": at, "step": 300}
            path, form = "query" if is_instant else "query_range", {"query": expr, **times}
            ours, theirs = answer(api, path, **form), prometheus.post(f"/api/v1/{path}", data=form).json()
            reason = compare(expr, ours, theirs)
            if reason is None and (not ours["data"]["result"] or "NaN" in json.dumps(ours)):
                reason = "expected figures, got nothing or NaN"
            if reason is not None:
                found.append(f"{title} ({path}): {reason}\n    {expr}")
    assert not found, "\n".join(found)


def without_markers(series: Series) -> Series:
    kept = ~np.isnan(series.values)
    return Series(labels=series.labels, timestamps=series.timestamps[kept], values=series.values[kept])


def value(api: TestClient, uid: str, title: str) -> float:
    """The only value of a panel's first query."""
    (one,) = results(api, first_query(uid, title))
    return float(one["value"][1])


def first_query(uid: str, title: str) -> str:
    dashboard = next(one for one in load_dashboards() if one["uid"] == f"driftline-{uid}")
    panel = next(panel for panel in dashboard["panels"] if panel["title"] == title)
    return asked(panel["targets"][0]["expr"], ".*")


def test_the_figures_are_right(api: TestClient) -> None:
    flagged = {
        one["metric"]["analyzer"]: one["value"][1]
        for one in results(api, first_query("overview", "Flagged share of an hour's calls"))
    }
    assert float(flagged["grounding"]) == pytest.approx(3 / 20)
    assert value(api, "overview", "Requests per second") == pytest.approx(2 / 60)
    assert value(api, "overview", "Segments in drift") == 1
    # 60 calls an hour of the one model with a price: 890 + 100 + 10 input and 200 output tokens each.
    usd_per_call = (890 * 0.15 + 100 * 0.075 + 10 * 0.15 + 200 * 0.6) / 1e6
    assert value(api, "overview", "Cost, last hour") == pytest.approx(60 * usd_per_call)
    assert value(api, "cost", "Cached share of the input") == pytest.approx(0.1)
    (unpriced,) = results(api, first_query("overview", "Calls without a price, last hour"))
    assert unpriced["metric"]["model"] == "house-model"
    assert float(unpriced["value"][1]) == pytest.approx(60)
    outliers = results(api, first_query("overview", "Outlier share by segment"))
    assert [float(one["value"][1]) for one in outliers] == [pytest.approx(0.1)]
    assert value(api, "agents", "Tool calls of an agent run") == pytest.approx(2)
    assert value(api, "agents", "Tool calls that failed") == pytest.approx(0.1)
    assert value(api, "latency", "First token p95") == pytest.approx(0.08 + 0.08 * 0.95)
    assert value(api, "quality", "Ungrounded answers") == pytest.approx(0.15)
    assert value(api, "pipeline", "Firing alerts") == 1


def test_the_variables_choose(api: TestClient) -> None:
    expr = next(
        target["expr"]
        for dashboard in load_dashboards()
        for panel in dashboard["panels"]
        if panel["title"] == "Requests per second by model"
        for target in panel["targets"]
    )
    one = expr.replace('model=~"$model"', 'model=~"house-model"')
    assert [series["metric"]["model"] for series in results(api, asked(one, ".*"))] == ["house-model"]
    assert results(api, asked(expr, "nobody")) == []
