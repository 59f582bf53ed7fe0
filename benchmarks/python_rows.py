"""What one would write without Driftline's collector: FastAPI, protobuf in Python, a row a span and a row a generation, an
INSERT a request and table.

Into the same tables, with the same fsync before the answer, written with care: parsing and inserting leave the event loop,
each worker thread keeps its own connection, attributes are read once. It knows one dialect, OpenTelemetry's current one, and
none of the views hang off its tables.
"""

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline_core.store import Store

_COLUMNS: Final = (
    "project",
    "service",
    "start_time",
    "trace_id",
    "span_id",
    "parent_span_id",
    "duration_ns",
    "is_time_received",
    "name",
    "kind",
    "status_code",
    "status_message",
    "trace_state",
    "scope_name",
    "scope_version",
    "resource_attributes",
    "attributes",
    "events",
    "links",
    "received_at",
)
_GENERATION_COLUMNS: Final = (
    "project",
    "service",
    "start_time",
    "trace_id",
    "span_id",
    "parent_span_id",
    "name",
    "kind",
    "dialect",
    "duration_ms",
    "environment",
    "operation",
    "provider",
    "request_model",
    "response_model",
    "response_id",
    "session_id",
    "user_id",
    "is_error",
    "error_type",
    "error_message",
    "finish_reason",
    "temperature",
    "max_tokens",
    "is_stream",
    "input_tokens",
    "output_tokens",
    "prompt",
    "completion",
    "input_messages",
    "output_messages",
    "received_at",
)
_KINDS: Final = {"chat": "llm", "text_completion": "llm", "generate_content": "llm", "embeddings": "embedding"}
_NO_PARENT: Final = bytes(8)
_WORKERS: Final = 4


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: _plain(item.value) for item in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind)


def _text(value: Any) -> str:
    if value.WhichOneof("value") == "string_value":
        return str(value.string_value)
    plain = _plain(value)
    return "" if plain is None else json.dumps(plain, ensure_ascii=False)


def _map(attributes: Any) -> dict[str, str]:
    return {item.key: _text(item.value) for item in attributes}


def rows_of(request: Any, *, received_at: datetime) -> list[tuple[Any, ...]]:
    """A row a span in the order of the columns of `spans`."""
    rows: list[tuple[Any, ...]] = []
    for resource_spans in request.resource_spans:
        resource = _map(resource_spans.resource.attributes)
        service = resource.get("service.name", "")
        for scope_spans in resource_spans.scope_spans:
            scope = scope_spans.scope
            for span in scope_spans.spans:
                rows.append(
                    (
                        "default",
                        service,
                        span.start_time_unix_nano,
                        span.trace_id,
                        span.span_id,
                        span.parent_span_id or _NO_PARENT,
                        max(0, span.end_time_unix_nano - span.start_time_unix_nano),
                        0,
                        span.name,
                        span.kind,
                        span.status.code,
                        span.status.message,
                        span.trace_state,
                        scope.name,
                        scope.version,
                        resource,
                        _map(span.attributes),
                        [(event.time_unix_nano, event.name, _map(event.attributes)) for event in span.events],
                        [(link.trace_id.hex(), link.span_id.hex(), _map(link.attributes)) for link in span.links],
                        received_at,
                    )
                )
    return rows


def _number(attributes: dict[str, str], key: str, read: Callable[[str], Any]) -> Any:
    value = attributes.get(key)
    return None if value is None else read(value)


def _texts(messages: str) -> list[tuple[str, str]]:
    """Role and text of each message."""
    if not messages:
        return []
    return [
        (message["role"], "\n".join(part["content"] for part in message["parts"] if part["type"] == "text"))
        for message in orjson.loads(messages)
    ]


def generations_of(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """A row a GenAI operation in the order of the columns of `generations`."""
    generations = []
    for row in rows:
        resource, attributes = row[15], row[16]
        operation = attributes.get("gen_ai.operation.name", "")
        if operation not in _KINDS:
            continue
        inputs, outputs = attributes.get("gen_ai.input.messages", ""), attributes.get("gen_ai.output.messages", "")
        prompts = [text for role, text in _texts(inputs) if role == "user"]
        error_type = attributes.get("error.type", "")
        is_error = int(row[10] == 2 or error_type != "")
        generations.append(
            (
                *row[:6],
                row[8],
                _KINDS[operation],
                "otel-genai",
                row[6] / 1e6,
                resource.get("deployment.environment.name", ""),
                operation,
                attributes.get("gen_ai.provider.name", ""),
                attributes.get("gen_ai.request.model", ""),
                attributes.get("gen_ai.response.model", ""),
                attributes.get("gen_ai.response.id", ""),
                attributes.get("gen_ai.conversation.id", ""),
                attributes.get("user.id", ""),
                is_error,
                error_type,
                row[11] if is_error else "",
                ",".join(orjson.loads(attributes.get("gen_ai.response.finish_reasons", "[]"))),
                _number(attributes, "gen_ai.request.temperature", float),
                _number(attributes, "gen_ai.request.max_tokens", int),
                _number(attributes, "gen_ai.request.stream", lambda text: int(text == "true")),
                _number(attributes, "gen_ai.usage.input_tokens", int),
                _number(attributes, "gen_ai.usage.output_tokens", int),
                prompts[-1] if prompts else "",
                "\n".join(text for _, text in _texts(outputs)),
                inputs,
                outputs,
                row[19],
            )
        )
    return generations


def create_app(store: Store) -> FastAPI:
    """POST /v1/traces, answered when the rows are inserted."""
    executor = ThreadPoolExecutor(_WORKERS, thread_name_prefix="rows")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        executor.shutdown()

    app = FastAPI(lifespan=lifespan)

    contexts = threading.local()  # a table's columns are looked up once a thread, not once a request

    def insert_rows(table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
        if not rows:
            return
        context = getattr(contexts, table, None)
        if context is None:
            settings = {"optimize_on_insert": 0}
            context = store.client.create_insert_context(table, column_names=columns, settings=settings)
            setattr(contexts, table, context)
        context.data = rows
        store.client.insert(context=context)

    def insert(body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        rows = rows_of(request, received_at=datetime.now(UTC))
        insert_rows("spans", _COLUMNS, rows)
        insert_rows("generations", _GENERATION_COLUMNS, generations_of(rows))

    @app.post("/v1/traces")
    async def traces(request: Request) -> Response:
        body = await request.body()
        try:
            await asyncio.get_running_loop().run_in_executor(executor, insert, body)
        except DecodeError:
            return Response(status_code=400)
        return Response(b"", media_type="application/x-protobuf")

    return app
