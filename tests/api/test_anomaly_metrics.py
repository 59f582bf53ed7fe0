"""Metrics of the anomaly analyzer and of budgets, in event time, from rows of the store."""

from datetime import timedelta

import pytest

from driftline_api.promql.engine import PromqlEngine
from driftline_api.promql.store_source import StoreSource
from driftline_core.store import Store
from tests.api.records import NOON, put

BUCKET = timedelta(minutes=10)


def test_figures_are_an_hours_and_hold_until_the_next_bucket(store: Store) -> None:
    usual = {
        "project": "default",
        "service": "chat",
        "model": "m",
        "bucket_s": 600,
        "calls": 12,
        "scale": 0.1,
        "version": "1",
    }
    figures = {"value": 6.0, "expected": 2.0, "lower": 1.0, "upper": 3.0, "zscore": 11.0}
    put(
        store,
        "anomaly_points",
        [
            usual | figures | {"measure": measure, "bucket_start": NOON - 2 * BUCKET, "value": value}
            for measure, value in (("cost", 6.0), ("latency_p95", 6000.0))
        ]
        + [usual | {"measure": "latency_p95", "bucket_start": NOON - BUCKET, "value": None, "zscore": None}],
    )
    engine = PromqlEngine(StoreSource(store, "default", clock=lambda: NOON))

    def asked(expr: str, minutes_before: int) -> list[float]:
        series = engine.instant(expr, (NOON - timedelta(minutes=minutes_before)).timestamp()).series
        return [float(one.values[0]) for one in series]

    assert asked('driftline_anomaly_value{measure="cost"}', 10) == [36.0]
    assert asked('driftline_anomaly_value{measure="latency_p95"}', 10) == [6.0]
    assert asked('driftline_anomaly_value{measure="latency_p95"}', 0) == []
    assert asked('driftline_anomaly_zscore{measure="cost"}', 5) == [11.0]
    assert asked("driftline_anomaly_zscore", 11) == []
    for name, value in (("expected", 12.0), ("lower", 6.0), ("upper", 18.0)):
        assert asked(f'driftline_anomaly_{name}{{measure="cost"}}', 0) == [value]
    rule = 'driftline_anomaly_zscore{measure="cost"} >= 4 and on (service, model) driftline_anomaly_value{measure="cost"} > 1'
    assert asked(rule, 0) == [11.0]

    budget = {"project": "default", "period": "day", "period_start": NOON, "limit_usd": 10.0}
    put(
        store,
        "budget_points",
        [
            budget | {"service": service, "at": NOON - timedelta(minutes=5), "spent_usd": 4.0, "forecast_usd": 12.0}
            for service in ("", "chat")
        ],
    )
    assert asked("driftline_budget_spent_usd / driftline_budget_limit_usd", 0) == pytest.approx([0.4, 0.4])
    assert asked('driftline_budget_forecast_usd{service="(all)",period="day"}', 0) == [12.0]
