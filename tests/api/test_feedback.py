"""Feedback of users and labels of reviewers: kept, replaced, taken back, shown with the call, whichever comes first."""

import json
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from driftline_core.store import Store
from tests.api.records import NOON, generation, put, score, span, span_id, trace_id

JSON = {"content-type": "application/json"}
FEEDBACK = "/api/v1/feedback"
LABELS = "/api/v1/labels"
CALL = {"trace_id": trace_id(1), "span_id": span_id(1)}


def evaluation(number: int, **changes: Any) -> dict[str, Any]:
    """A row as the collector derives it from a log record of the SDK's."""
    columns = {
        "project": "default",
        "service": "support",
        "time": NOON,
        "trace_id": bytes.fromhex(trace_id(number)),
        "span_id": bytes.fromhex(span_id(number)),
        "name": "user_feedback",
        "source": "log",
        "number": number,
        "score": -1.0,
        "label": "negative",
        "explanation": "Wrong address.",
        "kind": "",
        "response_id": "",
        "received_at": NOON,
        "derived_at": NOON,
    }
    return {**columns, **changes}


def values(client: TestClient, **parameters: Any) -> list[tuple[str, float | None]]:
    items = client.get(LABELS, params=parameters).json()["items"]
    return sorted((item["trace_id"], item["value"]) for item in items)


def test_feedback_is_kept_before_its_call_comes_and_shown_with_it(client: TestClient, store: Store) -> None:
    given = client.post(FEEDBACK, json={**CALL, "score": -1, "comment": "No."})
    assert given.status_code == 201
    body = given.json()
    assert (body["kind"], body["value"], body["comment"], body["span_id"]) == ("feedback", -1.0, "No.", span_id(1))
    client.post(FEEDBACK, json={"trace_id": trace_id(1), "rating": 0.75})
    put(store, "generations", [generation(1, time=NOON), generation(2, time=NOON)])
    put(store, "spans", [span(1, time=NOON)])
    one = client.get(f"/api/v1/generations/{trace_id(1)}/{span_id(1)}").json()
    assert [(label["value"], label["span_id"]) for label in one["labels"]] == [(0.5, None), (-1.0, span_id(1))]
    assert client.get(f"/api/v1/generations/{trace_id(2)}/{span_id(2)}").json()["labels"] == []
    assert len(client.get(f"/api/v1/traces/{trace_id(1)}").json()["labels"]) == 2


def test_the_same_feedback_again_is_one_and_a_change_of_mind_replaces_it(client: TestClient) -> None:
    for score_ in (-1, -1, 1):
        assert client.post(FEEDBACK, json={**CALL, "score": score_}).status_code == 201
    client.post(FEEDBACK, json={**CALL, "score": 0, "annotator": "kim"})
    assert values(client, kind="feedback") == [(trace_id(1), 0.0), (trace_id(1), 1.0)]
    assert values(client, sentiment="positive") == [(trace_id(1), 1.0)]
    other = client.get(LABELS, headers={"x-driftline-project": "other"}).json()["items"]
    assert other == []


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({**CALL, "score": 2}, "body.score"),
        ({**CALL, "score": 1, "rating": 1}, "expected score or rating, got both"),
        ({**CALL}, "expected a score, a rating or a comment, got none"),
        ({"trace_id": "xyz", "score": 1}, "body.trace_id"),
        ({**CALL, "comment": "x" * 10_001}, "body.comment"),
        ({**CALL, "score": 1, "colour": "red"}, "body.colour"),
    ],
)
def test_feedback_that_cannot_be_meant_is_refused(quiet_client: TestClient, body: Any, detail: str) -> None:
    answer = quiet_client.post(FEEDBACK, json=body)
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_half_a_surrogate_pair_is_kept_as_the_replacement_character(client: TestClient, method: str) -> None:
    label = {"analyzer": "outliers", "field": "prompt", "is_positive": True}
    body = json.dumps({**CALL, "comment": "broken \ud83d, whole \U0001f600", **(label if method == "PUT" else {})})
    answer = client.request(method, LABELS if method == "PUT" else FEEDBACK, content=body, headers=JSON)
    assert answer.is_success, answer.text
    assert answer.json()["comment"] == "broken \ufffd, whole \U0001f600"


