"""One trace, in tree order."""

from datetime import timedelta

from fastapi.testclient import TestClient

from driftline_api.span_tree import SpanKey, tree_order
from driftline_core.store import Store
from tests.api.conftest import ClientFactory
from tests.api.records import NOON, generation, put, span, trace_id

PATH = f"/api/v1/traces/{trace_id(1)}"


def test_a_trace_comes_as_a_tree_with_events_links_and_generations(client: TestClient, store: Store) -> None:
    event = (1_795_176_000_000_000_000, "exception", {"exception.type": "ValueError"})
    put(
        store,
        "spans",
        [
            span(1, time=NOON, kind=2, duration_ns=2_000_000_000),
            span(
                2,
                time=NOON + timedelta(milliseconds=10),
                parent=1,
                status_code=2,
                status_message="boom",
                events=[event],
            ),
            span(3, time=NOON + timedelta(milliseconds=20), parent=2, service="llm-proxy"),
            span(4, time=NOON + timedelta(milliseconds=15), parent=1),
            span(5, time=NOON + timedelta(milliseconds=1), parent=99),
            span(6, time=NOON, trace_id=bytes.fromhex(trace_id(2))),
            span(7, time=NOON, project="other"),
        ],
    )
    put(store, "generations", [generation(2, time=NOON, trace_id=bytes.fromhex(trace_id(1)))])
    trace = client.get(PATH).json()
    assert trace["trace_id"] == trace_id(1)
    assert trace["services"] == ["llm-proxy", "support"]
    assert (trace["n_spans"], trace["n_errors"], trace["is_cut"]) == (5, 1, False)
    assert trace["start_time"] == "2026-11-20T12:00:00Z"
    assert trace["duration_ms"] == 2000.0
    placed = [(int(one["span_id"], 16), one["depth"], one["is_orphan"]) for one in trace["spans"]]
    assert placed == [(1, 0, False), (2, 1, False), (3, 2, False), (4, 1, False), (5, 0, True)]
    first, second = trace["spans"][:2]
    assert (first["kind"], first["status"], first["parent_span_id"]) == ("server", "unset", None)
    assert (second["status"], second["status_message"], second["offset_ms"]) == ("error", "boom", 10.0)
    assert second["attributes"] == {"step": "2"}
    assert second["events"] == [
        {"time": "2026-11-20T12:00:00Z", "name": "exception", "attributes": {"exception.type": "ValueError"}}
    ]
    assert second["generation"]["content"]["prompt"] == "How do I reset password number 2?"
    assert first["generation"] is None


def test_a_span_that_came_twice_is_shown_once(client: TestClient, store: Store) -> None:
    put(store, "spans", [span(1, time=NOON)])
    put(store, "spans", [span(1, time=NOON, received_at=NOON + timedelta(minutes=1))])
    assert client.get(PATH).json()["n_spans"] == 1


def test_a_long_trace_is_cut_and_says_so(client_of: ClientFactory, store: Store) -> None:
    put(store, "spans", [span(n, time=NOON + timedelta(milliseconds=n), parent=n - 1 or None) for n in range(1, 9)])
    trace = client_of(settings={"trace_spans_max": 5}).get(PATH).json()
    assert (trace["n_spans"], trace["is_cut"]) == (5, True)
    assert [one["depth"] for one in trace["spans"]] == [0, 1, 2, 3, 4]


def test_an_unknown_trace_is_not_found_and_a_bad_id_is_a_bad_request(quiet_client: TestClient) -> None:
    answer = quiet_client.get(PATH)
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"no trace with trace_id {trace_id(1)} in project default"
    assert quiet_client.get("/api/v1/traces/abc").status_code == 400


def test_spans_that_are_each_others_ancestors_appear_once() -> None:
    keys = [SpanKey(span_id=name, parent_span_id=parent) for name, parent in [("a", "b"), ("b", "a"), ("c", "c")]]
    places = tree_order(keys)
    assert sorted(place.index for place in places) == [0, 1, 2]
