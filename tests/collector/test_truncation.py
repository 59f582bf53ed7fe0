"""What an SDK cut off before it sent it: kept, marked, and never in the way of anything else."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.recordings import framed, insert
from driftline_collector.deriver import Deriver
from driftline_collector.mapping import load_table
from driftline_core.store import Store

_MESSAGES = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Which bolt? " * 40}]}])
_ANSWER = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "M8."}]}])


def _derived(store: Store, project: str, fill: Callable[[Any], None]) -> dict[str, Any]:
    """The generation of a span that was whole but for what `fill` does to it, beside one that was not touched."""
    request = ExportTraceServiceRequest()
    scope_spans = request.resource_spans.add().scope_spans.add()
    for number in (1, 2):
        span = scope_spans.spans.add()
        span.trace_id, span.span_id = number.to_bytes(16, "big"), number.to_bytes(8, "big")
        span.name, span.start_time_unix_nano, span.end_time_unix_nano = f"span-{number}", time.time_ns(), time.time_ns()
        values = {
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": _MESSAGES,
            "gen_ai.output.messages": _ANSWER,
        }
        for key, value in values.items():
            span.attributes.add(key=key).value.string_value = value
    fill(scope_spans.spans[0])
    insert(store, framed(request.SerializeToString(), project=project, received_at_ns=time.time_ns()), token=project)
    Deriver(store, load_table()).spans([project], since=datetime.now(UTC) - timedelta(hours=1))
    rows = store.rows("SELECT * FROM generations FINAL WHERE project = {p:String} ORDER BY name", {"p": project})
    cut, whole = rows
    assert (whole["is_truncated"], whole["completion"], whole["prompt"][:12]) == (0, "M8.", "Which bolt? ")
    return cut


def _attribute(span: Any, key: str) -> Any:
    return next(attribute.value for attribute in span.attributes if attribute.key == key)


def test_messages_that_were_cut_off_are_one_message_and_marked(ingest_store: Store, project: str) -> None:
    """As OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT does it."""

    def cut(span: Any) -> None:
        _attribute(span, "gen_ai.input.messages").string_value = _MESSAGES[:100]

    row = _derived(ingest_store, project, cut)
    assert row["is_truncated"] == 1
    assert row["prompt"] == _MESSAGES[:100]
    assert row["completion"] == "M8."


def test_dropped_attributes_are_marked(ingest_store: Store, project: str) -> None:
    """As OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT does it."""

    def drop(span: Any) -> None:
        span.dropped_attributes_count = 3

    row = _derived(ingest_store, project, drop)
    assert (row["is_truncated"], row["completion"]) == (1, "M8.")


def test_an_oversized_value_is_kept_whole(ingest_store: Store, project: str) -> None:
    text = "All of it. " * 500_000

    def grow(span: Any) -> None:
        message = [{"role": "user", "parts": [{"type": "text", "content": text}]}]
        _attribute(span, "gen_ai.input.messages").string_value = json.dumps(message)

    row = _derived(ingest_store, project, grow)
    assert (row["is_truncated"], row["prompt"] == text) == (0, True)
