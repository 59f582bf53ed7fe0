"""The review queue, agreement and thresholds over a store: what reviewers see, what their labels add up to, what they set."""

from datetime import timedelta
from typing import Any

import numpy as np
import orjson
import pytest
from fastapi.testclient import TestClient

from driftline_core.store import Store
from driftline_core.thresholds import active_thresholds
from tests.api.records import NOON, generation, put, score, span_id, trace_id

REVIEW = "/api/v1/review"
GROUNDING = {"analyzer": "grounding"}


def graded(number: int, value: float, **changes: Any) -> dict[str, Any]:
    columns = {
        "analyzer": "grounding",
        "value": value,
        "is_flagged": int(value >= 0.6),
        "evidence": '{"threshold": 0.6}',
    }
    return score(number, time=NOON + timedelta(seconds=number), p_value=None, **{**columns, **changes})


@pytest.fixture
def twenty(store: Store) -> None:
    """Twenty calls with values 0, 0.05, ... 0.95."""
    put(store, "generations", [generation(n, time=NOON + timedelta(seconds=n)) for n in range(20)])
    put(store, "scores", [graded(n, n / 20) for n in range(20)])
    put(store, "scores", [graded(3, float("nan")), graded(5, 0.61, analyzer="injection")])


def numbers(client: TestClient, **parameters: Any) -> list[int]:
    items = client.get(REVIEW, params={**GROUNDING, **parameters}).json()["items"]
    return [int(item["trace_id"], 16) for item in items]


def label(client: TestClient, number: int, **more: Any) -> None:
    body = {"trace_id": trace_id(number), "span_id": span_id(number), **GROUNDING, "is_correct": True, **more}
    assert client.put("/api/v1/labels", json=body).status_code == 200


@pytest.mark.usefixtures("twenty")
def test_the_unsure_come_first_and_what_is_labelled_last(client: TestClient) -> None:
    assert numbers(client, order="uncertain")[:3] in ([12, 11, 13], [12, 13, 11])
    label(client, 12)
    queue = numbers(client, order="uncertain")
    assert set(queue[:2]) == {11, 13}
    assert queue[-1] == 12
    assert sorted(queue) == [n for n in range(20) if n != 3]
    assert numbers(client, order="uncertain", is_labelled=True) == [12]
    assert 12 not in numbers(client, order="uncertain", is_labelled=False)


@pytest.mark.usefixtures("twenty")
def test_an_item_shows_its_text_its_evidence_and_where_the_threshold_is_from(client: TestClient, store: Store) -> None:
    item = client.get(REVIEW, params={**GROUNDING, "order": "uncertain", "limit": 1}).json()["items"][0]
    assert (item["text_preview"], item["prompt_preview"]) == (
        "Open the settings and choose reset, case 12.",
        "How do I reset password number 12?",
    )
    assert (item["threshold"], item["threshold_from"], item["evidence"]) == (0.6, "evidence", {"threshold": 0.6})
    assert (item["distance"], item["picked_by"], item["is_labelled"]) == (0.0, "uncertain", False)
    put(store, "scores", [graded(n, n / 20, analyzer="bare", evidence="{}") for n in range(20)])
    bare = client.get(REVIEW, params={"analyzer": "bare", "order": "uncertain"}).json()["items"][0]
    assert (bare["threshold"], bare["threshold_from"]) == (pytest.approx(0.575), "flags")
    put(store, "scores", [graded(1, 0.9, analyzer="all", is_flagged=0, evidence="{}")])
    (alone,) = client.get(REVIEW, params={"analyzer": "all"}).json()["items"]
    assert (alone["threshold"], alone["threshold_from"]) == (0.5, "none")


@pytest.mark.usefixtures("twenty")
def test_orders_are_the_same_each_time_and_the_flagged_are_a_part_of_the_random(client: TestClient) -> None:
    random = numbers(client, order="random")
    assert random == numbers(client, order="random")
    assert random != sorted(random)
    assert numbers(client, order="flagged") == [n for n in random if n >= 12]
    mixed = client.get(REVIEW, params={**GROUNDING, "limit": 6}).json()["items"]
    assert len({item["trace_id"] for item in mixed}) == 6
    assert {item["picked_by"] for item in mixed} == {"uncertain", "flagged", "random"}
    assert numbers(client, order="random", field="prompt") == []
    assert client.get(REVIEW, params={"order": "random"}).status_code == 400
    elsewhere = client.get(REVIEW, params=GROUNDING, headers={"x-driftline-project": "other"})
    assert elsewhere.json()["items"] == []


def many(client: TestClient, store: Store, *, n: int, n_labelled: int) -> None:
    """n scored calls, of which the first n_labelled of the random order are labelled by what is true: values above 0.7, nearly."""
    generator = np.random.default_rng(5)
    values = generator.random(n)
    put(store, "scores", [graded(number, float(value)) for number, value in enumerate(values)])
    items = client.get(REVIEW, params={**GROUNDING, "order": "random", "limit": n_labelled}).json()["items"]
    rows = []
    for item in items:
        is_true = item["value"] > 0.7 and int(item["trace_id"], 16) % 20 != 0
        rows.append(
            {
                "project": "default", "trace_id": bytes.fromhex(item["trace_id"]), "span_id": bytes.fromhex(item["span_id"]),
                "kind": "label", "name": "grounding", "field": "completion", "value": float(is_true), "picked_by": "random",
            }
        )  # fmt: skip
    put(store, "human_labels", rows)


