"""Every query of every panel, asked as Grafana would of the live API over a real store, and of a real Prometheus with the same samples."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from driftline_api.app import create_app
from driftline_api.promql.parsing import parse_selector
from driftline_api.promql.store_source import StoreSource
from driftline_api.promql.values import Series
from driftline_api.self_samples import SelfSamples
from driftline_api.settings import ApiSettings
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from driftline_core.store.rollup import Rollup
from driftline_dashboards import load_dashboards
from tests.api.promql_samples import running_prometheus
from tests.api.records import NOON, alert, finding, generation, minute_of_scores, price, put, score
from tests.api.test_promql_differential import compare
from tests.dashboards.itself import parts

MODELS = ("gpt-4o-mini", "house-model")


HERE = "${datasource}"


@pytest.fixture(scope="module")
def store(engine_path: Path) -> Iterator[Store]:
    """A store that the module's tests share; none of them changes it."""
    store = Store(StoreSettings(path=engine_path, database="dashboards"))
    migrate(store)
    fill(store)
    yield store
    store.command("DROP DATABASE IF EXISTS dashboards SYNC")
    store.close()


@pytest.fixture(scope="module")
def api(store: Store) -> Iterator[TestClient]:
    with TestClient(create_app(ApiSettings(), store, clock=lambda: NOON), base_url="http://127.0.0.1") as client:
        yield client


def fill(store: Store) -> None:
    """Two hours of calls, one a minute and model; a drifted segment; some outliers; a price for one model of the two."""
    starts = [NOON - timedelta(minutes=minute, seconds=30) for minute in range(120)]
    calls = [
        generation(
            1000 * which + number,
            time=time,
            request_model=model,
            is_error=int(number % 10 == 0),
            error_type="timeout" if number % 10 == 0 else "",
            time_to_first_token_ms=120.0,
            cache_read_tokens=100,
            cache_write_tokens=10,
            reasoning_tokens=20,
        )
        for which, model in enumerate(MODELS, start=1)
        for number, time in enumerate(starts)
    ]
    put(store, "generations", calls)
    put(store, "prices", [price(model="gpt-4o-mini", usd_mtok=(0.15, 0.6, 0.075, 0.15))])
    put(store, "scores", [score(1000 + n, time=starts[n], p_value=0.01, is_flagged=int(n < 6)) for n in range(60)])
    put(
        store,
        "findings",
        [finding(n, window_end=NOON - timedelta(hours=6 * (1 - n)), is_confirmed=n, moved_share=0.14) for n in (0, 1)],
    )
    put(
        store,
        "scores_1m",
        [
            {
                "project": "default", "minute": time - timedelta(hours=hours), "analyzer": "grounding", "field": "completion",
                "service": "support", "model": MODELS[0], "scored": 20, "flagged": 3, "unknown": 1, "failed": 0, "value_sum": 4.0,
                "updated_at": NOON,
            }
            for time in starts[5:50:5]
            for hours in (0, 1)
        ],
    )  # fmt: skip
    put(
        store,
        "feedback_1m",
        [
            {
                "project": "default", "minute": time, "service": "support", "model": MODELS[0], "sentiment": "negative",
                "feedback": 2, "updated_at": NOON,
            }
            for time in starts[5:50:5]
        ],
    )  # fmt: skip
    steps(store, starts)
    judged_by_their_past(store)
    compared_groups(store)
    itself(store)
    put(
        store,
        "feedback_1m",
        [
            {
                "project": "default", "minute": time - timedelta(hours=8), "service": "support", "model": MODELS[0],
                "sentiment": sentiment, "feedback": 3, "updated_at": NOON,
            }
            for time in starts[5:50:5]
            for sentiment in ("negative", "positive")
        ],
    )  # fmt: skip
    put(
        store,
        "scores_1m",
        [
            minute_of_scores(time, scored=20, flagged=2, analyzer=analyzer, field=field)
            for time in starts[5:50:5]
            for time in (time - timedelta(hours=1), time)
            for analyzer, field in (
                ("injection", "prompt"), ("secrets", "completion"), ("pii", "completion"), ("prompt_leak", "completion"),
                ("relevance", "completion"), ("refusal", "completion"), ("judge", "completion"),
            )
        ],
    )  # fmt: skip
    put(
        store,
        "alert_state",
        [
            alert(name, state=state, active_at=NOON - timedelta(hours=2), firing_at=firing_at, labels=labels)
            for name, state, firing_at in (
                ("DriftlineErrorRate", "firing", NOON - timedelta(hours=1)),
                ("DriftlineCostSpike", "pending", None),
            )
            for labels in ({"alertname": name, "severity": "critical", "service": "support", "model": MODELS[0]},)
        ],
    )
    Rollup(store).tick()


