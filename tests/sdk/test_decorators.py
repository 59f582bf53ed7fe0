import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import driftline


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exporter.get_finished_spans()
    return span


def attributes_of(span: ReadableSpan) -> Mapping[str, Any]:
    return dict(span.attributes or {})


def messages_of(span: ReadableSpan, direction: str) -> Any:
    return json.loads(attributes_of(span)[f"gen_ai.{direction}.messages"])


def test_a_plain_function_becomes_a_chat_span(exporter: InMemorySpanExporter) -> None:
    @driftline.generation(model="small-1", provider="openai", prompt_name="support", prompt_version="3")
    def answer(question: str, *, tone: str = "kind") -> str:
        """Answers."""
        driftline.current_generation().usage(input_tokens=12, output_tokens=5, cache_read=4, cache_write=1, reasoning=2)
        return f"It depends, {tone}ly."

    assert answer("Why?") == "It depends, kindly."
    assert (answer.__name__, answer.__doc__) == ("answer", "Answers.")

    span = only(exporter)
    assert (span.name, span.kind, span.status.status_code) == ("chat small-1", SpanKind.CLIENT, StatusCode.UNSET)
    assert attributes_of(span) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "small-1",
        "gen_ai.provider.name": "openai",
        "gen_ai.prompt.name": "support",
        "gen_ai.prompt.version": "3",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.cache_write.input_tokens": 1,
        "gen_ai.usage.reasoning.output_tokens": 2,
        "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"Why?"}]}]',
        "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"It depends, kindly."}]}]',
    }


def test_the_decorator_needs_no_arguments_and_takes_model_and_messages_from_the_call(
    exporter: InMemorySpanExporter,
) -> None:
    @driftline.generation
    def call(model: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": "{}"}}],
        }

    call(
        "large-2",
        [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "u"}}],
            },
            {"role": "tool", "tool_call_id": "c0", "content": "42"},
        ],
    )

    span = only(exporter)
    assert span.name == "chat large-2"
    assert messages_of(span, "input") == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {
            "role": "user",
            "parts": [{"type": "text", "content": "Look"}, {"type": "image_url", "image_url": {"url": "u"}}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c0", "response": "42"}]},
    ]
    assert messages_of(span, "output") == [
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "f", "arguments": "{}"}]}
    ]


def test_input_and_output_are_read_as_told(exporter: InMemorySpanExporter) -> None:
    @driftline.generation(read_input=lambda given: given["request"]["q"], read_output=lambda result: result["text"])
    def call(request: dict[str, str]) -> dict[str, Any]:
        return {"text": "yes", "raw": object()}

    call({"q": "really?"})
    span = only(exporter)
    assert messages_of(span, "input")[0]["parts"][0]["content"] == "really?"
    assert messages_of(span, "output")[0]["parts"][0]["content"] == "yes"


def test_a_reader_that_fails_does_not_break_the_call(
    exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    @driftline.generation(read_input=lambda given: given["absent"], read_output=lambda result: result.absent)
    def call(question: str) -> str:
        return "fine"

    assert call("secret words") == "fine"
    assert "gen_ai.input.messages" not in attributes_of(only(exporter))
    assert len(caplog.records) == 2
    assert "secret" not in caplog.text


def test_an_async_function_is_awaited_inside_its_span(exporter: InMemorySpanExporter) -> None:
    @driftline.tool
    async def look_up(key: str) -> str:
        await asyncio.sleep(0)
        return key.upper()

    @driftline.generation(model="m")
    async def answer(question: str) -> str:
        found = await asyncio.gather(look_up("a"), look_up("b"))
        return "".join(found)

    async def both() -> list[str]:
        return list(await asyncio.gather(answer("one"), answer("two")))

    assert asyncio.run(both()) == ["AB", "AB"]
    spans = exporter.get_finished_spans()
    chats = [span for span in spans if span.name == "chat m"]
    tools = [span for span in spans if span.name == "execute_tool look_up"]
    parents = [tool.parent.span_id for tool in tools if tool.parent is not None]
    assert sorted(parents) == sorted(2 * [chat.context.span_id for chat in chats if chat.context is not None])


def test_a_generator_is_one_span_with_its_chunks_joined_and_its_first_chunk_timed(
    exporter: InMemorySpanExporter,
) -> None:
    @driftline.generation(model="m")
    def stream(prompt: str) -> Iterator[str]:
        yield "Hel"
        yield "lo"
        driftline.current_generation().usage(output_tokens=2)

    assert list(stream("greet")) == ["Hel", "lo"]
    span = only(exporter)
    attributes = attributes_of(span)
    assert messages_of(span, "output")[0]["parts"][0]["content"] == "Hello"
    assert attributes["gen_ai.request.stream"] is True
    assert attributes["gen_ai.usage.output_tokens"] == 2
    assert span.end_time is not None
    assert span.start_time is not None
    assert 0 < attributes["gen_ai.response.time_to_first_chunk"] <= (span.end_time - span.start_time) / 1e9


def test_a_generator_keeps_send_throw_and_return(exporter: InMemorySpanExporter) -> None:
    @driftline.generation
    def talk() -> Any:
        try:
            got = yield "first"
        except KeyError:
            got = "caught"
        got = yield got
        return got

    calls = talk()
    assert next(calls) == "first"
    assert calls.throw(KeyError("k")) == "caught"
    with pytest.raises(StopIteration) as stop:
        calls.send("end")
    assert stop.value.value == "end"
    assert only(exporter).status.status_code is StatusCode.UNSET


def test_a_generator_that_is_left_early_keeps_what_came(exporter: InMemorySpanExporter) -> None:
    is_closed = False

    @driftline.generation
    def stream() -> Iterator[str]:
        nonlocal is_closed
        try:
            yield "one"
            yield "two"
        finally:
            is_closed = True

    chunks = stream()
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]  # an iterator by its annotation
    span = only(exporter)
    assert is_closed
    assert messages_of(span, "output")[0]["parts"][0]["content"] == "one"
    assert span.status.status_code is StatusCode.UNSET


