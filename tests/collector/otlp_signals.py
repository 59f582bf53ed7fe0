"""Requests of logs and metrics for tests, built with the real protobuf classes, and what the recordings of them hold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

RECORDINGS = Path(__file__).parent / "recordings"
OBSERVED_NS = 1_795_219_140_000_000_000  # 2026-11-20T23:59:00Z


def put(owner: Any, key: str, value: Any, *, name: str = "attributes") -> None:
    """Add one attribute of a Python value."""
    fill(getattr(owner, name).add(key=key).value, value)


def fill(target: Any, value: Any) -> None:
    """Make an AnyValue hold a Python value; None leaves it without one."""
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bytes):
        target.bytes_value = value
    elif isinstance(value, list):
        target.array_value.SetInParent()
        for item in value:
            fill(target.array_value.values.add(), item)
    elif isinstance(value, dict):
        target.kvlist_value.SetInParent()
        for key, item in value.items():
            fill(target.kvlist_value.values.add(key=key).value, item)


def logs_request(*bodies: Any, service: str = "svc", **record: Any) -> Any:
    """A request with one record a body; keywords are fields of each record."""
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    put(resource_logs.resource, "service.name", service)
    scope_logs = resource_logs.scope_logs.add()
    scope_logs.scope.name = "logger"
    for body in bodies:
        values = {"time_unix_nano": OBSERVED_NS, "severity_number": 9, **record}
        fill(scope_logs.log_records.add(**values).body, body)
    return request


def records_of(request: Any) -> list[Any]:
    """Every record of a request."""
    return [record for rl in request.resource_logs for sl in rl.scope_logs for record in sl.log_records]


def metrics_request(service: str = "svc") -> tuple[Any, Any]:
    """A request without metrics, and its scope_metrics to add them to."""
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    put(resource_metrics.resource, "service.name", service)
    scope_metrics = resource_metrics.scope_metrics.add()
    scope_metrics.scope.name = "meter"
    return request, scope_metrics


def gauge_request(*values: float, name: str = "gpu.utilization") -> Any:
    """A request with one gauge and a data point a value."""
    request, scope_metrics = metrics_request()
    gauge = scope_metrics.metrics.add(name=name, unit="1").gauge
    for index, value in enumerate(values):
        put(gauge.data_points.add(time_unix_nano=OBSERVED_NS, as_double=value), "gpu", index)
    return request


def recorded(signal: str) -> Iterator[tuple[str, bytes]]:
    """Name and body of every recording of a signal."""
    for path in sorted(RECORDINGS.glob(f"*.{signal}.bin")):
        yield path.name, path.read_bytes()
