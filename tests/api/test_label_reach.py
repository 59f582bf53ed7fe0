"""Labels stand for the calls that the random order was walked through: not for services, models and days that a filter left out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from driftline_core.store import Store
from tests.api.records import NOON, put, score

GROUNDING = {"analyzer": "grounding"}
AGREEMENT = "/api/v1/agreement"
Truth = Callable[[dict[str, Any]], bool]


def fill(store: Store, service: str, numbers: range, **changes: Any) -> None:
    """Calls with values of 0 to 1, a call a second; from 0.5 on flagged."""
    values = np.random.default_rng(numbers.start).random(len(numbers))
    rows = [
        score(
            number, time=NOON + timedelta(seconds=number - numbers.start), p_value=None,
            **{"analyzer": "grounding", "service": service, "value": value, "is_flagged": int(value >= 0.5), **changes},
        )
        for number, value in zip(numbers, values.tolist(), strict=True)
    ]  # fmt: skip
    put(store, "scores", rows)


def walk(client: TestClient, store: Store, n: int, truth: Truth, *, skip: int = 0, **asked: Any) -> None:
    """Label the first n of the random order under a filter, but each skip-th, an hour after the calls."""
    wanted = {**GROUNDING, "order": "random", "limit": n, **asked}
    items = client.get("/api/v1/review", params=wanted).json()["items"]
    rows = [
        {
            "project": "default", "trace_id": bytes.fromhex(item["trace_id"]), "span_id": bytes.fromhex(item["span_id"]),
            "kind": "label", "name": "grounding", "field": "completion", "value": float(truth(item)), "picked_by": "random",
            "created_at": NOON + timedelta(hours=1),
        }
        for at, item in enumerate(items)
        if not skip or at % skip != skip - 1
    ]  # fmt: skip
    put(store, "human_labels", rows)


def agrees(item: dict[str, Any]) -> bool:
    """The analyzer is right about service A and wrong about B."""
    return bool(item["is_flagged"] == (item["service"] == "A"))


@pytest.fixture
def two_services(store: Store) -> None:
    """300 calls of each of two services."""
    fill(store, "A", range(300))
    fill(store, "B", range(1000, 1300))


@pytest.mark.usefixtures("two_services")
def test_labels_of_one_service_do_not_stand_for_two(client: TestClient, store: Store) -> None:
    walk(client, store, 300, agrees, service="A")
    whole, part = client.get(AGREEMENT, params=GROUNDING).json()["items"]
    assert (whole["service"], whole["n_scored"], whole["precision"]["value"]) == ("", 600, None)
    assert "calls of service 'B', model 'gpt-4o-mini', were not reviewed" in whole["precision"]["reason"]
    assert "services that were: A" in whole["recall"]["reason"]
    assert (part["service"], part["n_scored"], part["precision"]["value"]) == ("A", 300, 1.0)
    (asked,) = client.get(AGREEMENT, params={**GROUNDING, "service": "A"}).json()["items"]
    assert asked == part
    for rule in ({"target_precision": 0.9}, {"max_false_positive_rate": 0.05}):
        refused = client.post("/api/v1/thresholds", json={**GROUNDING, **rule})
        assert (refused.status_code, "services that were: A" in refused.json()["detail"]) == (422, True)
        made = client.post("/api/v1/thresholds", json={**GROUNDING, **rule, "service": "A"})
        assert (made.status_code, made.json()["n_scored"]) == (201, 300)


@pytest.mark.usefixtures("two_services")
def test_labels_of_both_services_stand_for_both_as_far_as_both_were_walked(client: TestClient, store: Store) -> None:
    walk(client, store, 300, agrees, service="A")
    walk(client, store, 150, agrees, service="B")
    (whole,) = client.get(AGREEMENT, params=GROUNDING).json()["items"]
    assert 260 < whole["n_representative"] < 340
    assert whole["precision"]["low"] < 0.5 < whole["precision"]["high"]


@pytest.mark.usefixtures("two_services")
def test_calls_that_were_skipped_and_calls_that_came_later_change_nothing(client: TestClient, store: Store) -> None:
    walk(client, store, 300, agrees, skip=10)
    fill(store, "B", range(2000, 2300), start_time=NOON + timedelta(days=2))
    (whole,) = client.get(AGREEMENT, params=GROUNDING).json()["items"]
    assert whole["n_labelled"] == 270
    assert whole["n_representative"] > 240
    assert whole["precision"]["low"] < 0.5 < whole["precision"]["high"]


@pytest.mark.usefixtures("two_services")
@pytest.mark.parametrize("end", [timedelta(seconds=-1), timedelta(seconds=60)])
def test_labels_of_one_day_or_of_a_minute_do_not_stand_for_the_rest(
    client: TestClient, store: Store, end: timedelta
) -> None:
    fill(store, "A", range(3000, 3200), start_time=NOON - timedelta(days=1))
    walk(client, store, 200, agrees, to=(NOON + end).isoformat())
    items = client.get(AGREEMENT, params=GROUNDING).json()["items"]
    assert items[0]["n_labelled"] >= 200
    assert items[0]["precision"]["value"] is None
    assert "choose from and to around the days" in items[0]["precision"]["reason"]