def test_the_consumer_of_a_generator_does_not_run_inside_its_span(exporter: InMemorySpanExporter) -> None:
    @driftline.generation(model="m")
    def stream() -> Iterator[str]:
        with driftline.start_tool("inner"):
            pass
        yield "x"

    @driftline.tool
    def consumer_work() -> None: ...

    for _ in stream():
        consumer_work()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    chat = spans["chat m"].context
    assert chat is not None
    inner_parent = spans["execute_tool inner"].parent
    assert inner_parent is not None
    assert inner_parent.span_id == chat.span_id
    assert spans["execute_tool consumer_work"].parent is None


def test_a_stream_drained_after_the_handler_returned_belongs_to_its_call(exporter: InMemorySpanExporter) -> None:
    @driftline.generation(model="m")
    def stream() -> Iterator[str]:
        yield "late"

    with driftline.start_tool("request"), driftline.session(session_id="s-1"):
        chunks = stream()
    assert list(chunks) == ["late"]
    spans = {span.name: span for span in exporter.get_finished_spans()}
    parent, request = spans["chat m"].parent, spans["execute_tool request"].context
    assert parent is not None
    assert request is not None
    assert parent.span_id == request.span_id
    assert attributes_of(spans["chat m"])["session.id"] == "s-1"


def test_an_async_generator_is_one_span(exporter: InMemorySpanExporter) -> None:
    @driftline.generation(model="m")
    async def stream(prompt: str) -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(0)
        yield "b"

    async def drain() -> list[str]:
        return [chunk async for chunk in stream("p")]

    assert asyncio.run(drain()) == ["a", "b"]
    span = only(exporter)
    assert messages_of(span, "output")[0]["parts"][0]["content"] == "ab"
    assert attributes_of(span)["gen_ai.response.time_to_first_chunk"] > 0


def test_an_error_is_recorded_and_raised(exporter: InMemorySpanExporter) -> None:
    class RateLimited(Exception):
        pass

    @driftline.generation
    def call(prompt: str) -> str:
        raise RateLimited("slow down")

    with pytest.raises(RateLimited, match="slow down"):
        call("x")
    span = only(exporter)
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is not None
    assert "slow down" in span.status.description
    assert attributes_of(span)["error.type"].endswith("RateLimited")
    assert [event.name for event in span.events] == ["exception"]


@pytest.mark.parametrize("is_async", [False, True])
def test_an_error_within_a_stream_is_recorded_with_what_came_before(
    exporter: InMemorySpanExporter, is_async: bool
) -> None:
    @driftline.generation
    def stream() -> Iterator[str]:
        yield "half"
        raise TimeoutError

    @driftline.generation
    async def stream_async() -> AsyncIterator[str]:
        yield "half"
        raise TimeoutError

    async def drain() -> list[str]:
        return [chunk async for chunk in stream_async()]

    with pytest.raises(TimeoutError):
        asyncio.run(drain()) if is_async else list(stream())
    span = only(exporter)
    assert attributes_of(span)["error.type"] == "TimeoutError"
    assert messages_of(span, "output")[0]["parts"][0]["content"] == "half"


def test_a_cancelled_call_is_an_error(exporter: InMemorySpanExporter) -> None:
    @driftline.generation
    async def call() -> str:
        await asyncio.sleep(60)
        return "never"

    async def cancel() -> None:
        task = asyncio.create_task(call())
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())
    assert attributes_of(only(exporter))["error.type"] == "CancelledError"


def test_a_wrong_call_raises_its_own_error(exporter: InMemorySpanExporter) -> None:
    @driftline.generation
    def call(prompt: str) -> str:
        return prompt

    with pytest.raises(TypeError, match="missing 1 required positional argument: 'prompt'"):
        call()  # type: ignore[call-arg]  # the point of the test
    assert attributes_of(only(exporter))["error.type"] == "TypeError"


