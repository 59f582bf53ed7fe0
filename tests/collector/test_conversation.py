"""A conversation reads the same whoever's JSON it is in."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.recordings import framed, insert
from driftline_collector.deriver import Deriver
from driftline_collector.mapping import load_table
from driftline_core.store import Store

_CALL: Final = [{"id": "t1", "name": "weather", "arguments": '{"city":"Paris"}'}]
_GENERATION: Final = {"langfuse.observation.type": "generation"}
_MLFLOW: Final = {"mlflow.spanType": '"CHAT_MODEL"'}
_LANGSMITH: Final = {"langsmith.span.kind": "llm"}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


# shape: (attributes, tool calls of the answer). Each asks "Which bolt?" and answers "M8.".
SHAPES: Final[Mapping[str, tuple[Mapping[str, str], list[dict[str, str]]]]] = {
    "plain text": (
        {**_GENERATION, "langfuse.observation.input": "Which bolt?", "langfuse.observation.output": "M8."},
        [],
    ),
    "content blocks": (
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": _json([{"role": "user", "content": [{"type": "text", "text": "Which bolt?"}]}]),
            "gen_ai.output.messages": _json(
                [
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "thinking", "thinking": "Hm."},
                            {"type": "text", "text": "M8."},
                            {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Paris"}},
                        ],
                    }
                ]
            ),
        },
        _CALL,
    ),
    "content blocks in an indexed key": (
        {
            "llm.request.type": "chat",
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": _json([{"type": "text", "text": "Which bolt?"}]),
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "M8.",
        },
        [],
    ),
    "items of a response": (
        {
            **_GENERATION,
            "langfuse.observation.input": _json(
                [
                    {"role": "user", "content": "Which bolt?"},
                    {"type": "function_call_output", "call_id": "t0", "output": "8 mm"},
                ]
            ),
            "langfuse.observation.output": _json(
                [
                    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "M8."}]},
                    {"type": "function_call", "call_id": "t1", "name": "weather", "arguments": '{"city":"Paris"}'},
                ]
            ),
        },
        _CALL,
    ),
    "a response whole": (
        {
            **_MLFLOW,
            "mlflow.spanInputs": _json({"model": "m", "input": "Which bolt?"}),
            "mlflow.spanOutputs": _json(
                {"id": "r", "output": [{"type": "message", "content": [{"type": "output_text", "text": "M8."}]}]}
            ),
        },
        [],
    ),
    "contents and candidates": (
        {
            **_MLFLOW,
            "mlflow.spanInputs": _json({"contents": [{"role": "user", "parts": [{"text": "Which bolt?"}]}]}),
            "mlflow.spanOutputs": _json(
                {
                    "candidates": [
                        {
                            "content": {
                                "role": "model",
                                "parts": [
                                    {"text": "M8.", "function_call": None},
                                    {"function_call": {"id": "t1", "name": "weather", "args": {"city": "Paris"}}},
                                ],
                            }
                        }
                    ]
                }
            ),
        },
        _CALL,
    ),
    "constructors": (
        {
            **_LANGSMITH,
            "gen_ai.prompt": _json(
                {
                    "messages": [
                        [{"lc": 1, "id": ["HumanMessage"], "kwargs": {"content": "Which bolt?", "type": "human"}}]
                    ]
                }
            ),
            "gen_ai.completion": _json(
                {
                    "generations": [
                        [
                            {
                                "text": "M8.",
                                "message": {
                                    "lc": 1,
                                    "kwargs": {
                                        "content": "M8.",
                                        "type": "ai",
                                        "tool_calls": [{"name": "weather", "args": {"city": "Paris"}, "id": "t1"}],
                                    },
                                },
                            }
                        ]
                    ]
                }
            ),
        },
        _CALL,
    ),
    "prompts of a text model": (
        {
            **_LANGSMITH,
            "gen_ai.prompt": _json({"prompts": ["Which bolt?"]}),
            "gen_ai.completion": _json({"generations": [[{"text": "M8.", "generation_info": None}]]}),
        },
        [],
    ),
    "replies as texts": (
        {
            "haystack.component.name": "llm",
            "haystack.component.type": "OpenAIGenerator",
            "haystack.component.input": _json({"prompt": "Which bolt?"}),
            "haystack.component.output": _json({"replies": ["M8."]}),
        },
        [],
    ),
}


@pytest.fixture(scope="module")
def rows(ingest_store: Store) -> dict[str, dict[str, Any]]:
    """The generation of every shape, derived together."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number, (name, (attributes, _)) in enumerate(SHAPES.items(), start=1):
        span = spans.add()
        span.trace_id, span.span_id, span.name = number.to_bytes(16, "big"), number.to_bytes(8, "big"), name
        span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
        for key, value in attributes.items():
            span.attributes.add(key=key).value.string_value = value
    insert(
        ingest_store, framed(request.SerializeToString(), project="shapes", received_at_ns=time.time_ns()), token="s"
    )
    Deriver(ingest_store, load_table()).spans(["s"], since=datetime.now(UTC) - timedelta(hours=1))
    found = ingest_store.rows("SELECT * FROM generations FINAL WHERE project = 'shapes'")
    return {row["name"]: row for row in found}


@pytest.mark.parametrize("shape", SHAPES)
def test_question_answer_and_calls_are_read(rows: dict[str, dict[str, Any]], shape: str) -> None:
    row = rows[shape]
    assert (row["kind"], row["prompt"], row["completion"], row["is_truncated"]) == ("llm", "Which bolt?", "M8.", 0)
    calls = [call for message in json.loads(row["output_messages"]) for call in message["tool_calls"]]
    assert calls == SHAPES[shape][1]
