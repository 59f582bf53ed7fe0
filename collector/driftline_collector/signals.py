"""The three kinds of telemetry: what OTLP calls their parts, where they come in and how they are checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from driftline_collector.validation import Checked, check_logs, check_metrics, check_traces


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal. items: what one item is called, in the plural. rejected_field: of the response's partial_success.

    paths: of OTLP/HTTP; service: of OTLP/gRPC. check: (decoded request, its bytes when there are any) -> Checked.
    """

    name: str
    items: str
    paths: tuple[str, ...]
    service: str
    request: Any
    response: Any
    rejected_field: str
    check: Callable[[Any, bytes | None], Checked]


SIGNALS: Final[Mapping[str, Signal]] = {
    "traces": Signal(
        name="traces",
        items="spans",
        paths=("/v1/traces", "/api/public/otel/v1/traces"),  # the second is where Langfuse's SDK sends to
        service="opentelemetry.proto.collector.trace.v1.TraceService",
        request=ExportTraceServiceRequest,
        response=ExportTraceServiceResponse,
        rejected_field="rejected_spans",
        check=check_traces,
    ),
    "logs": Signal(
        name="logs",
        items="log records",
        paths=("/v1/logs",),
        service="opentelemetry.proto.collector.logs.v1.LogsService",
        request=ExportLogsServiceRequest,
        response=ExportLogsServiceResponse,
        rejected_field="rejected_log_records",
        check=check_logs,
    ),
    "metrics": Signal(
        name="metrics",
        items="data points",
        paths=("/v1/metrics",),
        service="opentelemetry.proto.collector.metrics.v1.MetricsService",
        request=ExportMetricsServiceRequest,
        response=ExportMetricsServiceResponse,
        rejected_field="rejected_data_points",
        check=check_metrics,
    ),
}

SIGNAL_OF_PATH: Final[Mapping[str, Signal]] = {path: signal for signal in SIGNALS.values() for path in signal.paths}