def test_without_content_capture_no_text_is_recorded(
    exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "NO_CONTENT")

    @driftline.tool
    def lookup(key: str) -> str:
        return "secret result"

    @driftline.retrieval(source="kb")
    def search(query: str) -> list[dict[str, Any]]:
        return [{"id": "d1", "content": "secret document", "score": 0.5}]

    @driftline.generation
    def answer(question: str) -> str:
        lookup("secret key")
        search("secret query")
        driftline.current_generation().input("secret input", system="secret system").documents(["secret text"])
        raise ValueError("secret failure")

    with pytest.raises(ValueError, match="secret failure"):
        answer("secret question")
    spans = exporter.get_finished_spans()
    assert len(spans) == 3
    assert "secret" not in "".join(span.to_json() for span in spans)
    documents = attributes_of(next(span for span in spans if span.name == "retrieval kb"))["gen_ai.retrieval.documents"]
    assert json.loads(documents) == [{"id": "d1", "score": 0.5}]


def test_a_block_takes_everything(exporter: InMemorySpanExporter) -> None:
    with driftline.start_generation(
        model="m", provider="anthropic", prompt_version="2", temperature=0.2, max_tokens=64, attributes={"tier": "gold"}
    ) as generation:
        generation.input("Q", system="S")
        generation.documents(["one", {"id": "d2", "page_content": "two", "score": 0.25}])
        generation.first_chunk().first_chunk()
        generation.output("A", finish_reason="stop").usage(input_tokens=3, output_tokens=1)
        generation.response(model="m-0613", response_id="r-1").attribute("queue", 7)
    span = only(exporter)
    attributes = attributes_of(span)
    assert json.loads(attributes["gen_ai.retrieval.documents"]) == [
        {"id": "0", "content": "one"},
        {"id": "d2", "score": 0.25, "content": "two"},
    ]
    assert json.loads(attributes["gen_ai.system_instructions"]) == [{"type": "text", "content": "S"}]
    assert attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert (attributes["gen_ai.response.model"], attributes["gen_ai.response.id"]) == ("m-0613", "r-1")
    assert (attributes["tier"], attributes["queue"]) == ("gold", 7)
    assert (attributes["gen_ai.request.temperature"], attributes["gen_ai.request.max_tokens"]) == (0.2, 64)


def test_retrieval_and_tool_record_what_went_in_and_out(exporter: InMemorySpanExporter) -> None:
    @driftline.retrieval(source="handbook")
    def search(query: str, top_k: int = 2) -> list[str]:
        return ["first", "second"][:top_k]

    class Weather:
        @driftline.tool(name="weather")
        def ask(self, city: str, days: int = 1) -> dict[str, Any]:
            """Forecast of a city.

            More.
            """
            return {"sun": True}

    search("rain?")
    Weather().ask("Oslo", days=2)
    found, tool = (attributes_of(span) for span in exporter.get_finished_spans())
    assert found["gen_ai.retrieval.query.text"] == "rain?"
    assert found["gen_ai.retrieval.top_k"] == 2
    assert [document["content"] for document in json.loads(found["gen_ai.retrieval.documents"])] == ["first", "second"]
    assert tool["gen_ai.tool.name"] == "weather"
    assert tool["gen_ai.tool.description"] == "Forecast of a city."
    assert json.loads(tool["gen_ai.tool.call.arguments"]) == {"city": "Oslo", "days": 2}
    assert json.loads(tool["gen_ai.tool.call.result"]) == {"sun": True}


def test_sessions_nest_and_reach_every_span_of_the_sdk(exporter: InMemorySpanExporter) -> None:
    with driftline.session(session_id="s", user_id="u", attributes={"tenant": "t"}):
        with driftline.session(user_id="v", prompt_version="9"), driftline.start_generation():
            pass
        with driftline.start_retrieval("q"):
            pass
    with driftline.start_generation():
        pass
    inner, outer, outside = (attributes_of(span) for span in exporter.get_finished_spans())
    assert (inner["session.id"], inner["user.id"], inner["gen_ai.prompt.version"]) == ("s", "v", "9")
    assert (outer["session.id"], outer["user.id"], outer["tenant"]) == ("s", "u", "t")
    assert "session.id" not in outside


def test_outside_a_generation_the_current_one_does_nothing() -> None:
    driftline.current_generation().usage(input_tokens=1).output("x")


@pytest.mark.parametrize("value", ["true", "span_only", "SPAN_AND_EVENT"])
def test_content_is_captured_when_the_operator_asks_for_spans(
    exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", value)
    with driftline.start_generation() as generation:
        generation.input("x")
    assert "gen_ai.input.messages" in attributes_of(only(exporter))
