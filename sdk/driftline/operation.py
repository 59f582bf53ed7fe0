"""A span of one GenAI operation and the handle that an app sets things on: a model call, a retrieval, a tool call."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Self, TypeVar

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

from driftline import semconv
from driftline.capture import is_content_captured
from driftline.messages import as_documents, as_instructions, as_messages, to_json
from driftline.sessions import session_attributes
from driftline.tracing import tracer

Attributes = Mapping[str, AttributeValue | None]


class Operation:
    """Handle on a span. Setting something on an ended or unsampled span does nothing."""

    def __init__(self, span: Span) -> None:
        self.span = span

    @property
    def trace_id(self) -> str:
        """32 hex digits, to give feedback on later; zeros when nothing is recorded."""
        return trace.format_trace_id(self.span.get_span_context().trace_id)

    @property
    def span_id(self) -> str:
        """16 hex digits."""
        return trace.format_span_id(self.span.get_span_context().span_id)

    def attribute(self, key: str, value: AttributeValue) -> Self:
        """Set any attribute, e.g. a tag of your own."""
        self.span.set_attribute(key, value)
        return self

    def documents(self, documents: Sequence[object]) -> Self:
        """What was retrieved: strings, or mappings with `content` (or `text`), and `id` and `score` if known. Order is kept."""
        shaped = as_documents(documents, with_content=is_content_captured())
        self.span.set_attribute(semconv.RETRIEVAL_DOCUMENTS, to_json(shaped))
        return self

    def _text(self, key: str, value: object) -> None:
        if is_content_captured():
            self.span.set_attribute(key, value if isinstance(value, str) else to_json(value))

    def _set(self, attributes: Attributes) -> None:
        self.span.set_attributes({key: value for key, value in attributes.items() if value is not None})


class Generation(Operation):
    """One call of a model."""

    def __init__(self, span: Span) -> None:
        super().__init__(span)
        self._started_s = time.perf_counter()
        self._has_first_chunk = False

    def input(self, messages: object, *, system: str | Sequence[str] | None = None) -> Self:
        """What the model was given: a prompt, one message, or messages (GenAI `parts` or chat `content` shape)."""
        self._text(semconv.INPUT_MESSAGES, as_messages(messages, role="user"))
        if system is not None:
            self._text(semconv.SYSTEM_INSTRUCTIONS, as_instructions(system))
        return self

    def output(self, messages: object, *, finish_reason: str | None = None) -> Self:
        """What the model answered: a text, one message, or messages."""
        self._text(semconv.OUTPUT_MESSAGES, as_messages(messages, role="assistant"))
        if finish_reason is not None:
            self.span.set_attribute(semconv.RESPONSE_FINISH_REASONS, [finish_reason])
        return self

    def usage(
        self,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cache_read: int | None = None,
        cache_write: int | None = None,
        reasoning: int | None = None,
    ) -> Self:
        """Tokens. input_tokens is the total with cached ones included, output_tokens the total with reasoning; the rest are parts."""
        self._set(
            {
                semconv.USAGE_INPUT_TOKENS: input_tokens,
                semconv.USAGE_OUTPUT_TOKENS: output_tokens,
                semconv.USAGE_CACHE_READ_INPUT_TOKENS: cache_read,
                semconv.USAGE_CACHE_WRITE_INPUT_TOKENS: cache_write,
                semconv.USAGE_REASONING_OUTPUT_TOKENS: reasoning,
            }
        )
        return self

    def response(self, *, model: str | None = None, response_id: str | None = None) -> Self:
        """Which model answered, and the provider's id of the answer."""
        self._set({semconv.RESPONSE_MODEL: model, semconv.RESPONSE_ID: response_id})
        return self

    def first_chunk(self) -> Self:
        """Say that the first piece of a stream arrived; later calls do nothing."""
        if not self._has_first_chunk:
            self._has_first_chunk = True
            self._set(
                {
                    semconv.REQUEST_STREAM: True,
                    semconv.RESPONSE_TIME_TO_FIRST_CHUNK: time.perf_counter() - self._started_s,
                }
            )
        return self


class Retrieval(Operation):
    """One look-up of documents."""

    def query(self, text: str) -> Self:
        """What was looked for."""
        self._text(semconv.RETRIEVAL_QUERY_TEXT, text)
        return self


class ToolCall(Operation):
    """One run of a tool."""

    def arguments(self, arguments: object) -> Self:
        """What the tool was given."""
        self._text(semconv.TOOL_CALL_ARGUMENTS, arguments)
        return self

    def result(self, result: object) -> Self:
        """What the tool answered."""
        self._text(semconv.TOOL_CALL_RESULT, result)
        return self


H = TypeVar("H", bound=Operation)
_GENERATION_KEY: Final = otel_context.create_key("driftline-generation")


def begin(handle: type[H], *, name: str, kind: SpanKind, attributes: Attributes, parent: Context | None = None) -> H:
    """Start a span and its handle without making it current; `finish` or `fail` and `end` are the caller's."""
    given = {key: value for key, value in attributes.items() if value is not None}
    span = tracer().start_span(name, context=parent, kind=kind, attributes={**session_attributes(parent), **given})
    return handle(span)


def context_of(operation: Operation, parent: Context | None = None) -> Context:
    """The context in which work below `operation` runs."""
    context = trace.set_span_in_context(operation.span, parent)
    return otel_context.set_value(_GENERATION_KEY, operation, context) if isinstance(operation, Generation) else context


def fail(operation: Operation, error: BaseException) -> None:
    """Record an error. With content capture off its message stays out, because it may quote the text."""
    span = operation.span
    error_type = type(error).__qualname__
    span.set_attribute(semconv.ERROR_TYPE, error_type)
    if is_content_captured():
        span.record_exception(error)
        span.set_status(StatusCode.ERROR, f"{error_type}: {error}")
    else:
        span.add_event(semconv.EXCEPTION_EVENT, {semconv.EXCEPTION_TYPE: error_type})
        span.set_status(StatusCode.ERROR, error_type)


@contextmanager
def running(operation: H) -> Iterator[H]:
    """The operation is current inside the block; its span ends with it, failed when the block raises."""
    token = otel_context.attach(context_of(operation))
    try:
        yield operation
    except GeneratorExit:
        raise
    except BaseException as error:
        fail(operation, error)
        raise
    finally:
        otel_context.detach(token)
        operation.span.end()


def current_generation() -> Generation:
    """The generation that this code runs in, to set usage and the like on; outside of one, a handle that does nothing."""
    value: Any = otel_context.get_value(_GENERATION_KEY)
    return value if isinstance(value, Generation) else Generation(trace.INVALID_SPAN)
