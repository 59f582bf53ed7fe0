"""Messages and documents in the JSON shapes of the GenAI conventions.

A message is `{"role", "parts": [{"type": "text", "content"}, {"type": "tool_call", "id", "name", "arguments"}, ...]}`. What comes in may be
a string, that shape, or the chat shape `{"role", "content", "tool_calls"}` that most model SDKs take.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]


def to_json(value: object) -> str:
    """Compact JSON; what JSON does not know is written as its `str`."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def as_messages(value: object, *, role: str) -> list[JsonObject]:
    """Messages of a string, one message, or a sequence of either; `role` is for those that name none."""
    if isinstance(value, str):
        return [{"role": role, "parts": [_text(value)]}]
    if isinstance(value, Mapping):
        return [_message(value, role=role)]
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [message for item in value for message in as_messages(item, role=role)]
    return [{"role": role, "parts": [_text(str(value))]}]


def as_instructions(value: str | Sequence[str]) -> list[JsonObject]:
    """System instructions: text parts."""
    return [_text(text) for text in ([value] if isinstance(value, str) else value)]


def as_documents(values: Sequence[object], *, with_content: bool) -> list[JsonObject]:
    """Documents `{"id", "content", "score"}` of strings or mappings; without content only id, score and nothing textual stay."""
    return [_document(index, value, with_content=with_content) for index, value in enumerate(values)]


def _text(content: str) -> JsonObject:
    return {"type": "text", "content": content}


def _message(message: Mapping[str, Any], *, role: str) -> JsonObject:
    if not {"role", "parts", "content", "tool_calls"} & message.keys():
        return {"role": role, "parts": [_text(to_json(message))]}
    own_role = str(message.get("role") or role)
    if "parts" in message:
        return {**message, "role": own_role}
    content = message.get("content")
    if own_role == "tool":
        return {
            "role": own_role,
            "parts": [{"type": "tool_call_response", "id": message.get("tool_call_id"), "response": content}],
        }
    parts = _parts(content)
    parts += [_tool_call(call) for call in message.get("tool_calls") or ()]
    return {"role": own_role, "parts": parts}


def _parts(content: object) -> list[JsonObject]:
    if content is None:
        return []
    if isinstance(content, str):
        return [_text(content)]
    if isinstance(content, Sequence):
        return [_part(item) for item in content]
    return [_text(to_json(content))]


def _part(item: object) -> JsonObject:
    if not isinstance(item, Mapping):
        return _text(str(item))
    if item.get("type") in {"text", "input_text", "output_text"}:
        return _text(str(item.get("content", item.get("text", ""))))
    return dict(item)


def _tool_call(call: Mapping[str, Any]) -> JsonObject:
    function = call.get("function", call)
    return {
        "type": "tool_call",
        "id": call.get("id"),
        "name": function.get("name"),
        "arguments": function.get("arguments"),
    }


def _document(index: int, value: object, *, with_content: bool) -> JsonObject:
    if not isinstance(value, Mapping):
        value = {"content": str(value)}
    content = next((value[key] for key in ("content", "text", "page_content") if value.get(key) is not None), None)
    document: JsonObject = {"id": str(value.get("id", index))}
    if value.get("score") is not None:
        document["score"] = float(value["score"])
    if with_content and content is not None:
        document["content"] = str(content)
    return document
