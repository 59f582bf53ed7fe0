"""A generation as the API shows it."""

from typing import Any

import orjson
from pydantic import BaseModel, Field

from driftline_api.parameters import UtcDatetime
from driftline_api.reader import Row


class Document(BaseModel):
    """One retrieved document."""

    id: str = Field(description="Id of the document, '' when not reported.")
    content: str = Field(description="Text of the document.")
    score: float | None = Field(description="Retriever's score, null when not reported.")


class GenerationContent(BaseModel):
    """The texts of a generation in full; empty where the app did not capture them."""

    system_prompt: str = Field(description="System prompt.")
    prompt: str = Field(description="The last user turn.")
    completion: str = Field(description="The answer's text.")
    input_messages: list[Any] = Field(description='Messages in: [{"role", "content", "tool_calls", "tool_call_id"}].')
    output_messages: list[Any] = Field(description="Messages out, of the same shape.")
    documents: list[Document] = Field(description="Documents that were retrieved or passed in.")
    tool_name: str = Field(description="Tool that was run, '' when none.")
    tool_arguments: str = Field(description="Its arguments as sent.")
    tool_result: str = Field(description="Its result as sent.")


class Generation(BaseModel):
    """One GenAI operation, whatever SDK sent it."""

    trace_id: str = Field(description="Trace id, 32 hex digits.", examples=["0af7651916cd43dd8448eb211c80319c"])
    span_id: str = Field(description="Span id, 16 hex digits.", examples=["b7ad6b7169203331"])
    parent_span_id: str | None = Field(description="Span id of the parent, null at a root.")
    start_time: UtcDatetime = Field(description="Start (event time, UTC).", examples=["2026-11-20T09:14:03.125Z"])
    duration_ms: float = Field(description="Duration in milliseconds.", examples=[812.4])
    time_to_first_token_ms: float | None = Field(description="Milliseconds to the first token, null if not reported.")
    service: str = Field(description="service.name of the app.", examples=["support-assistant"])
    environment: str = Field(description="deployment.environment.name of the app.")
    release: str = Field(description="service.version of the app.")
    name: str = Field(description="Name of the span.", examples=["chat gpt-4o-mini"])
    kind: str = Field(description="llm, embedding, retrieval, tool, agent, chain, ...", examples=["llm"])
    operation: str = Field(description="Operation as reported, e.g. chat.", examples=["chat"])
    dialect: str = Field(description="Convention that the attributes followed, e.g. otel_genai.")
    provider: str = Field(description="Provider of the model.", examples=["openai"])
    model: str = Field(description="Model that was asked for, else the one that answered.", examples=["gpt-4o-mini"])
    request_model: str = Field(description="Model that was asked for.")
    response_model: str = Field(description="Model that answered.")
    prompt_name: str = Field(description="Name of the prompt template.")
    prompt_version: str = Field(description="Version of the prompt template.", examples=["v2"])
    session_id: str = Field(description="Conversation that it belongs to.")
    user_id: str = Field(description="End user as reported by the app.")
    agent_name: str = Field(description="Agent that ran it.")
    is_error: bool = Field(description="True when the operation failed.")
    error_type: str = Field(description="Class of the error, '' when none.")
    error_message: str = Field(description="Message of the error, '' when none.")
    finish_reason: str = Field(description="Why the model stopped.", examples=["stop"])
    temperature: float | None = Field(description="Sampling temperature, null if not reported.")
    max_tokens: int | None = Field(description="Most tokens that were asked for, null if not reported.")
    input_tokens: int | None = Field(description="Input tokens, cached ones included; null if not reported.")
    output_tokens: int | None = Field(description="Output tokens; null if not reported.")
    cache_read_tokens: int | None = Field(description="Input tokens read from a cache.")
    cache_write_tokens: int | None = Field(description="Input tokens written to a cache.")
    reasoning_tokens: int | None = Field(description="Output tokens spent on reasoning.")
    cost_usd: float | None = Field(
        description="Cost in USD at the price valid then; null without a price or without tokens.", examples=[0.00042]
    )
    reported_cost_usd: float | None = Field(description="Cost in USD that the app itself reported.")
    prompt_preview: str = Field(description="Start of the prompt.", examples=["How do I reset my password?"])
    completion_preview: str = Field(description="Start of the completion.")
    is_cut: bool = Field(description="True when a preview is shorter than its text.")
    content: GenerationContent | None = Field(default=None, description="Full texts, when asked for.")


def to_generation(row: Row, *, with_content: bool) -> Generation:
    """A row of generation_columns.sql as a record."""
    fields = {name: row[name] for name in Generation.model_fields if name in row}
    fields["trace_id"] = row["trace_id_hex"]
    fields["span_id"] = row["span_id_hex"]
    fields["parent_span_id"] = row["parent_span_id_hex"]
    if with_content:
        fields["content"] = GenerationContent(
            **{name: row[name] for name in ("system_prompt", "prompt", "completion")},
            input_messages=_messages(row["input_messages"]),
            output_messages=_messages(row["output_messages"]),
            documents=[_document(document) for document in row["documents"]],
            **{name: row[name] for name in ("tool_name", "tool_arguments", "tool_result")},
        )
    return Generation(**fields)


def _messages(text: str) -> list[Any]:
    if not text:
        return []
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return [{"role": "unreadable", "content": text}]
    return value if isinstance(value, list) else [value]


def _document(value: Any) -> Document:
    if isinstance(value, dict):
        return Document(**value)
    document_id, content, score = value
    return Document(id=document_id, content=content, score=score)
