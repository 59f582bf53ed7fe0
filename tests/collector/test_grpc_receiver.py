"""OTLP/gRPC: what the real exporter sends, and the statuses that tell it what to do."""

import os
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from driftline_collector import Collector
from driftline_core.errors import StoreError
from driftline_core.store import Store
from tests.collector.otlp_requests import build_request, spans_of


def export(collector: Collector, body: bytes, **metadata: str) -> bytes:
    """Call TraceService/Export with raw bytes; raises grpc.RpcError."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
    with grpc.insecure_channel(f"127.0.0.1:{collector.grpc_port}") as channel:
        call = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        answer: bytes = call(body, metadata=pairs, timeout=30)
        return answer


def status_of(error: Any) -> Status:
    """The google.rpc.Status in the trailing metadata."""
    details = {item.key: item.value for item in error.trailing_metadata()}
    return Status.FromString(details["grpc-status-details-bin"])


def test_spans_of_the_real_exporter_are_queryable(collector: Collector, ingest_store: Store, project: str) -> None:
    for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
        provider = TracerProvider()
        exporter = OTLPSpanExporter(
            f"127.0.0.1:{collector.grpc_port}",
            insecure=True,
            headers=(("x-driftline-project", project),),
            compression=compression,
        )
        provider.add_span_processor(BatchSpanProcessor(exporter))
        with provider.get_tracer("test").start_as_current_span("over-grpc"):
            pass
        provider.shutdown()
    assert collector.flush(60.0)
    rows = ingest_store.rows("SELECT name FROM spans WHERE project = {p:String}", {"p": project})
    assert rows == [{"name": "over-grpc"}] * 2


def test_an_empty_request_is_a_success(collector: Collector) -> None:
    assert export(collector, b"") == b""


def test_bad_spans_are_a_partial_success(collector: Collector) -> None:
    request = build_request(2)
    spans_of(request)[0].span_id = b"short"
    response = ExportTraceServiceResponse.FromString(export(collector, request.SerializeToString()))
    assert response.partial_success.rejected_spans == 1
    assert "expected a span_id of 8 bytes, got 5" in response.partial_success.error_message


@pytest.mark.parametrize("body", [b"\xff" * 9, build_request().SerializeToString()[:-3]])
def test_malformed_bytes_are_an_invalid_argument(collector: Collector, body: bytes) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        export(collector, body)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "cut off or not protobuf" in caught.value.details()
    assert status_of(caught.value).code == 3
    assert not status_of(caught.value).details


def test_a_bad_project_is_an_invalid_argument(collector: Collector) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        export(collector, build_request().SerializeToString(), x_driftline_project="NO")
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_too_large_a_message_is_refused_and_the_next_is_taken(start_collector: Callable[..., Collector]) -> None:
    collector = start_collector(max_body_bytes=64 << 10)
    with pytest.raises(grpc.RpcError) as caught:
        export(collector, build_request(1, text="x" * 100_000).SerializeToString())
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert export(collector, build_request().SerializeToString()) == b""


def test_a_full_spool_is_resource_exhausted_with_a_delay(
    start_collector: Callable[..., Collector], store: Store
) -> None:
    collector = start_collector(spool_max_bytes=1 << 20, retry_after_s=5, linger_s=60.0)
    bodies = [build_request(1, text=os.urandom(300_000).hex()).SerializeToString() for _ in range(2)]
    export(collector, bodies[0])
    with pytest.raises(grpc.RpcError) as caught:
        export(collector, bodies[1])
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    info = RetryInfo()
    assert status_of(caught.value).details[0].Unpack(info)
    assert info.retry_delay.seconds == 5
    assert collector.flush(60.0)
    assert export(collector, bodies[1]) == b""


def test_a_port_that_is_taken_is_an_error(
    collector: Collector, start_collector: Callable[..., Collector], tmp_path: Any
) -> None:
    with pytest.raises(StoreError, match="OTLP/gRPC"):
        start_collector(grpc_port=collector.grpc_port, spool_path=tmp_path / "other")
