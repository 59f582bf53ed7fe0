"""Feedback by the minute: counted once, with the service and model of its call, also when that comes later or minds change."""

from datetime import UTC, datetime, timedelta
from typing import Any

from driftline_core.store import Store
from driftline_core.store.feedback_rollup import FeedbackRollup
from tests.api.records import NOON, generation, put, span_id, trace_id

NOW = datetime.now(UTC).replace(microsecond=0)


def said(number: int, value: float | None, *, time: datetime = NOW, whole: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "project": "default", "kind": "feedback", "name": "user_feedback", "trace_id": bytes.fromhex(trace_id(number)),
        "span_id": bytes(8) if whole else bytes.fromhex(span_id(number)), "value": value, "created_at": time, **more,
    }  # fmt: skip


def counted(store: Store) -> dict[tuple[str, str, str], int]:
    rows = store.rows(
        "SELECT service, model, sentiment, sum(feedback) AS n FROM feedback_1m FINAL WHERE feedback > 0 GROUP BY ALL"
    )
    return {(row["service"], row["model"], row["sentiment"]): row["n"] for row in rows}


def test_feedback_counts_for_the_call_that_is_meant_and_a_trace_for_its_last_llm_call(store: Store) -> None:
    early = NOW - timedelta(hours=3)
    put(store, "generations", [generation(n, time=early) for n in (1, 2, 3)])
    last = generation(3, time=early + timedelta(seconds=5), span_id=b"lastcall", request_model="big")
    tool = generation(3, time=early + timedelta(seconds=9), span_id=b"toolcall", kind="tool", request_model="")
    put(store, "generations", [last, tool])
    put(store, "human_labels", [said(1, -1.0), said(2, 0.5), said(3, 0.0, whole=True), said(4, -0.5), said(5, None)])
    rollup = FeedbackRollup(store)
    assert rollup.tick() == 1
    expected = {
        ("support", "gpt-4o-mini", "negative"): 1,
        ("support", "gpt-4o-mini", "positive"): 1,
        ("support", "big", "neutral"): 1,
        ("", "", "negative"): 1,
    }
    assert counted(store) == expected
    rollup.tick()
    assert counted(store) == expected


def test_a_call_that_comes_later_and_a_mind_that_changes_are_counted_right(store: Store) -> None:
    put(store, "human_labels", [said(1, -1.0), said(2, -1.0)])
    rollup = FeedbackRollup(store)
    rollup.tick()
    assert counted(store) == {("", "", "negative"): 2}
    put(store, "generations", [generation(n, time=NOW - timedelta(minutes=5)) for n in (1, 2)])
    put(store, "human_labels", [said(2, 1.0, time=NOW + timedelta(seconds=1))])
    rollup.tick()
    assert counted(store) == {("support", "gpt-4o-mini", "negative"): 1, ("support", "gpt-4o-mini", "positive"): 1}


def test_feedback_of_the_past_that_arrives_now_and_judges_are_told_apart(store: Store) -> None:
    columns = {
        "project": "default", "service": "bot", "trace_id": bytes(16), "span_id": bytes(8), "source": "log", "score": -1.0,
        "label": "negative", "received_at": NOW, "time": NOON - timedelta(days=2),
    }  # fmt: skip
    rows = [
        {**columns, "name": name, "number": n, "derived_at": NOW} for n, name in enumerate(("user_feedback", "judge"))
    ]
    put(store, "evaluations", rows)
    assert FeedbackRollup(store).tick() == 1
    assert counted(store) == {("bot", "", "negative"): 1}
