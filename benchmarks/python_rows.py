"""What one would write without Driftline's collector: FastAPI, protobuf in Python, a row a span, an INSERT a request.

Into the same tables, with the same fsync before the answer, written with care: parsing and inserting leave the event loop,
each worker thread keeps its own connection, attributes are read once.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

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


def create_app(store: Store) -> FastAPI:
    """POST /v1/traces, answered when the rows are inserted."""
    executor = ThreadPoolExecutor(_WORKERS, thread_name_prefix="rows")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        executor.shutdown()

    app = FastAPI(lifespan=lifespan)

    def insert(body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        rows = rows_of(request, received_at=datetime.now(UTC))
        store.client.insert("spans", rows, column_names=_COLUMNS, settings={"optimize_on_insert": 0})

    @app.post("/v1/traces")
    async def traces(request: Request) -> Response:
        body = await request.body()
        try:
            await asyncio.get_running_loop().run_in_executor(executor, insert, body)
        except DecodeError:
            return Response(status_code=400)
        return Response(b"", media_type="application/x-protobuf")

    return app
