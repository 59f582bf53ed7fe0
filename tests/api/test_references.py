"""Reference sets: created from a time range, listed with counts, deleted."""

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
    assert (body["model"], body["n_generations"], body["n_prompts"], body["n_completions"]) == ("", 6, 6, 5)
    assert client.get(PATH).json()["items"] == [body]
    assert client.get(f"{PATH}/baseline").json() == body
    assert client.delete(f"{PATH}/baseline").status_code == 204
    assert client.get(PATH).json()["items"] == []
    assert client.delete(f"{PATH}/baseline").status_code == 404
    assert client.post(PATH, json={**BASELINE, "model": "m1"}).json()["n_generations"] == 3


@pytest.mark.usefixtures("filled")
def test_a_taken_name_is_a_conflict_but_not_in_another_project(client: TestClient, store: Store) -> None:
    assert client.post(PATH, json=BASELINE).status_code == 201
    again = client.post(PATH, json=BASELINE)
    assert again.status_code == 409
    assert "'baseline' exists in project default" in again.json()["detail"]
    put(store, "generations", [generation(1, time=NOON, project="other")])
    assert client.post(PATH, json=BASELINE, headers={"x-driftline-project": "other"}).status_code == 201
    assert client.get(PATH).json()["items"][0]["n_generations"] == 6


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
