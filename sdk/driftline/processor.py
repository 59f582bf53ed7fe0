"""The span processor that sends spans to Driftline and stamps the session on them."""

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from driftline.sessions import session_attributes


class DriftlineSpanProcessor(SpanProcessor):
    """A batch processor towards one exporter. After shutdown it does nothing, so a provider that lives on may keep it."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._batch = BatchSpanProcessor(exporter)
        self._is_open = True

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if not self._is_open:
            return
        present = span.attributes or {}
        for key, value in session_attributes(parent_context).items():
            if key not in present:
                span.set_attribute(key, value)

    def on_end(self, span: ReadableSpan) -> None:
        if self._is_open:
            self._batch.on_end(span)

    def shutdown(self) -> None:
        if self._is_open:
            self._is_open = False
            self._batch.shutdown()  # type: ignore[no-untyped-call]  # published without its annotation

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._batch.force_flush(timeout_millis) if self._is_open else True
