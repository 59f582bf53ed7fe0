"""One run of the agent as spans of the GenAI conventions: invoke_agent, and in it chat, execute_tool and retrieval."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import AttributeValue

from driftline_cli.demo.call_id import CallId
from driftline_cli.demo.desk import MODEL, PROMPTS, PROVIDER, SERVICE, Run, Step
from driftline_cli.demo.traffic import count_tokens

_PROMPT_TOKENS: Final = 320
"""Of the tools' definitions."""

Message = dict[str, Any]


def emit_run(tracer: Tracer, run: Run) -> tuple[int, CallId]:
    """Start and end the run's spans at their times; how many there are, and the id of the last call of the model."""
    who: dict[str, AttributeValue] = {
        "session.id": run.session_id,
        "user.id": run.user_id,
        "gen_ai.conversation.id": run.session_id,
        "gen_ai.agent.name": SERVICE,
    }
    root = tracer.start_span(
        f"invoke_agent {SERVICE}",
        kind=SpanKind.INTERNAL,
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.provider.name": PROVIDER, **who},
        start_time=to_ns(run.start_time),
    )
    context = set_span_in_context(root)
    messages: list[Message] = [{"role": "user", "parts": [_text(run.question)]}]
    n_spans, at = 1, run.start_time
    if run.n_tool_calls:
        calls = [
            {"type": "tool_call", "id": f"call_{number}", "name": step.name, "arguments": step.arguments}
            for number, step in enumerate(run.steps)
        ]
        asked = {"role": "assistant", "parts": calls, "finish_reason": "tool_calls"}
        at, _ = _chat(tracer, context, run, at=at, sent=messages, got=asked, lasts_ms=run.model_ms[0], who=who)
        messages.append({"role": "assistant", "parts": calls})
        n_spans += 1
    for number, step in enumerate(run.steps):
        at = _step(tracer, context, step, at=at, number=number, who=who)
        n_spans += 1
        if step.kind == "tool":
            told = {"type": "tool_call_response", "id": f"call_{number}", "result": step.text or step.error_type}
            messages.append({"role": "tool", "parts": [told]})
    answer = {"role": "assistant", "parts": [_text(run.answer)], "finish_reason": "stop"} if run.answer else None
    at, answer_id = _chat(tracer, context, run, at=at, sent=messages, got=answer, lasts_ms=run.model_ms[1], who=who)
    if not run.answer:
        root.set_attribute("error.type", "max_tool_calls")
        root.set_status(Status(StatusCode.ERROR, "the agent gave up"))
    root.end(to_ns(at + timedelta(milliseconds=2)))
    return n_spans + 1, answer_id


def to_ns(moment: datetime) -> int:
    """Nanoseconds since 1970, exact to the microsecond."""
    return int(moment.timestamp() * 1_000_000) * 1000


def _chat(
    tracer: Tracer,
    context: Context,
    run: Run,
    *,
    at: datetime,
    sent: Sequence[Message],
    got: Message | None,
    lasts_ms: float,
    who: dict[str, AttributeValue],
) -> tuple[datetime, CallId]:
    """A call of the model; got: None when it failed. When it ended, and its id."""
    system = PROMPTS[run.prompt_version]
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": PROVIDER,
        "gen_ai.request.model": MODEL,
        "gen_ai.prompt.name": SERVICE,
        "gen_ai.prompt.version": run.prompt_version,
        "gen_ai.system_instructions": json.dumps([_text(system)]),
        "gen_ai.input.messages": json.dumps(sent),
        **who,
    }
    if got is not None:
        attributes |= {
            "gen_ai.response.model": MODEL,
            "gen_ai.response.finish_reasons": [got["finish_reason"]],
            "gen_ai.usage.input_tokens": _PROMPT_TOKENS + count_tokens(system) + count_tokens(json.dumps(sent)),
            "gen_ai.usage.output_tokens": count_tokens(json.dumps(got["parts"])),
            "gen_ai.output.messages": json.dumps([got]),
        }
    span = tracer.start_span(
        f"chat {MODEL}", context=context, kind=SpanKind.CLIENT, attributes=attributes, start_time=to_ns(at)
    )
    if got is None:
        span.set_attribute("error.type", "context_length_exceeded")
        span.set_status(Status(StatusCode.ERROR, "the provider answered 400"))
    end = at + timedelta(milliseconds=lasts_ms)
    span.end(to_ns(end))
    return end, CallId.of(span)


def _step(
    tracer: Tracer, context: Context, step: Step, *, at: datetime, number: int, who: dict[str, AttributeValue]
) -> datetime:
    """A tool call or a retrieval; when it ended."""
    if step.kind == "tool":
        name = f"execute_tool {step.name}"
        attributes: dict[str, AttributeValue] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": step.name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": f"call_{number}",
            "gen_ai.tool.call.arguments": json.dumps(step.arguments),
        }
        if step.text:
            attributes["gen_ai.tool.call.result"] = step.text
    else:
        name = f"retrieval {step.name}"
        attributes = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": step.name,
            "gen_ai.retrieval.query.text": step.arguments["query"],
            "gen_ai.retrieval.documents": json.dumps([{"id": f"{step.name}-0", "score": 0.7, "content": step.text}]),
        }
    span = tracer.start_span(
        name, context=context, kind=SpanKind.INTERNAL, attributes={**attributes, **who}, start_time=to_ns(at)
    )
    if step.error_type:
        span.set_attribute("error.type", step.error_type)
        span.set_status(Status(StatusCode.ERROR, f"{step.name} did not answer in time"))
    end = at + timedelta(milliseconds=step.duration_ms)
    span.end(to_ns(end))
    return end


def _text(content: str) -> Message:
    return {"type": "text", "content": content}
