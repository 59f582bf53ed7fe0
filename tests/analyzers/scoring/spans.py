"""LLM calls, retrievals and tools written straight into `generations`, and the scores that came of them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from driftline_core.store import Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def llm(number: int, *, trace: int | None = None, minutes: float = 0.0, **changes: Any) -> dict[str, Any]:
    """Call `number` of its own trace unless told; a second long, minutes after noon."""
    return {
        "project": "default",
        "service": "assistant",
        "kind": "llm",
        "request_model": "gpt-4o",
        "start_time": NOON + timedelta(minutes=minutes, seconds=number % 50),
        "duration_ms": 1000.0,
        "trace_id": (trace or number).to_bytes(16, "big"),
        "span_id": number.to_bytes(8, "big"),
        "parent_span_id": bytes(8),
        "input_tokens": 10,
        "prompt": "Where is the kettle that I ordered?",
        "completion": "The kettle that you ordered is on its way.",
        "documents": [],
        "received_at": datetime.now(UTC),
        "stored_at": datetime.now(UTC) - timedelta(hours=1),
    } | changes


def retrieval(number: int, *texts: str, **changes: Any) -> dict[str, Any]:
    """A retrieval of these documents."""
    documents = [("", text, None) for text in texts]
    return llm(
        number, **{"kind": "retrieval", "input_tokens": None, "completion": "", "documents": documents} | changes
    )


def store_spans(store: Store, rows: list[dict[str, Any]]) -> None:
    """Insert them, one block for each set of columns."""
    for row in rows:
        store.insert("generations", list(row), [list(row.values())])


def scores(store: Store, **only: Any) -> list[dict[str, Any]]:
    """Scores that stand, less the moment they were computed."""
    rows = store.rows(
        "SELECT * EXCEPT (computed_at, p_value), reinterpretAsUInt64(reverse(span_id)) AS number FROM scores FINAL "
        "WHERE status != 'withdrawn' ORDER BY project, start_time, number, analyzer, field"
    )
    chosen = [row for row in rows if all(row[name] == value for name, value in only.items())]
    return [row | {"evidence": json.loads(row["evidence"])} for row in chosen]


def counts(store: Store) -> list[tuple[Any, ...]]:
    """(minute of the hour, analyzer, field, scored, flagged, unknown, failed) of the slices that hold something."""
    rows = store.rows(
        "SELECT toMinute(minute) AS minute, analyzer, field, scored, flagged, unknown, failed FROM scores_1m FINAL "
        "WHERE scored + unknown + failed > 0 ORDER BY minute, analyzer, field, service, model"
    )
    return [tuple(row.values()) for row in rows]
