"""Findings by pages and one by one; scores."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from driftline_core.store import Store
from tests.api.records import NOON, finding, generation, put, score

PATH = "/api/v1/findings"
EXPLANATION = {"examples": [{"text": "new", "trace_id": "a" * 32, "span_id": "b" * 16, "novelty": 2.5}]}


def test_findings_come_newest_window_first_by_pages(client: TestClient, store: Store) -> None:
    ends = {n: NOON + timedelta(hours=6 * (n // 3)) for n in range(1, 12)}
    put(store, "findings", [finding(n, window_end=end, service=f"s{n}") for n, end in ends.items()])
    seen: list[tuple[str, str]] = []
    cursor = None
    for _ in range(4):
        page = client.get(PATH, params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        seen += [(item["window_end"], item["finding_id"]) for item in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert len(set(seen)) == 11
    assert seen == sorted(seen, reverse=True)


def test_filters_choose_exactly_their_findings(client: TestClient, store: Store) -> None:
    put(
        store,
        "findings",
        [
            finding(1, window_end=NOON),
            finding(2, window_end=NOON, status="ok", p_value=0.4, field="prompt"),
            finding(3, window_end=NOON, status="insufficient", p_value=None, p_value_corrected=None, service="search"),
            finding(4, window_end=NOON + timedelta(hours=6), model="gpt-4o", reference="other"),
            finding(5, window_end=NOON, project="other"),
            finding(6, window_end=NOON, segment_by="metadata.tenant", segment="acme", model="", is_confirmed=1),
        ],
    )
    expected = {
        "": "46321",
        "segment_by=metadata.tenant": "6",
        "segment_by=model": "4321",
        "segment=acme": "6",
        "segment=gpt-4o": "4",
        "is_confirmed=true": "6",
        "status=drift": "461",
        "field=prompt": "2",
        "service=search": "3",
        "model=gpt-4o": "4",
        "reference=other": "4",
        "analyzer=semantic_drift": "46321",
        "analyzer=outliers": "",
        "from=2026-11-20T13:00:00Z": "4",
        "to=2026-11-20T13:00:00Z": "6321",
        "project=other": "5",
    }
    got = {
        query: "".join(item["finding_id"][-1] for item in client.get(f"{PATH}?{query}").json()["items"])
        for query in expected
    }
    assert got == expected


def test_an_insufficient_window_has_no_p_value(client: TestClient, store: Store) -> None:
    row = finding(
        1, window_end=NOON, status="insufficient", p_value=None, p_value_corrected=None, statistic=float("nan")
    )
    put(store, "findings", [row])
    item = client.get(PATH).json()["items"][0]
    assert (item["p_value"], item["statistic"], item["status"]) == (None, None, "insufficient")


def test_the_explanation_is_an_object_and_lists_leave_it_out(client: TestClient, store: Store) -> None:
    put(store, "findings", [finding(1, window_end=NOON, explanation=EXPLANATION)])
    assert client.get(PATH).json()["items"][0]["explanation"] is None
    assert client.get(PATH, params={"include": "explanation"}).json()["items"][0]["explanation"] == EXPLANATION
    one = client.get(f"{PATH}/finding-0001").json()
    assert one["explanation"] == EXPLANATION
    assert (one["p_value"], one["effect_size"], one["n_current"]) == (0.001, 11.25, 240)


def test_a_broken_explanation_is_kept_as_text(client: TestClient, store: Store) -> None:
    put(store, "findings", [{**finding(1, window_end=NOON), "explanation": '{"examples": ['}])
    assert client.get(f"{PATH}/finding-0001").json()["explanation"] == {"raw": '{"examples": ['}


def test_a_new_version_of_an_analyzer_replaces_what_the_old_one_found(client: TestClient, store: Store) -> None:
    put(store, "findings", [finding(1, window_end=NOON, computed_at=NOON)])
    newer = finding(2, window_end=NOON, analyzer_version="2", status="ok", computed_at=NOON + timedelta(hours=1))
    put(store, "findings", [newer])
    assert [item["finding_id"] for item in client.get(PATH).json()["items"]] == ["finding-0002"]
    assert client.get(PATH, params={"status": "drift"}).json()["items"] == []


def test_an_unknown_finding_is_not_found(quiet_client: TestClient) -> None:
    answer = quiet_client.get(f"{PATH}/nope")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "no finding 'nope' in project default"
    assert quiet_client.get(f"{PATH}?status=bad").status_code == 400


def test_scores_come_with_their_text_the_most_unusual_first(client: TestClient, store: Store) -> None:
    put(store, "generations", [generation(n, time=NOON) for n in (1, 2, 3, 4)])
    put(
        store,
        "scores",
        [
            score(1, time=NOON, p_value=0.04),
            score(2, time=NOON, p_value=0.001, field="prompt"),
            score(3, time=NOON, p_value=None),
            score(4, time=NOON, p_value=0.9, is_flagged=0),
            score(9, time=NOON, p_value=0.5),
        ],
    )
    items = client.get("/api/v1/scores", params={"analyzer": "outliers"}).json()["items"]
    assert [int(item["trace_id"], 16) for item in items] == [2, 1, 9, 4, 3]
    assert items[0]["text_preview"] == "How do I reset password number 2?"
    assert items[1]["text_preview"] == "Open the settings and choose reset, case 1."
    assert items[2]["text_preview"] == ""
    flagged = client.get("/api/v1/scores", params={"is_flagged": "true", "limit": 2}).json()["items"]
    assert [item["p_value"] for item in flagged] == [pytest.approx(0.001), pytest.approx(0.04)]
