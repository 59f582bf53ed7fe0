"""The rollup gives the same numbers whatever the order in which calls arrive."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from driftline_core.store.rollup import BUCKETS_MS, Rollup

START = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
_COLUMNS = (
    "project", "service", "start_time", "trace_id", "span_id", "parent_span_id", "name", "kind", "duration_ms", "provider",
    "request_model", "response_id", "prompt_version", "is_error", "input_tokens", "output_tokens", "received_at",
)  # fmt: skip


def _call(number: int, *, at_s: float, **values: Any) -> dict[str, Any]:
    """A row of generations; trace, span and ids from `number`."""
    return {
        "project": "default", "service": "chat", "start_time": START + timedelta(seconds=at_s),
        "trace_id": number.to_bytes(16, "big"), "span_id": number.to_bytes(8, "big"), "parent_span_id": bytes(8),
        "name": "chat", "kind": "llm", "duration_ms": 100.0 * number, "provider": "openai", "request_model": "gpt-4o",
        "response_id": "", "prompt_version": "", "is_error": 0, "input_tokens": 10 * number, "output_tokens": number,
        "received_at": START + timedelta(days=1), **values,
    }  # fmt: skip


def _insert(store: Store, *calls: dict[str, Any]) -> None:
    store.insert("generations", _COLUMNS, [[call[column] for column in _COLUMNS] for call in calls])


def _rollup(store: Store) -> list[dict[str, Any]]:
    rows = store.rows(
        "SELECT * EXCEPT (updated_at, duration_quantiles), finalizeAggregation(duration_quantiles) AS quantiles"
        " FROM rollup_1m FINAL ORDER BY project, minute, service, kind"
    )
    return [row | {"minute": row["minute"].replace(tzinfo=UTC)} for row in rows]


CALLS = [
    _call(1, at_s=0),
    _call(2, at_s=30),
    _call(3, at_s=61, is_error=1, input_tokens=None, output_tokens=None),
    _call(4, at_s=62, kind="embedding", output_tokens=None),
    _call(5, at_s=3600, project="other"),
    _call(6, at_s=-86400 * 400, service="imported"),
]


def test_a_minute_sums_calls_errors_tokens_and_durations(store: Store) -> None:
    _insert(store, *CALLS)
    assert Rollup(store).tick() == 4
    rows = {(row["project"], row["minute"], row["kind"]): row for row in _rollup(store)}
    first = rows["default", START, "llm"]
    assert (first["calls"], first["errors"], first["input_tokens"], first["output_tokens"]) == (2, 0, 30, 3)
    assert first["duration_sum_ms"] == 300.0
    assert first["duration_buckets"] == [0, 0, 0, 0, 1, 2, *([2] * 9)]
    assert len(first["duration_buckets"]) == len(BUCKETS_MS) + 1
    failed = rows["default", START + timedelta(minutes=1), "llm"]
    assert (failed["calls"], failed["errors"], failed["calls_without_tokens"]) == (1, 1, 0)
    assert rows["default", START + timedelta(minutes=1), "embedding"]["input_tokens"] == 40
    assert rows["other", START + timedelta(hours=1), "llm"]["calls"] == 1
    assert rows["default", START - timedelta(days=400), "llm"]["service"] == "imported"


def test_late_repeated_and_out_of_order_arrivals_give_the_numbers_of_orderly_ones(
    store: Store, engine_path: Path
) -> None:
    _insert(store, *CALLS)
    Rollup(store).tick()
    database = f"{store.settings.database}_shuffled"
    shuffled = Store(StoreSettings(path=engine_path, database=database))
    migrate(shuffled)
    rollup = Rollup(shuffled)
    for calls in (CALLS[4:], CALLS[2:3], CALLS[0:1] + CALLS[4:5], CALLS[0:1], CALLS[3:4], CALLS[1:3]):
        _insert(shuffled, *calls)
        rollup.tick()
    assert _rollup(shuffled) == _rollup(store)
    shuffled.command(f"DROP DATABASE {database} SYNC")
    shuffled.close()


def test_a_repeated_tick_changes_nothing(store: Store) -> None:
    _insert(store, *CALLS)
    rollup = Rollup(store)
    rollup.tick()
    before = _rollup(store)
    rollup.tick()
    Rollup(store).tick()
    assert _rollup(store) == before


def test_a_call_that_turns_out_to_be_part_of_another_leaves_its_minute(store: Store) -> None:
    outer = _call(7, at_s=59)
    inner = _call(8, at_s=60.5, trace_id=outer["trace_id"], parent_span_id=outer["span_id"], service="sdk")
    _insert(store, inner)
    rollup = Rollup(store)
    rollup.tick()
    assert [row["calls"] for row in _rollup(store)] == [1]
    _insert(store, outer)
    rollup.tick()
    rows = {row["service"]: row for row in _rollup(store)}
    assert rows["chat"]["calls"] == 1
    assert rows["sdk"]["calls"] == rows["sdk"]["input_tokens"] == sum(rows["sdk"]["duration_buckets"]) == 0


def test_one_call_in_two_traces_counts_once(store: Store) -> None:
    first = _call(1, at_s=0, duration_ms=900.0, response_id="chatcmpl-1")
    second = _call(2, at_s=0.5, duration_ms=300.0, response_id="chatcmpl-1")
    later = _call(3, at_s=120, response_id="chatcmpl-1")
    _insert(store, second)
    rollup = Rollup(store)
    rollup.tick()
    _insert(store, first, later)
    rollup.tick()
    assert sum(row["calls"] for row in _rollup(store)) == 2


def test_a_wrapper_without_tokens_gives_way_to_the_call_below_it(store: Store) -> None:
    wrapper = _call(1, at_s=0, input_tokens=None, output_tokens=None)
    chain = _call(2, at_s=0.1, kind="chain", trace_id=wrapper["trace_id"], parent_span_id=wrapper["span_id"])
    call = _call(3, at_s=0.2, trace_id=wrapper["trace_id"], parent_span_id=chain["span_id"])
    below = _call(4, at_s=0.3, trace_id=wrapper["trace_id"], parent_span_id=call["span_id"])
    _insert(store, wrapper, chain, call, below)
    Rollup(store).tick()
    [row] = _rollup(store)
    assert (row["calls"], row["input_tokens"]) == (1, 30)


@pytest.mark.parametrize("days", [0, 1, 30])
def test_long_histories_are_computed_in_chunks(store: Store, days: int) -> None:
    calls = [
        _call(2 * n + (second > 0) + 1, at_s=n * 86400.0 + second) for n in range(days + 1) for second in (0, 7 * 3600)
    ]
    _insert(store, *calls)
    assert Rollup(store).tick() == len(calls)
    assert sum(row["calls"] for row in _rollup(store)) == len(calls)
