"""Reference sets: frozen from a time range, a version or rows that are sent; listed with what they hold; deleted."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from driftline_core.store import Store
from tests.api.records import NOON, generation, put

PATH = "/api/v1/references"
BASELINE: dict[str, Any] = {
    "name": "baseline",
    "service": "support",
    "from": "2026-11-20T12:00:00Z",
    "to": "2026-11-20T12:00:05.500000Z",
    "description": "before v2",
}


@pytest.fixture
def filled(store: Store) -> None:
    rows = [generation(n, time=NOON + timedelta(seconds=n), request_model=f"m{n % 2}") for n in range(10)]
    rows[1]["completion"] = ""
    put(store, "generations", [*rows, generation(20, time=NOON, kind="tool"), generation(21, time=NOON, service="x")])


@pytest.mark.usefixtures("filled")
def test_a_reference_set_is_created_listed_read_and_deleted(client: TestClient) -> None:
    created = client.post(PATH, json=BASELINE)
    assert created.status_code == 201
    assert created.headers["location"] == f"{PATH}/baseline"
    body = created.json()
    assert {name: body[name] for name in BASELINE} == BASELINE
    assert (body["model"], body["n_generations"], body["n_prompts"], body["n_completions"]) == ("", 5, 5, 4)
    assert client.get(PATH).json()["items"] == [body]
    assert body.items() <= client.get(f"{PATH}/baseline").json().items()
    assert client.delete(f"{PATH}/baseline").status_code == 204
    assert client.get(PATH).json()["items"] == []
    assert client.delete(f"{PATH}/baseline").status_code == 404
    assert client.post(PATH, json={**BASELINE, "model": "m1"}).json()["n_generations"] == 3


@pytest.mark.usefixtures("filled")
def test_a_name_that_exists_gets_its_next_version_and_is_its_own_in_another_project(
    client: TestClient, store: Store
) -> None:
    assert client.post(PATH, json=BASELINE).json()["version"] == 1
    again = client.post(PATH, json={**BASELINE, "model": "m1"}).json()
    assert (again["version"], again["n_generations"], again["segment_by"], again["segment"]) == (2, 3, "model", "m1")
    put(store, "generations", [generation(1, time=NOON, project="other")])
    other = client.post(PATH, json=BASELINE, headers={"x-driftline-project": "other"})
    assert (other.status_code, other.json()["version"]) == (201, 1)
    assert client.get(PATH).json()["items"] == [again]
    detail = client.get(f"{PATH}/baseline").json()
    assert [(one["version"], one["n_calls"]) for one in detail["versions"]] == [("2", 3), ("1", 5)]
    assert detail["checks"] == []


@pytest.mark.usefixtures("filled")
def test_a_reference_says_what_it_can_carry_and_keeps_what_retention_takes(client: TestClient, store: Store) -> None:
    put(store, "generations", [generation(100 + n, time=NOON + timedelta(milliseconds=n)) for n in range(300)])
    body = client.post(PATH, json=BASELINE).json()
    assert (body["n_generations"], body["largest_window"], body["is_too_small"]) == (305, 38, False)
    store.command("TRUNCATE TABLE generations")
    assert client.get(PATH).json()["items"] == [body]


@pytest.mark.usefixtures("filled")
def test_versions_are_pinned_and_releases_before_are_left_to_be_resolved(client: TestClient) -> None:
    pin = {"name": "v1", "service": "support", "kind": "version", "pinned_by": "prompt_version", "pinned_value": "v1"}
    pinned = client.post(PATH, json=pin).json()
    assert (pinned["kind"], pinned["n_generations"], pinned["from"], pinned["to"]) == ("version", 9, None, None)
    before = {"name": "before", "service": "support", "kind": "previous_release", "pinned_by": "release"}
    assert client.post(PATH, json=before).json()["n_generations"] == 0
    assert client.post(PATH, json={**pin, "pinned_value": "v9"}).status_code == 422
    assert client.post(PATH, json={**pin, "pinned_by": "colour"}).status_code == 422
    assert client.post(PATH, json={**before, "rows": [{"prompt": "q"}]}).status_code == 422


def test_a_golden_set_comes_with_the_request_or_in_parts_before_it(client: TestClient) -> None:
    rows = [{"prompt": f"q {n}", "completion": f"a {n}", "session": f"s{n // 2}"} for n in range(6)]
    golden = {"name": "suite", "service": "support", "kind": "golden"}
    inline = client.post(PATH, json={**golden, "rows": rows}).json()
    assert (inline["n_prompts"], inline["n_blocks"], inline["version"]) == (6, 3, 1)
    for n_before, part in ((0, rows[:4]), (4, rows[4:])):
        sent = client.post(f"{PATH}/suite/rows", json={"upload": "u", "n_before": n_before, "rows": part})
        assert sent.status_code == 204
    uploaded = client.post(PATH, json={**golden, "upload": "u"}).json()
    assert (uploaded["n_prompts"], uploaded["n_blocks"], uploaded["version"]) == (6, 3, 2)
    assert client.post(PATH, json={**golden, "upload": "unknown"}).status_code == 422
    assert client.post(PATH, json={**golden, "rows": [{"prompt": " "}]}).status_code == 422
    empty = {"upload": "u", "n_before": 0, "rows": [{"model": "m"}]}
    assert client.post(f"{PATH}/suite/rows", json=empty).status_code == 422


@pytest.mark.usefixtures("filled")
def test_an_empty_range_is_refused_with_what_there_is(client: TestClient, store: Store) -> None:
    late = client.post(PATH, json={**BASELINE, "from": "2027-01-01T00:00:00Z", "to": "2027-01-02T00:00:00Z"})
    assert late.status_code == 422
    assert "got 0 calls and 0 texts" in late.json()["detail"]
    assert "the service has 10 from 2026-11-20T12:00:00Z to 2026-11-20T12:00:09Z" in late.json()["detail"]
    unknown = client.post(PATH, json={**BASELINE, "service": "nobody"})
    assert "the service has none at all" in unknown.json()["detail"]
    put(store, "generations", [generation(30, time=NOON, service="quiet", prompt="", completion="")])
    silent = client.post(PATH, json={**BASELINE, "service": "quiet"})
    assert "got 1 calls and 0 texts; none of them carries text" in silent.json()["detail"]
    assert client.get(PATH).json()["items"] == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"name": "no spaces"}, 422),
        ({"name": ""}, 422),
        ({"service": ""}, 422),
        ({"from": "2026-11-20T12:00:00"}, 422),
        ({"from": "2026-11-21T12:00:00Z"}, 400),
        ({"unknown": 1}, 422),
    ],
)
def test_wrong_reference_sets_are_refused(quiet_client: TestClient, changes: dict[str, Any], status: int) -> None:
    answer = quiet_client.post(PATH, json={**BASELINE, **changes})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
