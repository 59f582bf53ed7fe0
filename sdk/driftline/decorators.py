"""Recording one's own functions: `@generation`, `@retrieval`, `@tool`, and the same as `with` blocks."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, overload

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from driftline import semconv
from driftline.observe import Arguments, Plan, observed
from driftline.operation import Attributes, Generation, Retrieval, ToolCall, begin, running

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def start_generation(
    *,
    model: str | None = None,
    provider: str | None = None,
    name: str | None = None,
    operation: str = semconv.OPERATION_CHAT,
    prompt_name: str | None = None,
    prompt_version: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Iterator[Generation]:
    """A block that is one call of a model: `with start_generation(model="m") as generation: generation.input(...)`.

    name: the span's name, `{operation} {model}` by default; operation: `gen_ai.operation.name`; attributes: any others.
    """
    call = _begin_generation(
        name=name,
        attributes=_generation_attributes(
            operation=operation,
            model=model,
            provider=provider,
            prompt_name=prompt_name,
            prompt_version=prompt_version,
            temperature=temperature,
            max_tokens=max_tokens,
            attributes=attributes,
        ),
        parent=None,
    )
    with running(call):
        yield call


@contextmanager
def start_retrieval(
    query: str | None = None, *, source: str | None = None, top_k: int | None = None, name: str | None = None
) -> Iterator[Retrieval]:
    """A block that looks documents up; give them to `.documents([...])`. source: the index or data base, `gen_ai.data_source.id`."""
    call = _begin_retrieval(name=name, source=source, top_k=top_k, parent=None)
    if query is not None:
        call.query(query)
    with running(call):
        yield call


@contextmanager
def start_tool(name: str, *, call_id: str | None = None, description: str | None = None) -> Iterator[ToolCall]:
    """A block that runs a tool. call_id: the id by which the model asked for it."""
    call = _begin_tool(name=name, call_id=call_id, description=description, parent=None)
    with running(call):
        yield call


@overload
def generation(function: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def generation(
    *,
    name: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    operation: str = semconv.OPERATION_CHAT,
    prompt_name: str | None = None,
    prompt_version: str | None = None,
    read_input: Callable[[Mapping[str, Any]], object] | None = None,
    read_output: Callable[[Any], object] | None = None,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def generation(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    operation: str = semconv.OPERATION_CHAT,
    prompt_name: str | None = None,
    prompt_version: str | None = None,
    read_input: Callable[[Mapping[str, Any]], object] | None = None,
    read_output: Callable[[Any], object] | None = None,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Callable[..., Any]:
    """Record every call of a function that asks a model: plain, async, generator or async generator.

    The input is the argument named `messages`, else the first argument that is a string, else none; `read_input(arguments by name)` says
    otherwise. The output is what the function returns, or its chunks joined; `read_output(result)` picks the text out of a larger answer.
    The model is `model`, else the call's own argument of that name. Inside, `driftline.current_generation()` takes tokens and the rest.
    """

    def begin_call(arguments: Arguments, parent: Context | None) -> Generation:
        return _begin_generation(
            name=name,
            attributes=_generation_attributes(
                operation=operation,
                model=model or _string(arguments.get("model")),
                provider=provider,
                prompt_name=prompt_name,
                prompt_version=prompt_version,
                attributes=attributes,
            ),
            parent=parent,
        )

    def enter(call: Generation, arguments: Arguments) -> None:
        given = read_input(arguments) if read_input is not None else _find_input(arguments)
        if given is not None:
            call.input(given)

    def finish(call: Generation, result: Any) -> None:
        answer = read_output(result) if read_output is not None else result
        if answer is not None:
            call.output(answer)

    plan = Plan(begin=begin_call, enter=enter, finish=finish)
    return _applied(function, plan)


@overload
def retrieval(function: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def retrieval(
    *,
    name: str | None = None,
    source: str | None = None,
    read_documents: Callable[[Any], Sequence[object]] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def retrieval(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    source: str | None = None,
    read_documents: Callable[[Any], Sequence[object]] | None = None,
) -> Callable[..., Any]:
    """Record every call of a function that looks documents up.

    The query is the argument named `query`, else the first string; the documents are what it returns (strings or mappings, see
    `Operation.documents`), or what `read_documents(result)` makes of it.
    """

    def begin_call(arguments: Arguments, parent: Context | None) -> Retrieval:
        top_k = arguments.get("top_k")
        return _begin_retrieval(
            name=name, source=source, top_k=top_k if isinstance(top_k, int) else None, parent=parent
        )

    def enter(call: Retrieval, arguments: Arguments) -> None:
        query = _string(arguments.get("query")) or _first_string(arguments)
        if query is not None:
            call.query(query)

    def finish(call: Retrieval, result: Any) -> None:
        documents = read_documents(result) if read_documents is not None else result
        if isinstance(documents, Sequence) and not isinstance(documents, str | bytes):
            call.documents(documents)

    plan = Plan(begin=begin_call, enter=enter, finish=finish)
    return _applied(function, plan)


@overload
def tool(function: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def tool(*, name: str | None = None, description: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def tool(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None, description: str | None = None
) -> Callable[..., Any]:
    """Record every run of a tool: its arguments by name and its result. The name and description default to the function's own."""

    def decorate(wrapped: Callable[..., Any]) -> Callable[..., Any]:
        own_name = name or wrapped.__name__
        own_description = description or next(iter((inspect.getdoc(wrapped) or "").splitlines()), None)

        def begin_call(arguments: Arguments, parent: Context | None) -> ToolCall:
            return _begin_tool(name=own_name, call_id=None, description=own_description, parent=parent)

        def enter(call: ToolCall, arguments: Arguments) -> None:
            call.arguments({key: value for key, value in arguments.items() if key != "self"})

        def finish(call: ToolCall, result: Any) -> None:
            if result is not None:
                call.result(result)

        plan = Plan(begin=begin_call, enter=enter, finish=finish)
        return observed(wrapped, plan)

    return decorate if function is None else decorate(function)


