"""Summary of a range, its series, and the services."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from driftline_api.problems import ProblemError
from driftline_api.steps import cut_steps
from driftline_core.store import Store
from tests.api.records import NOON, generation, price, put, roll_up

PATH = "/api/v1/summary"
RANGE = {"from": "2026-11-20T12:00:00Z", "to": "2026-11-20T13:00:00Z"}


def fill(store: Store) -> None:
    """Sixty calls in the hour after noon, ten in the hour before."""
    put(store, "prices", [price(model="gpt-4o-mini", usd_mtok=(10.0, 20.0, 1.0, 5.0))])
    changes: dict[int, dict[str, Any]] = {
        0: {"is_error": 1},
        1: {"request_model": "local", "provider": "ollama"},
        2: {"input_tokens": None, "output_tokens": None},
        3: {"service": "search", "prompt_version": "v2"},
    }
    rows = [
        generation(n, time=NOON + timedelta(minutes=n), duration_ms=100.0 * (n + 1), **changes.get(n, {}))
        for n in range(60)
    ]
    before = [generation(100 + n, time=NOON - timedelta(minutes=n + 1), duration_ms=50.0) for n in range(10)]
    tool = generation(200, time=NOON, kind="tool")
    put(store, "generations", [*rows, *before, tool, generation(201, time=NOON, project="other")])
    roll_up(store)


def test_a_range_is_counted_beside_the_one_before(client: TestClient, store: Store) -> None:
    fill(store)
    summary = client.get(PATH, params=RANGE).json()
    total = summary["total"]
    assert (total["calls"], total["errors"]) == (60, 1)
    assert (total["input_tokens"], total["output_tokens"]) == (59_000, 11_800)
    assert (total["calls_without_tokens"], total["calls_without_price"]) == (1, 1)
    assert total["cost_usd"] == pytest.approx(58 * (1000 * 10 + 200 * 20) / 1e6)
    assert total["p50_ms"] == pytest.approx(3050, rel=0.05)
    assert total["p95_ms"] == pytest.approx(5700, rel=0.05)
    assert (summary["previous"]["calls"], summary["previous"]["p50_ms"]) == (10, 50.0)
    assert [(one["service"], one["calls"]) for one in summary["by_service"]] == [("support", 59), ("search", 1)]
    models = [(one["provider"], one["model"], one["calls"]) for one in summary["by_model"]]
    assert models == [("openai", "gpt-4o-mini", 59), ("ollama", "local", 1)]
    assert [(one["prompt_version"], one["calls"]) for one in summary["by_prompt_version"]] == [("v1", 59), ("v2", 1)]


def test_the_series_holds_every_step_and_adds_up(client: TestClient, store: Store) -> None:
    fill(store)
    summary = client.get(PATH, params={**RANGE, "step": 600}).json()
    assert summary["step_s"] == 600
    assert [point["calls"] for point in summary["series"]] == [10] * 6
    assert summary["series"][1]["time"] == "2026-11-20T12:10:00Z"
    assert sum(point["cost_usd"] for point in summary["series"]) == pytest.approx(summary["total"]["cost_usd"])
    assert [one["model"] for one in summary["models"]] == ["gpt-4o-mini", "local"]
    assert sum(sum(one["tokens"]) for one in summary["models"]) == 59_000 + 11_800
    assert all(len(one["calls"]) == 6 for one in summary["models"])
    quiet = client.get(PATH, params={"from": "2026-11-01T00:00:00Z", "to": "2026-11-01T01:00:00Z"}).json()
    assert quiet["total"]["p95_ms"] is None
    assert {point["calls"] for point in quiet["series"]} == {0}
    assert quiet["models"] == []


def test_models_beyond_the_biggest_are_put_together(client: TestClient, store: Store) -> None:
    rows = [generation(n, time=NOON, request_model=f"m{n}", input_tokens=1000 * n) for n in range(1, 10)]
    put(store, "generations", rows)
    roll_up(store)
    models = client.get(PATH, params=RANGE).json()["models"]
    assert [(one["model"], one["is_other"]) for one in models] == [
        *((f"m{n}", False) for n in range(9, 3, -1)),
        ("", True),
    ]
    assert sum(models[-1]["calls"]) == 3


def test_filters_narrow_the_summary(client: TestClient, store: Store) -> None:
    fill(store)
    expected = {"service=search": 1, "model=local": 1, "environment=staging": 0, "project=other": 1, "": 60}
    bounds = "from=2026-11-20T12:00:00Z&to=2026-11-20T13:00:00Z"
    counts = {query: client.get(f"{PATH}?{bounds}&{query}").json()["total"]["calls"] for query in expected}
    assert counts == expected


def test_without_a_range_it_is_the_last_day(client: TestClient, store: Store) -> None:
    fill(store)
    summary = client.get(PATH).json()
    assert (summary["from"], summary["to"]) == ("2026-11-19T12:00:00Z", "2026-11-20T12:00:00Z")
    assert summary["total"]["calls"] == 10


def test_a_step_that_cannot_be_is_refused(quiet_client: TestClient) -> None:
    assert "multiple of 60" in quiet_client.get(PATH, params={"step": 90}).json()["detail"]
    too_fine = quiet_client.get(PATH, params={"from": "2026-01-01T00:00:00Z", "step": 60})
    assert too_fine.status_code == 400
    assert "at most 2000 steps" in too_fine.json()["detail"]


def test_steps_cover_the_range_at_places_that_do_not_move() -> None:
    hour_ns = 3600 * 1_000_000_000
    steps = cut_steps(from_ns=hour_ns + 1, to_ns=25 * hour_ns + 1, step_s=None, points_max=2000)
    assert (steps.from_s, steps.to_s, steps.step_s) == (3600, 25 * 3600 + 60, 900)
    assert steps.starts()[0] == 3600
    assert steps.previous().to_s == steps.from_s
    with pytest.raises(ProblemError, match="multiple of 60"):
        cut_steps(from_ns=0, to_ns=hour_ns, step_s=61, points_max=10)
    century = cut_steps(from_ns=0, to_ns=100 * 365 * 24 * hour_ns, step_s=None, points_max=2000)
    assert len(century.starts()) <= 2000


def test_services_are_listed_with_what_they_use(client: TestClient, store: Store) -> None:
    fill(store)
    services = client.get("/api/v1/services").json()["items"]
    assert [one["service"] for one in services] == ["support", "search"]
    assert (services[0]["n_calls"], services[0]["n_errors"]) == (69, 1)
    assert services[0]["models"] == ["gpt-4o-mini", "local"]
    assert services[0]["first_minute"] == "2026-11-20T11:50:00Z"
    assert services[1]["prompt_versions"] == ["v2"]
    assert client.get("/api/v1/services", params={"to": "2026-11-20T12:00:00Z"}).json()["items"][0]["n_calls"] == 10
