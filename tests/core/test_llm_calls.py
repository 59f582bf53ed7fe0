"""The view llm_calls: each call once, whatever traced it twice, with the session and user of its trace."""

from datetime import UTC, datetime, timedelta
from typing import Any

from driftline_core.store import Store

START = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
_COLUMNS = (
    "project", "service", "start_time", "trace_id", "span_id", "parent_span_id", "name", "kind", "duration_ms", "dialect",
    "request_model", "response_id", "is_error", "input_tokens", "output_tokens", "prompt", "completion", "session_id",
    "user_id", "received_at", "derived_at",
)  # fmt: skip


def _row(span: int, *, trace: int = 1, parent: int = 0, at_s: float = 0.0, **values: Any) -> tuple[Any, ...]:
    row = {
        "project": "default", "service": "chat", "start_time": START + timedelta(seconds=at_s),
        "trace_id": trace.to_bytes(16, "big"), "span_id": span.to_bytes(8, "big"),
        "parent_span_id": parent.to_bytes(8, "big"), "name": "chat", "kind": "llm", "duration_ms": 1000.0,
        "dialect": "otel-genai", "request_model": "gpt-4o", "response_id": "", "is_error": 0, "input_tokens": None,
        "output_tokens": None, "prompt": "", "completion": "", "session_id": "", "user_id": "",
        "received_at": START + timedelta(days=1), "derived_at": START + timedelta(days=1), **values,
    }  # fmt: skip
    return tuple(row[column] for column in _COLUMNS)


def _calls(store: Store, *rows: tuple[Any, ...]) -> list[dict[str, Any]]:
    store.insert("generations", _COLUMNS, rows)
    return store.rows(
        "SELECT * FROM llm_calls(project = 'default', from_time = '2026-11-02 09:59:00', to_time = '2026-11-02 10:30:00') "
        "ORDER BY start_time, span_id"
    )


def _spans(calls: list[dict[str, Any]]) -> list[int]:
    return [int.from_bytes(call["span_id"], "big") for call in calls]


def test_of_embeddings_within_embeddings_the_one_with_tokens_counts(store: Store) -> None:
    outer = _row(1, kind="embedding")
    inner = _row(2, parent=1, kind="embedding", input_tokens=7, at_s=0.1)
    assert _spans(_calls(store, outer, inner)) == [2]


def test_of_embeddings_without_tokens_the_outermost_counts(store: Store) -> None:
    rows = [_row(1, kind="embedding"), _row(2, parent=1, kind="embedding", at_s=0.1), _row(3, kind="embedding", at_s=5)]
    assert _spans(_calls(store, *rows)) == [1, 3]


def test_an_embedding_below_a_call_of_a_model_is_not_taken_for_it(store: Store) -> None:
    rows = [_row(1, input_tokens=5, output_tokens=1), _row(2, parent=1, kind="embedding", input_tokens=3, at_s=0.1)]
    assert _spans(_calls(store, *rows)) == [1, 2]


def test_of_two_traces_of_one_answer_the_one_with_its_text_counts(store: Store) -> None:
    native = _row(1, trace=1, response_id="msg-1", input_tokens=5, output_tokens=1)
    traced = _row(2, trace=2, response_id="msg-1", input_tokens=5, output_tokens=1, prompt="Why?", at_s=0.1)
    assert _spans(_calls(store, native, traced)) == [2]


def test_a_call_has_the_session_and_user_of_its_trace(store: Store) -> None:
    rows = [
        _row(1, kind="chain", session_id="ride-77", user_id="ines"),
        _row(2, parent=1, input_tokens=5, at_s=0.1),
        _row(3, parent=1, input_tokens=5, session_id="own", at_s=0.2),
        _row(4, trace=2, input_tokens=5, at_s=0.3),
    ]
    calls = _calls(store, *rows)
    assert [(call["session_id"], call["user_id"]) for call in calls] == [("ride-77", "ines"), ("own", "ines"), ("", "")]


def test_logfires_request_of_a_stream_counts_with_its_answer(store: Store) -> None:
    request = _row(1, dialect="logfire", prompt="How many?")
    answer = _row(2, dialect="logfire", name="streaming response from 'gpt-4o' took 0.01s", input_tokens=5, at_s=1)
    plain = _row(3, trace=2, dialect="logfire", request_model="gpt-4o-mini", at_s=2)
    assert _spans(_calls(store, request, answer, plain)) == [2, 3]
