"""A chat completion, read without trust."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline_analyzers.judge.criteria import Criterion
from driftline_analyzers.judge.verdict import Verdict, read_verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the server counted them."""

    input_tokens: int
    output_tokens: int


def read_body(body: bytes) -> Mapping[str, Any]:
    """The JSON object that a server sent; empty when it is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def read_reply(reply: Mapping[str, Any], criterion: Criterion) -> Verdict:
    """The verdict in the first choice of a chat completion."""
    choices = reply.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return Verdict(unknown="bad_response")
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        return Verdict(unknown="refusal")
    verdict = read_verdict(_text(message.get("content")), criterion)
    if verdict.score is None and choice.get("finish_reason") == "length":
        return Verdict(unknown="truncated")
    return verdict


def read_usage(reply: Mapping[str, Any]) -> Usage | None:
    """The tokens of a chat completion; None when it does not say."""
    usage = reply.get("usage")
    if not isinstance(usage, dict):
        return None
    counts = [usage.get("prompt_tokens"), usage.get("completion_tokens")]
    read, written = [n if isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**53 else None for n in counts]
    return None if read is None or written is None else Usage(input_tokens=read, output_tokens=written)


def read_error(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `error` object of a refusal; some servers put its fields at the top, or say it in one string."""
    error = reply.get("error", reply)
    return error if isinstance(error, dict) else {"message": str(error)}


def _text(content: object) -> str:
    """A message's content: text, or parts that hold text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))