def _applied(function: Callable[..., Any] | None, plan: Plan[Any]) -> Callable[..., Any]:
    if function is not None:
        return observed(function, plan)
    return lambda wrapped: observed(wrapped, plan)


def _generation_attributes(
    *,
    operation: str,
    model: str | None,
    provider: str | None,
    prompt_name: str | None,
    prompt_version: str | None,
    attributes: Mapping[str, AttributeValue] | None,
    temperature: float | None = None,
    max_tokens: int | None = None,
) -> Attributes:
    return {
        semconv.OPERATION_NAME: operation,
        semconv.REQUEST_MODEL: model,
        semconv.PROVIDER_NAME: provider,
        semconv.PROMPT_NAME: prompt_name,
        semconv.PROMPT_VERSION: prompt_version,
        semconv.REQUEST_TEMPERATURE: temperature,
        semconv.REQUEST_MAX_TOKENS: max_tokens,
        **(attributes or {}),
    }


def _begin_generation(*, name: str | None, attributes: Attributes, parent: Context | None) -> Generation:
    words = (attributes[semconv.OPERATION_NAME], attributes.get(semconv.REQUEST_MODEL))
    span_name = name or " ".join(word for word in words if isinstance(word, str))
    return begin(Generation, name=span_name, kind=SpanKind.CLIENT, attributes=attributes, parent=parent)


def _begin_retrieval(*, name: str | None, source: str | None, top_k: int | None, parent: Context | None) -> Retrieval:
    attributes: Attributes = {
        semconv.OPERATION_NAME: semconv.OPERATION_RETRIEVAL,
        semconv.DATA_SOURCE_ID: source,
        semconv.RETRIEVAL_TOP_K: top_k,
    }
    span_name = name or f"{semconv.OPERATION_RETRIEVAL} {source or ''}".rstrip()
    return begin(Retrieval, name=span_name, kind=SpanKind.CLIENT, attributes=attributes, parent=parent)


def _begin_tool(*, name: str, call_id: str | None, description: str | None, parent: Context | None) -> ToolCall:
    attributes: Attributes = {
        semconv.OPERATION_NAME: semconv.OPERATION_EXECUTE_TOOL,
        semconv.TOOL_NAME: name,
        semconv.TOOL_TYPE: "function",
        semconv.TOOL_CALL_ID: call_id,
        semconv.TOOL_DESCRIPTION: description,
    }
    span_name = f"{semconv.OPERATION_EXECUTE_TOOL} {name}"
    return begin(ToolCall, name=span_name, kind=SpanKind.INTERNAL, attributes=attributes, parent=parent)


def _find_input(arguments: Arguments) -> object:
    messages = arguments.get("messages")
    return messages if messages is not None else _first_string(arguments)


def _first_string(arguments: Arguments) -> str | None:
    return next((value for key, value in arguments.items() if isinstance(value, str) and key != "model"), None)


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None