def test_agreement_counts_labels_and_estimates_all_traffic(client: TestClient, store: Store) -> None:
    many(client, store, n=1000, n_labelled=400)
    put(store, "scores", [graded(1, 0.5, analyzer="toxicity")])
    grounding, toxicity = client.get("/api/v1/agreement").json()["items"]
    assert (grounding["n_scored"], grounding["n_labelled"], grounding["n_representative"]) == (1000, 400, 400)
    assert sum(grounding[f"{a}_{b}"] for a in ("true", "false") for b in ("positives", "negatives")) == 400
    assert grounding["recall"]["value"] == 1.0
    assert grounding["precision"]["low"] < 0.71 < grounding["precision"]["high"]
    assert grounding["kappa"]["low"] < grounding["kappa"]["value"] < grounding["kappa"]["high"]
    assert (toxicity["n_scored"], toxicity["precision"]["value"]) == (1, None)
    assert "expected at least 20 labels" in toxicity["precision"]["reason"]
    assert (
        len(client.get("/api/v1/agreement", params={**GROUNDING, "from": "2027-01-01T00:00:00Z"}).json()["items"]) == 0
    )


def test_thresholds_are_set_from_labels_versioned_and_removed(client: TestClient, store: Store) -> None:
    many(client, store, n=1000, n_labelled=500)
    wanted = {**GROUNDING, "target_precision": 0.8}
    tried = client.post("/api/v1/thresholds", json={**wanted, "is_dry_run": True}).json()
    assert (tried["version"], active_thresholds(store, project="default")) == (0, {})
    first = client.post("/api/v1/thresholds", json=wanted)
    assert first.status_code == 201
    body = first.json()
    assert (body["version"], body["rule"], body["field"], body["analyzer_version"]) == (
        1,
        "precision",
        "completion",
        "1",
    )
    assert 0.65 < body["threshold"] < 0.9
    assert body["bound"] >= 0.8
    assert body["n_flagged_after"] < body["n_flagged_before"]
    second = client.post("/api/v1/thresholds", json={**GROUNDING, "max_false_positive_rate": 0.05}).json()
    assert (second["version"], second["bound"] <= 0.05) == (2, True)
    assert active_thresholds(store, project="default") == {("grounding", "1", "completion"): second["threshold"]}
    queue = client.get(REVIEW, params={**GROUNDING, "limit": 1}).json()["items"]
    assert (queue[0]["threshold"], queue[0]["threshold_from"]) == (second["threshold"], "set")
    named = {**GROUNDING, "field": "completion"}
    assert client.delete("/api/v1/thresholds", params=named).status_code == 204
    assert client.delete("/api/v1/thresholds", params=named).status_code == 404
    assert active_thresholds(store, project="default") == {}
    versions = [(one["version"], one["is_removed"]) for one in client.get("/api/v1/thresholds").json()["items"]]
    assert versions == [(3, True), (2, False), (1, False)]


@pytest.mark.usefixtures("twenty")
def test_a_threshold_that_labels_cannot_carry_is_refused(client: TestClient, store: Store) -> None:
    put(store, "scores", [score(1, time=NOON, p_value=0.01)])
    refused = client.post("/api/v1/thresholds", json={**GROUNDING, "max_false_positive_rate": 0.01})
    assert refused.status_code == 422
    assert "expected at least 299 labels" in refused.json()["detail"]
    assert "got 0" in refused.json()["detail"]
    for body, detail in (
        ({"analyzer": "outliers", "target_precision": 0.9}, "which flags by p-values"),
        ({"analyzer": "none", "target_precision": 0.9}, "expected calls that none scored"),
        (GROUNDING, "got neither"),
        ({**GROUNDING, "target_precision": 1.0}, "body.target_precision"),
    ):
        answer = client.post("/api/v1/thresholds", json=body)
        assert (answer.status_code, detail in answer.json()["detail"]) == (422, True), orjson.dumps(answer.json())


def test_the_queue_shows_the_document_and_the_tool_result_that_are_meant(client: TestClient, store: Store) -> None:
    told = '{"index": 1}'
    documents = [("", "one", None), ("", "two", None)]
    retrieval = generation(1, time=NOON, kind="retrieval", span_id=b"retrieva", documents=documents)
    tool = generation(1, time=NOON, kind="tool", span_id=b"tooltool", tool_result="wired 20 euros")
    put(store, "generations", [generation(1, time=NOON + timedelta(seconds=1))])
    put(store, "generations", [{"tool_result": "", **retrieval}, {"documents": [], **tool}])
    put(store, "scores", [graded(1, 0.9, field=field, evidence=told) for field in ("document", "prompt")])
    put(store, "scores", [graded(1, 0.8, field="tool_result", evidence="{}")])
    items = client.get(REVIEW, params={**GROUNDING, "order": "random"}).json()["items"]
    assert {item["field"]: item["text_preview"] for item in items} == {
        "document": "two",
        "tool_result": "wired 20 euros",
        "prompt": "How do I reset password number 1?",
    }
