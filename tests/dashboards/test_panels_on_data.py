"""Every query of every panel, asked of the real engine over a real store, as Grafana would ask it."""

import json
import math
import re
from datetime import timedelta

import pytest

from driftline_api.promql.engine import PromqlEngine
from driftline_api.promql.store_source import StoreSource
from driftline_core.store import Store
from driftline_core.store.rollup import Rollup
from driftline_dashboards import load_dashboards
from tests.api.records import NOON, finding, generation, price, put, score

MODELS = ("gpt-4o-mini", "house-model")


@pytest.fixture
def engine(store: Store) -> PromqlEngine:
    """Two hours of calls, one a minute and model; a drifted segment; some outliers; a price for one model of the two."""
    starts = [NOON - timedelta(minutes=minute, seconds=30) for minute in range(120)]
    calls = [
        generation(
            1000 * which + number,
            time=time,
            request_model=model,
            is_error=int(number % 10 == 0),
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
    Rollup(store).tick()
    return PromqlEngine(StoreSource(store, "default", clock=lambda: NOON))


def asked(expr: str, chosen: str) -> str:
    return re.sub(r'"\$[a-z]+"', json.dumps(chosen), expr.replace("$__rate_interval", "4m"))


def test_every_panel_shows_something_where_there_is_something(engine: PromqlEngine) -> None:
    at = NOON.timestamp()
    targets = [
        (panel["title"], asked(target["expr"], ".*"))
        for dashboard in load_dashboards()
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]
    for title, expr in targets:
        now = engine.instant(expr, at)
        assert now.series, f"{title}: {expr}"
        assert not any(math.isnan(series.values[0]) for series in now.series), f"{title}: {expr}"
        assert engine.range(expr, at - 1800, at, 60).series, f"{title}: {expr}"


def test_the_figures_are_right(engine: PromqlEngine) -> None:
    (dashboard,) = load_dashboards()
    panels = {panel["title"]: panel for panel in dashboard["panels"]}

    def value(title: str, chosen: str = ".*") -> float:
        (series,) = engine.instant(asked(panels[title]["targets"][0]["expr"], chosen), NOON.timestamp()).series
        return float(series.values[0])

    assert value("Flagged share of an hour's calls") == pytest.approx(3 / 20)
    assert value("Requests per second") == pytest.approx(2 / 60)
    assert value("Segments in drift") == 1
    # 60 calls an hour of the one model with a price: 890 + 100 + 10 input and 200 output tokens each.
    usd_per_call = (890 * 0.15 + 100 * 0.075 + 10 * 0.15 + 200 * 0.6) / 1e6
    assert value("Cost, last hour") == pytest.approx(60 * usd_per_call)
    unpriced = engine.instant(
        asked(panels["Calls without a price, last hour"]["targets"][0]["expr"], ".*"), NOON.timestamp()
    )
    assert [(one.labels["model"], one.values[0]) for one in unpriced.series] == [("house-model", pytest.approx(60))]
    outliers = engine.instant(asked(panels["Outlier share by segment"]["targets"][0]["expr"], ".*"), NOON.timestamp())
    assert [one.values[0] for one in outliers.series] == [pytest.approx(0.1)]


def test_the_variables_choose(engine: PromqlEngine) -> None:
    (dashboard,) = load_dashboards()
    expr = next(panel for panel in dashboard["panels"] if panel["title"] == "Requests per second by model")["targets"][
        0
    ]["expr"]
    one = expr.replace('model=~"$model"', 'model=~"house-model"')
    assert [series.labels["model"] for series in engine.instant(asked(one, ".*"), NOON.timestamp()).series] == [
        "house-model"
    ]
    assert engine.instant(asked(expr, "nobody"), NOON.timestamp()).series == ()
