"""Load from OpenTelemetry's own exporters, with a record of which spans they say were taken."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult

_RESOURCE = Resource.create({"service.name": "load"})


def key_of(span: ReadableSpan) -> str:
    """Trace id and span id in hex."""
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}{context.span_id:016x}"


class Recording(SpanExporter):
    """Hands spans to the real exporter and notes what became of them. acknowledged, sent: keys of spans."""

    def __init__(self, real: SpanExporter) -> None:
        self._real = real
        self.acknowledged: set[str] = set()
        self.sent: set[str] = set()
        self.n_failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        keys = {key_of(span) for span in spans}
        self.sent |= keys
        result = self._real.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.acknowledged |= keys
        else:
            self.n_failed += 1
        return result

    def shutdown(self) -> None:
        self._real.shutdown()


class _Collecting(SpanExporter):
    """Keeps what ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.spans = []


def _send_batches(exporter: Recording, stopping: threading.Event, n_spans: int) -> None:
    """Call export() itself, one batch after the other; what failed is not sent again."""
    collecting = _Collecting()
    provider = TracerProvider(resource=_RESOURCE)
    provider.add_span_processor(SimpleSpanProcessor(collecting))
    tracer = provider.get_tracer("load")
    while not stopping.is_set():
        for _ in range(n_spans):
            tracer.start_span("chat", attributes={"text": "x" * 500}).end()
        batch, collecting.spans = collecting.spans, []
        exporter.export(batch)
    provider.shutdown()


def _run_batch_processor(exporter: Recording, stopping: threading.Event, n_spans: int) -> None:
    """The SDK's own way: spans end, the processor sends them."""
    provider = TracerProvider(resource=_RESOURCE)
    provider.add_span_processor(
        BatchSpanProcessor(exporter, schedule_delay_millis=50, max_export_batch_size=n_spans, max_queue_size=10_000)
    )
    tracer = provider.get_tracer("load")
    while not stopping.wait(0.01):
        for _ in range(4):
            tracer.start_span("batched", attributes={"text": "x" * 500}).end()
    provider.shutdown()


@contextmanager
def load(http_port: int, grpc_port: int, *, n_each: int = 3, n_spans: int = 16) -> Iterator[list[Recording]]:
    """Exporters of both protocols at work, each in a thread of its own, until the context ends: then each finishes what it has.

    n_each: of each protocol, one of which is behind a BatchSpanProcessor.
    """
    logger = logging.getLogger("opentelemetry")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # every kill is an error to them
    make: list[Callable[[], SpanExporter]] = [
        lambda: HttpExporter(f"http://127.0.0.1:{http_port}/v1/traces", timeout=30),
        lambda: GrpcExporter(f"127.0.0.1:{grpc_port}", insecure=True, timeout=30),
    ]
    recordings = [Recording(make[number % 2]()) for number in range(2 * n_each)]
    stopping = threading.Event()
    threads = [
        threading.Thread(
            target=_run_batch_processor if number < 2 else _send_batches, args=(recording, stopping, n_spans)
        )
        for number, recording in enumerate(recordings)
    ]
    for thread in threads:
        thread.start()
    try:
        yield recordings
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
        for recording in recordings:
            recording.shutdown()
        logger.setLevel(level)


def check_kept_once(recordings: Sequence[Recording], rows: dict[str, int]) -> None:
    """rows: how many rows each span has in the store, by its key, repeated ones counted."""
    acknowledged = set().union(*(recording.acknowledged for recording in recordings))
    sent = set().union(*(recording.sent for recording in recordings))
    missing = acknowledged - rows.keys()
    repeated = {key: count for key, count in rows.items() if count > 1}
    assert not missing, f"{len(missing)} of {len(acknowledged)} acknowledged spans are missing"
    assert not repeated, f"{len(repeated)} of {len(rows)} spans are stored more than once"
    assert rows.keys() <= sent
