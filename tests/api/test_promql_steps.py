"""Metrics that are read from generations and alert states themselves: steps, failures, first tokens, scorers' means, alerts."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from driftline_api.promql.engine import PromqlEngine
from driftline_api.promql.store_source import StoreSource, bucket_labels
from driftline_core.store import Store
from tests.api.records import NOON, alert, generation, minute_of_scores, put

MINUTE = timedelta(minutes=1)


def found(store: Store, expr: str, at: datetime = NOON) -> dict[tuple[str, ...], float]:
    """Label values but the metric's name, by the labels' names -> value."""
    engine = PromqlEngine(StoreSource(store, "default", clock=lambda: NOON + timedelta(days=1)))
    return {
        tuple(text for name, text in sorted(series.labels.items()) if name != "__name__"): float(series.values[0])
        for series in engine.instant(expr, at.timestamp()).series
    }


def step(number: int, *, time: datetime = NOON - 2 * MINUTE, **changes: Any) -> dict[str, Any]:
    return generation(number, time=time, **({"name": "a span", "duration_ms": 15.0} | changes))


def test_steps_are_counted_by_kind_and_name_and_calls_are_none(store: Store) -> None:
    put(
        store,
        "generations",
        [
            step(1, kind="tool", tool_name="search"),
            step(2, kind="tool", tool_name="search", is_error=1),
            step(3, kind="tool"),
            step(4, kind="agent", agent_name="planner"),
            step(5, kind="retrieval", tool_name="ignored"),
            step(6, kind="llm"),
            step(7, kind="embedding"),
            step(1, kind="tool", tool_name="search", received_at=NOON),  # an exporter's retry
        ],
    )
    everywhere = ("production",)
    assert found(store, "driftline_steps_total") == {
        (*everywhere, "tool", "search", "support"): 2,
        (*everywhere, "tool", "a span", "support"): 1,
        (*everywhere, "agent", "planner", "support"): 1,
        (*everywhere, "retrieval", "a span", "support"): 1,
    }
    assert found(store, 'driftline_step_errors_total{kind="tool"}') == {
        (*everywhere, "tool", "search", "support"): 1,
        (*everywhere, "tool", "a span", "support"): 0,
    }


def test_a_step_counts_from_the_end_of_its_minute_on(store: Store) -> None:
    put(store, "generations", [step(1, kind="tool", tool_name="a", time=NOON - 2 * MINUTE + timedelta(seconds=30))])
    assert found(store, "driftline_steps_total", NOON - 2 * MINUTE) == {}
    assert found(store, "driftline_steps_total", NOON - MINUTE) == {("production", "tool", "a", "support"): 1}
    assert found(store, "increase(driftline_steps_total[1m])", NOON - MINUTE) == {
        ("production", "tool", "a", "support"): 1
    }
    later = NOON + timedelta(hours=20)
    assert list(found(store, "increase(driftline_steps_total[10m])", later).values()) == [0]
    assert list(found(store, "driftline_steps_total", later).values()) == [1]


@pytest.mark.parametrize(
    ("metric", "columns"),
    [
        ("driftline_step_duration_seconds", {"kind": "tool", "tool_name": "a"}),
        ("driftline_time_to_first_token_seconds", {"kind": "llm"}),
    ],
)
def test_times_fall_into_the_buckets_of_the_rollup(store: Store, metric: str, columns: dict[str, Any]) -> None:
    times_ms = (10.0, 10.1, 81_920.0, 100_000.0)
    put(
        store,
        "generations",
        [
            step(number, duration_ms=ms, time_to_first_token_ms=ms, **columns)
            for number, ms in enumerate(times_ms, start=1)
        ],
    )
    buckets = {bound: count for (bound,), count in found(store, f"sum by (le) ({metric}_bucket)").items()}
    assert set(buckets) == set(bucket_labels())
    assert (buckets["0.01"], buckets["0.02"], buckets["40.96"], buckets["81.92"], buckets["+Inf"]) == (1, 2, 2, 3, 4)
    assert list(found(store, f"{metric}_count").values()) == [4]
    assert list(found(store, f"{metric}_sum").values()) == [pytest.approx(sum(times_ms) / 1000)]


def test_a_call_that_does_not_tell_its_first_token_is_left_out(store: Store) -> None:
    put(store, "generations", [step(1, time_to_first_token_ms=50.0), step(2, time_to_first_token_ms=None)])
    assert list(found(store, "driftline_time_to_first_token_seconds_count").values()) == [1]


def test_failures_are_told_apart_by_type(store: Store) -> None:
    put(
        store,
        "generations",
        [
            step(1, is_error=1, error_type="timeout"),
            step(2, is_error=1, error_type="timeout"),
            step(3, is_error=1),
            step(4),
            step(5, is_error=1, error_type="timeout", kind="tool"),
        ],
    )
    assert found(store, "sum by (error_type) (driftline_failures_total)") == {("timeout",): 2, ("unknown",): 1}


def test_a_scorers_mean_is_that_of_the_hour(store: Store) -> None:
    hour = NOON - timedelta(hours=1)
    put(
        store,
        "scores_1m",
        [
            minute_of_scores(hour, scored=1, flagged=0, analyzer="refusal", value_sum=1.0),
            minute_of_scores(hour + MINUTE, scored=3, flagged=0, analyzer="refusal", value_sum=0.0),
            minute_of_scores(hour + MINUTE, scored=0, flagged=0, analyzer="judge", value_sum=0.0, unknown=2),
        ],
    )
    assert found(store, "sum by (analyzer) (driftline_call_value_mean)") == {("refusal",): 0.25}


def test_an_alert_is_there_while_it_is_pending_then_while_it_fires(store: Store) -> None:
    labels = {"alertname": "Slow", "severity": "warning", "service": "chat"}
    put(
        store,
        "alert_state",
        [
            alert(
                "Slow", state="resolved", active_at=NOON - 40 * MINUTE, firing_at=NOON - 30 * MINUTE, resolved_at=NOON - 10 * MINUTE,
                labels=labels,
            ),
            alert("Blip", state="resolved", active_at=NOON - 40 * MINUTE, resolved_at=NOON - 38 * MINUTE),
            alert("Now", state="firing", active_at=NOON - 9 * MINUTE, firing_at=NOON - 5 * MINUTE),
        ],
    )  # fmt: skip

    def states(minutes_ago: float) -> set[tuple[str, ...]]:
        expr = "max by (alertname, alertstate) (driftline_alert_active)"
        return set(found(store, expr, NOON - minutes_ago * MINUTE))

    assert states(41) == set()
    assert states(39) == {("Slow", "pending"), ("Blip", "pending")}
    assert states(35) == {("Slow", "pending")}
    assert states(20) == {("Slow", "firing")}
    assert states(9.5) == set()
    assert states(7) == {("Now", "pending")}
    assert states(0) == {("Now", "firing")}
    assert found(store, 'driftline_alert_active{service="chat"}', NOON - 20 * MINUTE) == {
        ("Slow", "firing", "Slow", "chat", "warning"): 1
    }
