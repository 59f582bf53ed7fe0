"""driftline_feedback_total, and the rule over it, asked of the store."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from driftline_alerts.rules import AlertRule, load_rules
from driftline_core.store import Store
from tests.api.records import NOON, put

QUERY = "/prometheus/api/v1/query"


def minute(hours_ago: float, sentiment: str, feedback: int, service: str = "chat") -> dict[str, Any]:
    time = NOON - timedelta(hours=hours_ago)
    return {
        "project": "default", "minute": time, "service": service, "model": "m", "sentiment": sentiment, "feedback": feedback,
        "updated_at": NOON,
    }  # fmt: skip


def asked(client: TestClient, query: str) -> dict[tuple[str, str], float]:
    answer = client.get(QUERY, params={"query": query, "time": NOON.timestamp()})
    assert answer.status_code == 200, answer.text
    rows = answer.json()["data"]["result"]
    return {(row["metric"]["service"], row["metric"].get("sentiment", "")): float(row["value"][1]) for row in rows}


def test_every_sentiment_of_a_slice_is_counted_the_ones_without_any_as_nothing(
    client: TestClient, store: Store
) -> None:
    put(store, "feedback_1m", [minute(5, "negative", 3), minute(1, "negative", 2), minute(1, "positive", 1)])
    assert asked(client, "driftline_feedback_total") == {
        ("chat", "negative"): 5.0,
        ("chat", "neutral"): 0.0,
        ("chat", "positive"): 1.0,
    }
    assert (
        asked(client, 'sum by (service) (increase(driftline_feedback_total{sentiment="negative"}[2h]))')["chat", ""]
        > 1.9
    )
    other = client.get(QUERY, params={"query": "driftline_feedback_total", "time": NOON.timestamp() - 86_400})
    assert other.json()["data"]["result"] == []


def test_the_shipped_rule_fires_on_a_share_that_rose_and_not_on_the_usual_one(client: TestClient, store: Store) -> None:
    (rule,) = [
        one
        for group in load_rules()
        for one in group.rules
        if isinstance(one, AlertRule) and one.alert == "DriftlineNegativeFeedback"
    ]
    rows = []
    for service, negative in (("chat", 6), ("steady", 1)):
        for hour in range(1, 160):
            is_now = hour <= 5
            n_negative = negative if is_now else 1
            rows.append(minute(hour, "negative", n_negative, service))
            rows.append(minute(hour, "positive", 10 - n_negative, service))
    put(store, "feedback_1m", rows)
    found = asked(client, rule.expr)
    assert set(found) == {("chat", "")}
    assert found["chat", ""] == pytest.approx(31 / 60)
