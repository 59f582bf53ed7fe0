"""Imported calls as OTLP, in the GenAI semantic conventions."""

import json
from collections.abc import Iterable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

from driftline_cli.importing.calls import ImportedCall

SCOPE = "driftline.import"
DEFAULT_SERVICE = "imported"


def encode_calls(calls: Iterable[ImportedCall]) -> bytes:
    """A serialised ExportTraceServiceRequest with one span a call, grouped by service and environment."""
    request = ExportTraceServiceRequest()
    scopes: dict[tuple[str, str], ScopeSpans] = {}
    for call in calls:
        key = (call.service or DEFAULT_SERVICE, call.environment)
        scope = scopes.get(key)
        if scope is None:
            resource_spans = request.resource_spans.add()
            resource_spans.resource.attributes.append(_pair("service.name", key[0]))
            if call.environment:
                resource_spans.resource.attributes.append(_pair("deployment.environment.name", call.environment))
            scope = resource_spans.scope_spans.add()
            scope.scope.name = SCOPE
            scopes[key] = scope
        scope.spans.append(_span(call))
    encoded: bytes = request.SerializeToString()
    return encoded


def _span(call: ImportedCall) -> Span:
    attributes: dict[str, str | int] = {"gen_ai.operation.name": "chat"}
    texts = {
        "gen_ai.provider.name": call.provider,
        "gen_ai.request.model": call.model,
        "gen_ai.conversation.id": call.session_id,
        "session.id": call.session_id,
        "user.id": call.user_id,
        "gen_ai.prompt.version": call.prompt_version,
        "error.type": call.error,
    }
    attributes.update({key: value for key, value in texts.items() if value})
    if call.system:
        attributes["gen_ai.system_instructions"] = _json([{"type": "text", "content": call.system}])
    if call.input_messages:
        attributes["gen_ai.input.messages"] = _json(call.input_messages)
    if call.output_messages:
        attributes["gen_ai.output.messages"] = _json(call.output_messages)
    if call.input_tokens is not None:
        attributes["gen_ai.usage.input_tokens"] = call.input_tokens
    if call.output_tokens is not None:
        attributes["gen_ai.usage.output_tokens"] = call.output_tokens
    return Span(
        trace_id=call.trace_id,
        span_id=call.span_id,
        name=f"chat {call.model}".strip(),
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=call.start_ns,
        end_time_unix_nano=call.start_ns + call.duration_ns,
        attributes=[_pair(key, value) for key, value in attributes.items()],
        status=Status(code=Status.STATUS_CODE_ERROR, message=call.error) if call.error else None,
    )


def _pair(key: str, value: str | int) -> KeyValue:
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
