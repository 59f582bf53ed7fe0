"""The runner over the embedded store: history is filled once, what is new is judged, late calls are judged again."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from driftline_analyzers.anomaly.runner import AnomalyRunner
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.store import Store

NOW = datetime(2026, 11, 12, 12, 0, tzinfo=UTC)
MINUTES = timedelta(minutes=1)


def minute(at: datetime, *, calls: int, updated_at: datetime | None = None, **changes: Any) -> tuple[Any, ...]:
    """A minute of the rollup: 100 tokens and, at a USD per thousand tokens, 0.1 USD a call."""
    service, model = changes.get("service", "chat"), changes.get("model", "m")
    return (
        "default", at, service, "openai", model, "llm", calls, changes.get("errors", 0), 60 * calls, 40 * calls,
        updated_at or at + MINUTES,
    )  # fmt: skip


def put(store: Store, rows: Iterable[tuple[Any, ...]]) -> None:
    columns = (
        "project", "minute", "service", "provider", "model", "kind", "calls", "errors", "input_tokens", "output_tokens", "updated_at",
    )  # fmt: skip
    store.insert("rollup_1m", columns, list(rows))


def priced(store: Store) -> None:
    columns = ("provider", "model", "valid_from", "valid_to", "input_usd_mtok", "output_usd_mtok", "source")
    row = ("openai", "m", datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC), 1000.0, 1000.0, "user")
    store.insert("prices", columns, [row])


def days(n: int, *, until: datetime = NOW, calls: int = 20, **changes: Any) -> list[tuple[Any, ...]]:
    """A minute of calls every ten minutes."""
    return [minute(until - 10 * number * MINUTES, calls=calls, **changes) for number in range(1, n * 144 + 1)]


def run(store: Store, at: datetime, **changes: Any) -> AnomalyRunner:
    return AnomalyRunner(store, AnalyzerSettings(**changes), lambda: at)


def points(store: Store, **only: Any) -> list[dict[str, Any]]:
    rows = store.rows("SELECT * FROM anomaly_points FINAL ORDER BY measure, service, model, bucket_start")
    return [row for row in rows if all(row[name] == value for name, value in only.items())]


def test_a_spike_is_far_from_what_the_days_before_let_expect(store: Store) -> None:
    priced(store)
    put(store, days(4))
    put(store, [minute(NOW, calls=60, errors=30)])
    report = run(store, NOW + timedelta(minutes=12, seconds=30)).run_once()
    assert (report.series, report.left_out, report.buckets) == (4, 0, 4 * 144 + 1)
    for measure, usual, value in (("requests", 20, 60), ("tokens", 2000, 6000), ("cost", 2.0, 6.0)):
        newest = points(store, measure=measure)[-1]
        assert newest["bucket_start"].replace(tzinfo=UTC) == NOW
        assert (newest["value"], newest["expected"]) == (pytest.approx(value), pytest.approx(usual))
        assert newest["zscore"] > 10
    errors = points(store, measure="error_share")
    assert (errors[-1]["value"], errors[-2]["value"]) == (0.5, 0.0)
    assert errors[-1]["zscore"] > 10
    requests = points(store, measure="requests")
    assert all(abs(row["zscore"]) < 0.1 for row in requests[216:-1])
    assert all(row["zscore"] is None for row in requests[:72])


def test_what_is_new_is_judged_late_calls_again_and_silence_is_zero(store: Store) -> None:
    put(store, days(2))
    assert run(store, NOW + timedelta(minutes=1)).run_once().buckets == 2 * 144 - 1
    assert run(store, NOW + timedelta(minutes=2)).run_once().buckets == 1
    assert run(store, NOW + timedelta(minutes=3)).run_once().buckets == 0
    assert len(points(store, measure="requests")) == 2 * 144

    assert run(store, NOW + timedelta(hours=1, minutes=2)).run_once().buckets == 7
    newest = points(store, measure="requests")[-1]
    assert (newest["value"], newest["zscore"] < -10) == (0.0, True)
    assert points(store, measure="error_share")[-1]["value"] is None
    assert points(store, measure="cost") == []

    late = NOW - timedelta(hours=5)
    put(store, [minute(late, calls=200, updated_at=NOW + timedelta(hours=1, minutes=3))])
    assert run(store, NOW + timedelta(hours=1, minutes=4)).run_once().buckets == 36
    (changed,) = [row for row in points(store, measure="requests") if row["value"] == 200]
    assert changed["bucket_start"].replace(tzinfo=UTC) == late
    assert changed["zscore"] > 10

    before = [{**row, "computed_at": None} for row in points(store)]
    store.command("TRUNCATE TABLE cursors")
    run(store, NOW + timedelta(hours=1, minutes=4)).run_once()
    assert [{**row, "computed_at": None} for row in points(store)] == before


def test_a_run_ends_when_told_to_and_watches_the_series_with_the_most_calls(store: Store) -> None:
    assert run(store, NOW).run_once("default").rows == 0
    put(store, days(1))
    put(store, days(1, calls=50, service="big"))
    runner = run(store, NOW + timedelta(minutes=2), anomaly_max_series=1)
    runner.stop()
    assert runner.run_once().rows == 0
    runner.resume()
    assert runner.run_once().left_out == 1
    assert {row["service"] for row in points(store)} == {"big"}
