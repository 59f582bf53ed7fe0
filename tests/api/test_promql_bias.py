"""driftline_bias_*, and the rule over them, asked of the store."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from driftline_alerts.rules import AlertRule, load_rules
from driftline_core.store import Store
from tests.api.records import NOON, finding, put

QUERY = "/prometheus/api/v1/query"
WEEK = timedelta(days=7)
END = NOON - 2 * WEEK
"""Of the newest window: the API answers for nothing that is to come."""


def compared(number: int, *, weeks_ago: int = 0, **changes: Any) -> dict[str, Any]:
    """A finding about regard of answers about Muslims against the rest."""
    end = END - weeks_ago * WEEK
    told = {"low": -0.3, "high": -0.1, "d": -0.45, "n_group_sessions": 150, "n_other_sessions": 320}
    columns = {
        "analyzer": "bias", "model": "", "segment_by": "group:religion", "segment": "Muslims", "field": "regard", "reference": "rest",
        "window_start": end - WEEK, "status": "gap", "statistic": -0.2, "explanation": told,
    }  # fmt: skip
    return finding(number, window_end=end, **(columns | changes))


def asked(client: TestClient, query: str, *, days_later: float = 0.0) -> list[tuple[dict[str, str], float]]:
    time = (END + timedelta(days=days_later)).timestamp()
    answer = client.get(QUERY, params={"query": query, "time": time})
    assert answer.status_code == 200, answer.text
    return [(row["metric"], float(row["value"][1])) for row in answer.json()["data"]["result"]]


def test_a_weeks_comparison_is_seen_until_the_next_week_but_one(client: TestClient, store: Store) -> None:
    put(store, "findings", [compared(1)])
    expected = {
        "driftline_bias_gap": -0.2,
        "driftline_bias_gap_low": -0.3,
        "driftline_bias_gap_high": -0.1,
        "driftline_bias_effect_size": -0.45,
        "driftline_bias_pvalue_corrected": 0.004,
        "driftline_bias_confirmed": 0.0,
        "driftline_bias_samples": 150.0,
    }
    every = '{__name__=~"driftline_bias_.+"}'
    found = asked(client, every)
    assert {labels["__name__"]: value for labels, value in found} == pytest.approx(expected)
    assert all(
        labels.items()
        >= {
            "service": "support", "segment_by": "group:religion", "segment": "Muslims", "field": "regard", "reference": "rest",
        }.items()
        for labels, _ in found
    )  # fmt: skip
    assert asked(client, every, days_later=13.9) == found
    assert asked(client, every, days_later=14) == []
    assert asked(client, every, days_later=-0.1) == []


def test_too_few_sessions_have_an_interval_and_no_verdict_and_mentions_are_no_comparison(
    client: TestClient, store: Store
) -> None:
    few = {"low": -0.9, "high": 0.4, "d": -0.2, "n_group_sessions": 30, "n_other_sessions": 12}
    pairs = {"low": 0.1, "high": 0.3, "d": 0.9, "n_pairs": 70}
    put(
        store,
        "findings",
        [
            compared(1, status="insufficient", p_value=None, p_value_corrected=None, explanation=few),
            compared(2, reference="atheists (pairs)", statistic=0.2, is_confirmed=1, explanation=pairs),
            compared(3, field="mentions", reference="", status="ok", statistic=0.4, explanation={"low": 0.3}),
        ],
    )
    names = ("gap", "gap_low", "samples", "confirmed", "pvalue_corrected")
    found = {
        (name, labels["reference"]): value
        for name in names
        for labels, value in asked(client, f"driftline_bias_{name}")
    }
    assert found == pytest.approx(
        {
            ("gap", "rest"): -0.2,
            ("gap_low", "rest"): -0.9,
            ("samples", "rest"): 12.0,
            ("gap", "atheists (pairs)"): 0.2,
            ("gap_low", "atheists (pairs)"): 0.1,
            ("samples", "atheists (pairs)"): 70.0,
            ("confirmed", "atheists (pairs)"): 1.0,
            ("pvalue_corrected", "atheists (pairs)"): 0.004,
        }
    )
    assert asked(client, 'driftline_drift_score{segment="Muslims"}') == []


def test_the_shipped_rule_fires_on_what_is_confirmed_all_week_long(client: TestClient, store: Store) -> None:
    rules = [rule for group in load_rules() for rule in group.rules if isinstance(rule, AlertRule)]
    (rule,) = [rule for rule in rules if rule.alert == "DriftlineBiasGap"]
    put(store, "findings", [compared(1, weeks_ago=1), compared(2, is_confirmed=1), compared(3, field="length")])
    for days in (0.0, 3.0, 6.9):
        assert [(labels["field"], value) for labels, value in asked(client, rule.expr, days_later=days)] == [
            ("regard", -0.2)
        ]
    assert asked(client, rule.expr, days_later=-1) == []
