"""Wrapping a function of any kind (plain, async, generator, async generator) in one operation.

A generator's span starts with its first step and lasts until it is used up, closed or fails. Its parent and its session are those of the
call, so a stream that a web framework drains after the handler has returned still belongs to the request.
"""

import functools
import inspect
import logging
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from driftline.operation import Generation, H, context_of, fail, running

_log = logging.getLogger("driftline")

Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Generic[H]):
    """begin: starts the operation from the call's arguments, under a parent context; enter records the arguments, finish what came back.

    enter and finish may fail without harm to the call.
    """

    begin: Callable[[Arguments, Context | None], H]
    enter: Callable[[H, Arguments], None]
    finish: Callable[[H, Any], None]

    def started(self, arguments: Arguments, parent: Context | None = None) -> H:
        operation = self.begin(arguments, parent)
        _guarded(self.enter, operation, arguments)
        return operation

    def finished(self, operation: H, result: Any) -> None:
        _guarded(self.finish, operation, result)


def observed(function: Callable[..., Any], plan: Plan[H]) -> Callable[..., Any]:
    """`function` with every call recorded."""
    signature = inspect.signature(function)

    def arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:  # the call itself will say what is wrong with it
            return {}
        bound.apply_defaults()
        return dict(bound.arguments)

    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        def call_async_generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            stream, parent = function(*args, **kwargs), otel_context.get_current()
            return _drain_async(stream, lambda: plan.started(arguments(args, kwargs), parent), parent, plan)

        return call_async_generator

    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def call_generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            stream, parent = function(*args, **kwargs), otel_context.get_current()
            return _drain(stream, lambda: plan.started(arguments(args, kwargs), parent), parent, plan)

        return call_generator

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            with running(plan.started(arguments(args, kwargs), None)) as operation:
                result = await function(*args, **kwargs)
                plan.finished(operation, result)
                return result

        return call_async

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with running(plan.started(arguments(args, kwargs), None)) as operation:
            result = function(*args, **kwargs)
            plan.finished(operation, result)
            return result

    return call


def _guarded(record: Callable[[H, Any], None], operation: H, value: Any) -> None:
    try:
        record(operation, value)
    except Exception as error:  # noqa: BLE001 - what cannot be recorded must not break the app's call
        _log.warning("driftline: a call could not be recorded in full: %s", type(error).__name__)


class _Stream(Generic[H]):
    """What is known of a stream while it runs. Each step runs in the operation's context, the consumer's code between them does not."""

    def __init__(self, begin: Callable[[], H], parent: Context, plan: Plan[H]) -> None:
        self._operation = begin()
        self._context = context_of(self._operation, parent)
        self._plan = plan
        self._chunks: list[Any] = []

    def step(self) -> Any:
        return otel_context.attach(self._context)

    def got(self, chunk: Any) -> None:
        if isinstance(self._operation, Generation):
            self._operation.first_chunk()
        self._chunks.append(chunk)

    def fail(self, error: BaseException) -> None:
        fail(self._operation, error)

    def end(self) -> None:
        chunks = self._chunks
        if chunks:
            is_text = all(isinstance(chunk, str) for chunk in chunks)
            self._plan.finished(self._operation, "".join(chunks) if is_text else chunks)
        self._operation.span.end()


def _drain(
    source: Generator[Any, Any, Any], begin: Callable[[], H], parent: Context, plan: Plan[H]
) -> Generator[Any, Any, Any]:
    stream = _Stream(begin, parent, plan)
    advance: Callable[[], Any] = functools.partial(next, source)
    try:
        while True:
            token = stream.step()
            try:
                chunk = advance()
            finally:
                otel_context.detach(token)
            stream.got(chunk)
            try:
                sent = yield chunk
            except GeneratorExit:
                raise
            except BaseException as thrown:  # noqa: BLE001 - handed on to the function, whose answer it is
                advance = functools.partial(source.throw, thrown)
            else:
                advance = functools.partial(source.send, sent)
    except StopIteration as stop:
        return stop.value
    except GeneratorExit:
        raise
    except BaseException as error:
        stream.fail(error)
        raise
    finally:
        try:
            source.close()
        finally:
            stream.end()


async def _drain_async(
    source: AsyncGenerator[Any, Any], begin: Callable[[], H], parent: Context, plan: Plan[H]
) -> AsyncGenerator[Any, Any]:
    stream = _Stream(begin, parent, plan)
    advance: Callable[[], Any] = functools.partial(anext, source)
    try:
        while True:
            token = stream.step()
            try:
                chunk = await advance()
            finally:
                otel_context.detach(token)
            stream.got(chunk)
            try:
                sent = yield chunk
            except GeneratorExit:
                raise
            except BaseException as thrown:  # noqa: BLE001 - handed on to the function, whose answer it is
                advance = functools.partial(source.athrow, thrown)
            else:
                advance = functools.partial(source.asend, sent)
    except StopAsyncIteration:
        return
    except GeneratorExit:
        raise
    except BaseException as error:
        stream.fail(error)
        raise
    finally:
        try:
            await source.aclose()
        finally:
            stream.end()
