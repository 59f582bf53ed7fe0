"""Thresholds from labels flag the end that the analyzer flags; where there is no such end they are refused."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from driftline_core.directions import DIRECTIONS, is_beyond
from driftline_core.store import Store
from driftline_core.thresholds import active_thresholds
from tests.api.records import NOON, put, score

N = 400


def relevance(number: int, value: float, **changes: Any) -> dict[str, Any]:
    columns = {"analyzer": "relevance", "value": value, "is_flagged": int(value < 0.2), **changes}
    return score(number, time=NOON + timedelta(seconds=number), p_value=None, **columns)


@pytest.fixture
def labelled(client: TestClient, store: Store) -> None:
    """400 answers with values of 0 to 1, labelled in random order; those below 0.25 are irrelevant."""
    values = np.random.default_rng(2).random(N)
    put(store, "scores", [relevance(number, float(value)) for number, value in enumerate(values)])
    wanted: dict[str, str | int] = {"analyzer": "relevance", "order": "random", "limit": N}
    items = client.get("/api/v1/review", params=wanted).json()["items"]
    marks = {"project": "default", "kind": "label", "name": "relevance", "field": "completion", "picked_by": "random"}
    rows = [
        {
            **marks,
            "trace_id": bytes.fromhex(item["trace_id"]),
            "span_id": bytes.fromhex(item["span_id"]),
            "value": float(item["value"] < 0.25),
        }
        for item in items
    ]
    put(store, "human_labels", rows)


@pytest.mark.usefixtures("labelled")
@pytest.mark.parametrize("asked", [{"max_false_positive_rate": 0.05}, {"target_precision": 0.9}])
def test_a_threshold_for_what_is_bad_when_low_flags_the_low_ones(
    client: TestClient, store: Store, asked: dict[str, float]
) -> None:
    made = client.post("/api/v1/thresholds", json={"analyzer": "relevance", **asked}).json()
    assert made["flagged_end"] == "low"
    threshold = active_thresholds(store, project="default")[("relevance", "1", "completion")]
    assert threshold == made["threshold"]
    assert 0.15 < threshold < 0.35
    assert is_beyond("relevance", 0.05, threshold)
    assert not is_beyond("relevance", 0.75, threshold)
    assert 0.15 * N < made["n_flagged_after"] < 0.35 * N
    (item,) = client.get("/api/v1/review", params={"analyzer": "relevance", "limit": 1}).json()["items"]
    assert (item["threshold"], item["threshold_from"], item["flagged_end"]) == (threshold, "set", "low")


def test_the_queue_finds_the_threshold_of_what_is_bad_when_low_between_its_flags(
    client: TestClient, store: Store
) -> None:
    put(store, "scores", [relevance(n, n / 20) for n in range(20)])
    items = client.get("/api/v1/review", params={"analyzer": "relevance", "order": "uncertain"}).json()["items"]
    assert (items[0]["threshold"], items[0]["threshold_from"]) == (pytest.approx(0.175), "flags")
    assert sorted(item["value"] for item in items[:2]) == [0.15, 0.2]


def test_values_without_an_order_of_bad_and_good_get_no_threshold(client: TestClient, store: Store) -> None:
    put(store, "scores", [relevance(1, 8.2, analyzer="readability")])
    refused = client.post("/api/v1/thresholds", json={"analyzer": "readability", "target_precision": 0.9})
    assert refused.status_code == 422
    assert "values are more or less of what it looks for, got readability" in refused.json()["detail"]


def test_the_docs_name_the_analyzers_whose_low_values_are_flagged() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "human-loop.md").read_text(encoding="utf-8")
    *most, last = (f"`{name}`" for name, direction in DIRECTIONS.items() if direction == "low")
    assert f"low values of {', '.join(most)} and {last}" in docs
    assert all(f"`{name}` has none" in docs for name, direction in DIRECTIONS.items() if direction == "none")


def test_an_analyzer_of_your_own_counts_as_high_and_each_is_beyond_on_its_side() -> None:
    assert is_beyond("my_own", 0.9, 0.5)
    assert not is_beyond("my_own", 0.1, 0.5)
    assert {name for name, direction in DIRECTIONS.items() if direction == "low"} == {"relevance", "format", "judge"}