def steps(store: Store, starts: Sequence[datetime]) -> None:
    """An agent's run, two tool calls and a retrieval a minute; one tool fails now and then."""
    kinds = (("agent", "planner"), ("tool", "search"), ("tool", "buy"), ("retrieval", "lookup"))
    rows = [
        generation(
            10_000 * (which + 1) + number,
            time=time,
            kind=kind,
            tool_name=name if kind == "tool" else "",
            agent_name=name if kind == "agent" else "",
            is_error=int(name == "buy" and number % 5 == 0),
        )
        for which, (kind, name) in enumerate(kinds)
        for number, time in enumerate(starts)
    ]
    put(store, "generations", rows)


def judged_by_their_past(store: Store) -> None:
    """Buckets of ten minutes that were judged, and two budgets."""
    usual = {
        "project": "default",
        "service": "support",
        "model": MODELS[0],
        "bucket_s": 600,
        "calls": 10,
        "scale": 0.1,
        "version": "1",
    }
    figures = {"value": 6.0, "expected": 2.0, "lower": 1.0, "upper": 3.0, "zscore": 5.0}
    put(
        store,
        "anomaly_points",
        [
            {**usual, **figures, "measure": measure, "bucket_start": NOON - number * timedelta(minutes=10)}
            for number in range(1, 7)
            for measure in ("cost", "tokens", "requests", "latency_p95", "error_share")
        ],
    )
    put(
        store,
        "budget_points",
        [
            {
                "project": "default", "period": "day", "period_start": NOON - timedelta(hours=12), "limit_usd": 10.0, "service": service,
                "at": NOON - number * timedelta(minutes=5), "spent_usd": 4.0, "forecast_usd": 12.0,
            }
            for service in ("", "support")
            for number in range(12)
        ],
    )  # fmt: skip


def compared_groups(store: Store) -> None:
    """A gap between a group and the others, in the newest week."""
    told = {"low": -0.3, "high": -0.1, "d": -0.45, "n_group_sessions": 150, "n_other_sessions": 320}
    gap = finding(
        90, window_end=NOON - timedelta(hours=1), analyzer="bias", segment_by="group:religion", segment="Muslims", field="regard",
        reference="rest", status="gap", statistic=-0.2, is_confirmed=1, explanation=told,
    )  # fmt: skip
    put(store, "findings", [gap])


def itself(store: Store) -> None:
    """What Driftline wrote down of itself in the last hour and a half."""
    times = iter([NOON - timedelta(minutes=90 - minute) for minute in range(91)])
    samples = SelfSamples(store, parts(), project="default", clock=lambda: next(times))
    for _ in range(91):
        samples.tick()


def asked(expr: str, chosen: str) -> str:
    return re.sub(r'"\$[a-z]+"', json.dumps(chosen), expr.replace("$__rate_interval", "4m"))


def questions() -> list[tuple[str, str]]:
    """(dashboard and panel, expression) of every query that goes to Driftline, each once, with everything chosen."""
    titles = {
        asked(target["expr"], ".*"): f"{dashboard['uid']}: {panel['title']}"
        for dashboard in load_dashboards()
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
        if panel["datasource"]["uid"] == HERE
    }
    return [(title, expr) for expr, title in titles.items()]


def answer(api: TestClient, path: str, **form: Any) -> dict[str, Any]:
    """What the query API answers to a form, as Grafana sends it."""
    body: dict[str, Any] = api.post(f"/prometheus/api/v1/{path}", data=form).json()
    return body


def results(api: TestClient, expr: str) -> list[dict[str, Any]]:
    body = answer(api, "query", query=expr, time=NOON.timestamp())
    assert body["status"] == "success", f"{expr}: {body}"
    found: list[dict[str, Any]] = body["data"]["result"]
    return found


def test_every_panel_shows_something_where_there_is_something(api: TestClient) -> None:
    at = NOON.timestamp()
    for title, expr in questions():
        now = results(api, expr)
        assert now, f"{title}: {expr}"
        assert not any(one["value"][1] == "NaN" for one in now), f"{title}: {expr}"
        past = answer(api, "query_range", query=expr, start=at - 1800, end=at, step=300)
        assert past["status"] == "success", f"{title}: {expr}: {past}"
        assert past["data"]["result"], f"{title}: {expr}"


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
        for title, expr in questions():
            for path, times in (
                ("query", {"time": at}),
                ("query_range", {"start": at - 1200, "end": at, "step": 120}),
            ):
                form = {"query": expr, **times}
                theirs = prometheus.post(f"/api/v1/{path}", data=form).json()
                reason = compare(expr, answer(api, path, **form), theirs)
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