@pytest.mark.parametrize("path", [FEEDBACK, "/api/v1/thresholds", "/api/v1/exports", "/api/v1/references"])
def test_half_a_surrogate_pair_in_a_wrong_body_is_told_and_no_fault_of_ours(
    quiet_client: TestClient, path: str
) -> None:
    body = json.dumps({"\ud83d": "\ud83d", "trace_id": "\udc00", "analyzer": "\udc00", "service": "\udc00"})
    answer = quiet_client.post(path, content=body, headers=JSON)
    assert answer.status_code == 422
    assert "\ufffd" in answer.json()["detail"]


def test_what_sdks_sent_stands_beside_it_and_judges_are_no_users(client: TestClient, store: Store) -> None:
    rows = [
        evaluation(1),
        evaluation(2, label="", score=0.5),
        evaluation(3, name="user feedback", kind="HUMAN", label="thumbs-up", score=None),
        evaluation(4, name="helpful", kind="HUMAN", label="", score=0.0),
        evaluation(5, name="relevance", kind="LLM"),
        evaluation(6, name="stars", kind="HUMAN", label="", score=4.0),
    ]
    put(store, "evaluations", rows)
    expected = [(1, -1.0), (2, 0.5), (3, 1.0), (4, -1.0), (6, None)]
    assert values(client) == [(trace_id(n), value) for n, value in expected]
    client.post(FEEDBACK, json={**CALL, "score": 1})
    assert values(client, trace_id=trace_id(1)) == [(trace_id(1), 1.0)]


def test_a_label_says_what_is_true_whatever_the_analyzer_says_later(client: TestClient, store: Store) -> None:
    put(store, "generations", [generation(1, time=NOON)])
    put(store, "scores", [score(1, time=NOON, p_value=0.01, is_flagged=1)])
    wrong = {**CALL, "analyzer": "outliers", "is_correct": False, "annotator": "kim"}
    first, again = client.put(LABELS, json=wrong), client.put(LABELS, json=wrong)
    assert (first.status_code, first.json()["value"], first.json()["field"]) == (200, 0.0, "completion")
    assert again.status_code == 200
    put(store, "scores", [score(1, time=NOON, p_value=0.5, is_flagged=0, computed_at=NOON + timedelta(days=3650))])
    assert client.put(LABELS, json={**wrong, "annotator": "lee"}).json()["value"] == 1.0
    assert values(client, analyzer="outliers") == [(trace_id(1), 0.0), (trace_id(1), 1.0)]
    taken_back = {**CALL, "analyzer": "outliers", "field": "completion", "annotator": "kim"}
    assert client.delete(LABELS, params=taken_back).status_code == 204
    assert client.delete(LABELS, params=taken_back).status_code == 404
    assert values(client, analyzer="outliers") == [(trace_id(1), 1.0)]


def test_a_label_needs_a_field_where_it_is_not_plain_which_is_meant(client: TestClient, store: Store) -> None:
    bare = {**CALL, "analyzer": "outliers"}
    assert "is_positive needs no score" in client.put(LABELS, json={**bare, "is_correct": True}).json()["detail"]
    assert "has not scored this call" in client.put(LABELS, json={**bare, "is_positive": True}).json()["detail"]
    early = client.put(LABELS, json={**bare, "is_positive": True, "field": "prompt"})
    assert (early.status_code, early.json()["value"]) == (200, 1.0)
    put(store, "generations", [generation(1, time=NOON)])
    put(store, "scores", [score(1, time=NOON, p_value=0.1, field=name) for name in ("prompt", "completion")])
    several = client.put(LABELS, json={**bare, "is_correct": True})
    assert (several.status_code, "one of completion, prompt" in several.json()["detail"]) == (422, True)
    assert "got both" in client.put(LABELS, json={**bare, "is_correct": True, "is_positive": True}).json()["detail"]


def test_labels_come_in_pages_newest_first(client: TestClient) -> None:
    for number in range(7):
        client.post(FEEDBACK, json={"trace_id": trace_id(number), "score": 1})
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get(LABELS, params={"limit": 3, **cursor}).json()
        seen += [item["trace_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == [trace_id(number) for number in reversed(range(7))]
