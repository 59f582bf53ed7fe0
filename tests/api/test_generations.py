"""The list of generations, its filters, pages, texts and costs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from driftline_core.store import Store
from tests.api.conftest import ClientFactory
from tests.api.records import NOON, generation, price, put, score, span_id, trace_id

PATH = "/api/v1/generations"


def ids(answer: Any) -> list[int]:
    """Numbers of the generations of a page."""
    return [int(item["trace_id"], 16) for item in answer.json()["items"]]


def test_an_empty_store_has_an_empty_page(client: TestClient) -> None:
    answer = client.get(PATH)
    assert answer.status_code == 200
    assert answer.json() == {"items": [], "next_cursor": None}


def test_pages_hold_every_row_once_newest_first_even_at_equal_times(client: TestClient, store: Store) -> None:
    put(store, "generations", [generation(n, time=NOON + timedelta(seconds=n // 5)) for n in range(1, 24)])
    seen: list[tuple[str, str]] = []
    cursor = None
    for _ in range(5):
        page = client.get(PATH, params={"limit": 5} | ({"cursor": cursor} if cursor else {})).json()
        seen += [(item["start_time"], item["trace_id"]) for item in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert len(set(seen)) == 23
    assert seen == sorted(seen, reverse=True)


def test_a_page_stays_in_place_while_newer_rows_arrive(client: TestClient, store: Store) -> None:
    put(store, "generations", [generation(n, time=NOON + timedelta(seconds=n)) for n in (1, 2, 3)])
    first = client.get(PATH, params={"limit": 2}).json()
    put(store, "generations", [generation(9, time=NOON + timedelta(seconds=9))])
    second = client.get(PATH, params={"limit": 2, "cursor": first["next_cursor"]})
    assert ids(second) == [1]


FILTERS: list[tuple[dict[str, str], list[int]]] = [
    ({"service": "search"}, [2]),
    ({"model": "gpt-4o"}, [3]),
    ({"provider": "anthropic"}, [4]),
    ({"kind": "tool"}, [5]),
    ({"prompt_version": "v2"}, [6]),
    ({"session_id": "s7"}, [7]),
    ({"user_id": "u8"}, [8]),
    ({"is_error": "true"}, [9]),
    ({"is_error": "false", "service": "support", "kind": "tool"}, [5]),
    ({"q": "GRÜSSE"}, [10]),
    ({"q": "it's 100% {q:String}"}, [11]),
    ({"from": "2026-11-20T12:00:10Z", "to": "2026-11-20T12:00:12Z"}, [11, 10]),
    ({"from": "2026-11-20T13:00:10+01:00", "to": "2026-11-20T13:00:11+01:00"}, [10]),
    ({"service": "nobody"}, []),
    ({"service": "' OR 1 = 1 --"}, []),
]


def test_filters_choose_exactly_their_rows(client: TestClient, store: Store) -> None:
    changes: dict[int, dict[str, Any]] = {
        2: {"service": "search"},
        3: {"request_model": "gpt-4o"},
        4: {"provider": "anthropic"},
        5: {"kind": "tool"},
        6: {"prompt_version": "v2"},
        7: {"session_id": "s7"},
        8: {"user_id": "u8"},
        9: {"is_error": 1},
        10: {"prompt": "viele Grüße, grüsse"},
        11: {"completion": "it's 100% {q:String}"},
    }
    blank = {"user_id": ""}
    put(
        store,
        "generations",
        [generation(n, time=NOON + timedelta(seconds=n), **{**blank, **changes.get(n, {})}) for n in range(1, 12)],
    )
    for filters, expected in FILTERS:
        assert ids(client.get(PATH, params=filters)) == expected, filters


def test_a_row_sent_twice_is_shown_once_as_it_last_came(client: TestClient, store: Store) -> None:
    put(store, "generations", [generation(1, time=NOON, completion="")])
    late = generation(1, time=NOON, completion="late", received_at=NOON + timedelta(minutes=1))
    put(store, "generations", [late])
    items = client.get(PATH).json()["items"]
    assert [item["completion_preview"] for item in items] == ["late"]
    assert ids(client.get(PATH, params={"q": "late"})) == [1]


def test_another_projects_rows_are_invisible(client: TestClient, store: Store) -> None:
    put(store, "generations", [generation(1, time=NOON), generation(2, time=NOON, project="other")])
    assert ids(client.get(PATH)) == [1]
    assert ids(client.get(PATH, params={"project": "other"})) == [2]
    assert ids(client.get(PATH, headers={"x-driftline-project": "other"})) == [2]
    assert client.get(f"{PATH}/{trace_id(2)}/{span_id(2)}").status_code == 404


def test_lists_cut_texts_and_add_them_in_full_when_asked(client_of: ClientFactory, store: Store) -> None:
    client = client_of(settings={"preview_chars": 20})
    messages = '[{"role":"user","content":"hello"}]'
    documents = [("d1", "text of d1", 0.5), ("d2", "text of d2", None)]
    row = generation(1, time=NOON, completion="ä" * 30, input_messages=messages, documents=documents)
    put(store, "generations", [row])
    lean = client.get(PATH).json()["items"][0]
    assert lean["completion_preview"] == "ä" * 20
    assert lean["is_cut"] is True
    assert lean["content"] is None
    full = client.get(PATH, params={"include": "messages"}).json()["items"][0]["content"]
    assert full["completion"] == "ä" * 30
    assert full["input_messages"] == [{"role": "user", "content": "hello"}]
    assert full["documents"] == [
        {"id": "d1", "content": "text of d1", "score": 0.5},
        {"id": "d2", "content": "text of d2", "score": None},
    ]


def test_cost_uses_the_price_of_the_time_and_counts_cached_tokens_once(client: TestClient, store: Store) -> None:
    put(
        store,
        "prices",
        [
            price(model="gpt-4o-mini", usd_mtok=(10.0, 20.0, 1.0, 5.0), valid_to=NOON),
            price(model="gpt-4o-mini", usd_mtok=(100.0, 200.0, 10.0, 50.0), valid_from=NOON),
        ],
    )
    cached = {"cache_read_tokens": 400, "cache_write_tokens": 100}
    put(
        store,
        "generations",
        [
            generation(1, time=NOON - timedelta(seconds=1), **cached),
            generation(2, time=NOON, **cached),
            generation(3, time=NOON, request_model="unknown", **cached),
            generation(4, time=NOON, **{**cached, "input_tokens": None, "output_tokens": None}),
            generation(5, time=NOON, kind="agent", **cached),
        ],
    )
    costs = {int(item["trace_id"], 16): item["cost_usd"] for item in client.get(PATH).json()["items"]}
    # 500 tokens at the full input price, 400 read from the cache, 100 written to it, 200 out
    assert costs[1] == pytest.approx((500 * 10 + 400 * 1 + 100 * 5 + 200 * 20) / 1e6)
    assert costs[2] == pytest.approx((500 * 100 + 400 * 10 + 100 * 50 + 200 * 200) / 1e6)
    assert [costs[3], costs[4], costs[5]] == [None, None, None]


def test_ones_own_price_wins_over_the_shipped_one(client: TestClient, store: Store) -> None:
    put(
        store,
        "prices",
        [
            price(model="gpt-4o-mini", usd_mtok=(10.0, 20.0, 1.0, 5.0), valid_from=datetime(2026, 1, 1, tzinfo=UTC)),
            price(model="gpt-4o-mini", usd_mtok=(1.0, 1.0, 1.0, 1.0), source="user"),
        ],
    )
    put(store, "generations", [generation(1, time=NOON)])
    assert client.get(PATH).json()["items"][0]["cost_usd"] == pytest.approx(1200 / 1e6)


def test_one_generation_comes_with_texts_and_scores(client: TestClient, store: Store) -> None:
    put(store, "generations", [generation(1, time=NOON), generation(2, time=NOON)])
    put(store, "scores", [score(1, time=NOON, p_value=0.003), score(2, time=NOON, p_value=0.5)])
    answer = client.get(f"{PATH}/{trace_id(1).upper()}/{span_id(1)}").json()
    assert answer["content"]["prompt"] == "How do I reset password number 1?"
    assert [(one["analyzer"], one["p_value"]) for one in answer["scores"]] == [("outliers", 0.003)]


@pytest.mark.parametrize(
    ("path", "status", "part"),
    [
        (f"{PATH}/{trace_id(1)}/{span_id(1)}", 404, "no generation with trace_id"),
        (f"{PATH}/xyz/{span_id(1)}", 400, "expected a trace_id of 32 hex digits, got 'xyz'"),
        (f"{PATH}/{trace_id(1)}/12", 400, "expected a span_id of 16 hex digits, got '12'"),
        (f"{PATH}?limit=0", 400, "query.limit"),
        (f"{PATH}?limit=100000", 400, "expected a limit of at most 500, got 100000"),
        (f"{PATH}?from=yesterday", 400, "query.from"),
        (f"{PATH}?from=2026-11-20T12:00:00", 400, "timezone"),
        (f"{PATH}?from=2026-11-20T12:00:00+00:00", 400, "%2B"),
        (f"{PATH}?from=2026-11-20T12:00:00Z&to=2026-11-20T12:00:00Z", 400, "expected from before to"),
        (f"{PATH}?from=1066-10-14T12:00:00Z", 400, "between 1970 and 2100"),
        (f"{PATH}?cursor=nonsense!", 400, "expected the next_cursor of an earlier answer"),
        (f"{PATH}?cursor=WzEsMl0", 400, "expected the next_cursor of an earlier answer of this route"),
        (f"{PATH}?include=everything", 400, "messages"),
        (f"{PATH}?project=No%20Such", 400, "expected a project like"),
        (f"{PATH}?q={'x' * 300}", 400, "200"),
    ],
)
def test_wrong_requests_are_problems_that_say_what_was_expected(
    quiet_client: TestClient, path: str, status: int, part: str
) -> None:
    answer = quiet_client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert part in answer.json()["detail"]


def test_two_projects_in_one_request_are_refused(quiet_client: TestClient) -> None:
    answer = quiet_client.get(PATH, params={"project": "a"}, headers={"x-driftline-project": "b"})
    assert answer.status_code == 400
