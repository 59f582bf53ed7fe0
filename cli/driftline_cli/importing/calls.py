"""One row of a log as one LLM call, checked."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline_cli.importing.columns import ColumnMap
from driftline_cli.importing.readers import RawRow
from driftline_cli.importing.times import parse_time
from driftline_core.errors import InputError

Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCall:
    """An LLM call read from a log. Ids come from the file's hash, the line and the row, so that the same file gives the same ids.

    input_messages, output_messages: in the shape of the GenAI conventions, empty when the row has none.
    """

    trace_id: bytes
    span_id: bytes
    start_ns: int
    duration_ns: int
    service: str
    environment: str
    provider: str
    model: str
    prompt_version: str
    session_id: str
    user_id: str
    system: str
    input_messages: tuple[Message, ...]
    output_messages: tuple[Message, ...]
    input_tokens: int | None
    output_tokens: int | None
    error: str


def read_call(row: RawRow, columns: ColumnMap, *, file_hash: bytes, spread_ns: int | None) -> ImportedCall:
    """The call in a row. spread_ns: its start in ns since 1970 when the log has no times. Raises InputError with what is wrong."""
    if row.problem:
        raise InputError(row.problem)
    values = row.values
    prompt, completion = columns.value(values, "prompt"), columns.value(values, "completion")
    error = _text(columns.value(values, "error"))
    if prompt is None and completion is None:
        raise InputError("expected a prompt or a completion, got neither")
    start_ns = spread_ns if spread_ns is not None else parse_time(columns.value(values, "time"))
    digest = _digest(row, file_hash)
    return ImportedCall(
        trace_id=digest[:16],
        span_id=digest[16:24],
        start_ns=start_ns,
        duration_ns=round(_number(columns.value(values, "duration_ms"), "duration_ms") * 1e6),
        service=_text(columns.value(values, "service")),
        environment=_text(columns.value(values, "environment")),
        provider=_text(columns.value(values, "provider")),
        model=_text(columns.value(values, "model")),
        prompt_version=_text(columns.value(values, "prompt_version")),
        session_id=_text(columns.value(values, "session")),
        user_id=_text(columns.value(values, "user")),
        system=_text(columns.value(values, "system")),
        input_messages=_messages(prompt, role="user"),
        output_messages=_messages(completion, role="assistant"),
        input_tokens=_count(columns.value(values, "input_tokens"), "input_tokens"),
        output_tokens=_count(columns.value(values, "output_tokens"), "output_tokens"),
        error=error,
    )


def _digest(row: RawRow, file_hash: bytes) -> bytes:
    content = json.dumps(row.values, sort_keys=True, default=str, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return hashlib.sha256(file_hash + row.line.to_bytes(8, "big") + content).digest()


def _messages(value: Any, *, role: str) -> tuple[Message, ...]:
    """A text as one message of `role`; a list of {"role", "content"} as it stands."""
    if value is None:
        return ()
    if isinstance(value, Mapping) and "content" in value:
        value = [value]
    if isinstance(value, list) and value and all(isinstance(item, Mapping) and "content" in item for item in value):
        return tuple(_message(str(item.get("role") or role), item["content"]) for item in value)
    return (_message(role, value),)


def _message(role: str, content: Any) -> Message:
    return {"role": role, "parts": [{"type": "text", "content": _text(content)}]}


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError("expected valid Unicode, got a lone surrogate")
    return text


def _number(value: Any, name: str) -> float:
    if value is None:
        return 0.0
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < 1e12:
        raise InputError(f"expected {name} as a number of 0 or more, got {str(value)[:40]!r}")
    return number


def _count(value: Any, name: str) -> int | None:
    return None if value is None else round(_number(value, name))
