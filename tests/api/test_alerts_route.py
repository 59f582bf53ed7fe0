"""Alerts from an evaluator and from the store."""

from datetime import timedelta

from fastapi.testclient import TestClient

from driftline_core.store import Store
from tests.api.conftest import ClientFactory
from tests.api.records import NOON, StillView, alert, put

PATH = "/api/v1/alerts"


def test_without_an_evaluator_the_stored_state_is_shown_newest_rows_only(client: TestClient, store: Store) -> None:
    hour = timedelta(hours=1)
    put(store, "alert_state", [alert("Drift", state="pending", active_at=NOON - hour)])
    firing = alert("Drift", state="firing", active_at=NOON - hour, last_eval=NOON)
    put(store, "alert_state", [firing, alert("Latency", state="pending", active_at=NOON)])
    gone = {"last_eval": NOON, "resolved_at": NOON - hour}
    put(store, "alert_state", [alert("Cost", state="resolved", active_at=NOON - 2 * hour, **gone)])
    long_gone = {"last_eval": NOON, "resolved_at": NOON - 300 * hour}
    put(store, "alert_state", [alert("Old", state="resolved", active_at=NOON - 301 * hour, **long_gone)])
    body = client.get(PATH).json()
    assert (body["source"], body["n_rules"]) == ("store", None)
    assert [(one["alertname"], one["state"]) for one in body["items"]] == [
        ("Drift", "firing"),
        ("Latency", "pending"),
        ("Cost", "resolved"),
    ]
    first = body["items"][0]
    assert (first["severity"], first["summary"], first["active_at"]) == (
        "page",
        "Drift happened",
        "2026-11-20T11:00:00Z",
    )


def test_an_evaluator_is_asked_and_its_broken_rules_are_told(client_of: ClientFactory, store: Store) -> None:
    resolved = alert("Cost", state="resolved", active_at=NOON, resolved_at=NOON, last_eval=NOON)
    put(store, "alert_state", [resolved])
    put(store, "alert_state", [{**alert("Stale", state="firing", active_at=NOON), "resolved_at": None}])
    view = StillView(
        alerts=[
            {
                "labels": {"alertname": "Drift", "severity": "page", "service": "support"},
                "annotations": {"summary": "support drifted"},
                "state": "firing",
                "activeAt": "2026-11-20T11:00:00.123456789Z",
                "value": "2e+00",
            }
        ],
        rules=[
            {"name": "Drift", "type": "alerting", "health": "ok", "lastError": ""},
            {"name": "Latency", "type": "alerting", "health": "err", "lastError": "the query timed out"},
        ],
    )
    body = client_of(alerts=view).get(PATH).json()
    assert (body["source"], body["n_rules"]) == ("evaluator", 2)
    assert [(one["alertname"], one["state"], one["value"]) for one in body["items"]] == [
        ("Drift", "firing", 2.0),
        ("Cost", "resolved", 2.0),
    ]
    assert body["items"][0]["active_at"] == "2026-11-20T11:00:00.123456Z"
    assert body["rule_problems"] == [{"name": "Latency", "health": "err", "last_error": "the query timed out"}]
