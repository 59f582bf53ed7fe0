"""Which call of the model is meant, in the store and in the API."""

from dataclasses import dataclass

from opentelemetry.trace import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class CallId:
    """trace_id: 32 lower hex digits, span_id: 16."""

    trace_id: str
    span_id: str

    @classmethod
    def of(cls, span: Span) -> "CallId":
        """The id of a span that was started."""
        context = span.get_span_context()
        return cls(trace_id=f"{context.trace_id:032x}", span_id=f"{context.span_id:016x}")
