"""Call scores in numbers: shares with intervals, step by step, and scores by status and trace."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from driftline_api.routes.score_summary import wilson
from driftline_core.store import Store
from tests.api.records import NOON, generation, minute_of_scores, put, score, trace_id

RANGE = {"from": (NOON - timedelta(hours=2)).isoformat(), "to": NOON.isoformat(), "step": "3600"}


def minutes_of(store: Store) -> None:
    """Two hours of injection scores of two models, a scorer that failed, and minutes outside of the range."""
    hour = NOON - timedelta(hours=2)
    put(
        store,
        "scores_1m",
        [
            minute_of_scores(hour, scored=60, flagged=6),
            minute_of_scores(
                hour, scored=20, flagged=2, updated_at=hour - timedelta(hours=1)
            ),  # replaced by the one above
            minute_of_scores(hour + timedelta(minutes=80), scored=40, flagged=0, model="gpt-4o", unknown=3),
            minute_of_scores(hour, scored=0, flagged=0, failed=2, analyzer="relevance", field="call"),
            minute_of_scores(hour, scored=0, flagged=0, analyzer="gone"),
            minute_of_scores(NOON, scored=500, flagged=500),
            minute_of_scores(hour, scored=70, flagged=70, project="other"),
        ],
    )


def test_shares_come_with_their_interval_by_group_and_by_step(client: TestClient, store: Store) -> None:
    minutes_of(store)
    answer = client.get("/api/v1/scores/summary", params=RANGE).json()
    injection, relevance = answer["series"]
    assert (injection["analyzer"], injection["field"]) == ("injection", "prompt")
    assert [injection[name] for name in ("scored", "flagged", "unknown", "failed")] == [100, 6, 3, 0]
    assert injection["share"] == pytest.approx(0.06)
    assert (injection["share_low"], injection["share_high"]) == pytest.approx((0.0278, 0.1248), abs=1e-4)
    assert (injection["scored_by_step"], injection["flagged_by_step"]) == ([60, 40], [6, 0])
    assert answer["times"] == ["2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"]
    assert (relevance["field"], relevance["failed"], relevance["share"]) == ("call", 2, None)
    groups = [(one["analyzer"], one["model"], one["scored"], one["value_mean"]) for one in answer["groups"]]
    assert groups == [
        ("injection", "gpt-4o", 40, 0.5),
        ("injection", "gpt-4o-mini", 60, 0.5),
        ("relevance", "gpt-4o-mini", 0, None),
    ]


@pytest.mark.parametrize(
    ("chosen", "scored"),
    [({"model": "gpt-4o"}, 40), ({"analyzer": "injection", "field": "prompt", "service": "support"}, 100)],
)
def test_a_summary_can_be_narrowed(client: TestClient, store: Store, chosen: dict[str, str], scored: int) -> None:
    minutes_of(store)
    (one,) = client.get("/api/v1/scores/summary", params={**RANGE, **chosen}).json()["series"]
    assert one["scored"] == scored
    assert client.get("/api/v1/scores/summary", params={**RANGE, "service": "nobody"}).json()["series"] == []


def test_the_last_day_is_summarised_unless_told(client: TestClient, store: Store) -> None:
    minutes_of(store)
    answer = client.get("/api/v1/scores/summary").json()
    assert (answer["from"], answer["to"]) == ("2026-11-19T12:00:00Z", "2026-11-20T12:00:00Z")
    assert client.get("/api/v1/scores/summary", params={"from": RANGE["to"], "to": RANGE["from"]}).status_code == 400


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"), [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (15, 148, 0.0624, 0.1605)]
)
def test_the_interval_is_wilsons(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=1e-4)


def test_scores_are_told_by_status_and_trace_and_what_does_not_stand_is_not(client: TestClient, store: Store) -> None:
    put(store, "generations", [generation(n, time=NOON) for n in (1, 2)])
    put(
        store,
        "scores",
        [
            score(1, time=NOON, p_value=None, analyzer="pii", status="ok", value=2.0),
            score(1, time=NOON, p_value=None, analyzer="relevance", status="unknown", value=0.0, is_flagged=0),
            score(2, time=NOON, p_value=None, analyzer="format", field="call", status="error", value=0.0, is_flagged=0),
            score(2, time=NOON, p_value=None, analyzer="pii", status="withdrawn", value=0.0, is_flagged=0),
            score(2, time=NOON, p_value=None, analyzer="injection", field="document", value=0.99),
        ],
    )

    def told(**chosen: str) -> list[tuple[str, str, float | None]]:
        items = client.get("/api/v1/scores", params=chosen).json()["items"]
        return [(one["analyzer"], one["status"], one["value"]) for one in items]

    assert told(trace_id=trace_id(1)) == [("pii", "ok", 2.0), ("relevance", "unknown", None)]
    assert told(status="error") == [("format", "error", None)]
    assert told(status="ok") == [("pii", "ok", 2.0), ("injection", "ok", 0.99)]
    assert told(analyzer="injection", field="document") == [("injection", "ok", 0.99)]
    assert client.get("/api/v1/scores", params={"trace_id": "12"}).status_code == 400
    assert client.get("/api/v1/scores", params={"status": "withdrawn"}).status_code == 400
