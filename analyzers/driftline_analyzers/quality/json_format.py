"""Where JSON was asked for: is the answer JSON?"""

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from driftline_analyzers.quality.words import MAX_CHARS
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed

_VERB: Final = r"(?:respond|reply|answer|output|return|produce|generate|emit|format(?:ted)?|write|antworte)"
_ASKED: Final = re.compile(
    rf"\b{_VERB}\b[^.?!\n]{{0,40}}\b(?:only|just|strictly|valid|in|as|with|als|a single|one)\s+(?:(?:a|an|the|valid|raw|plain|single|strict"
    r"|well-formed|only|one)\s+){0,3}JSON\b"
    r"|\b(?:output|response|answer|reply|result)s?\b[^.?!\n]{0,20}\b(?:must|should|has to|needs to)\b[^.?!\n]{0,30}\bJSON\b"
    r"|\bJSON\s+(?:only|object|array)\s+(?:with|that|of|containing|matching|and nothing)\b|\b(?:only|valid)\s+JSON\b",
    re.IGNORECASE,
)
_EXPLAIN: Final = re.compile(
    r"^\s*(?:how|what|why|when|can you explain|explain|is|does|which|write (?:me )?(?:a|an|some) "
    r"(?:[\w#+.-]+ ){0,3}(?:function|script|program|class|code|test))\b",
    re.IGNORECASE,
)
_FENCE: Final = re.compile(r"```[a-zA-Z]*\s*\n(.*?)\n?\s*```", re.DOTALL)
_ASKED_CHARS: Final = 20_000


class JsonFormatScorer:
    """value: 1 where the whole answer is JSON, 0.5 where JSON stands in a code fence or between words, which strict readers refuse,
    0 where there is none: flagged. Judged only where the system prompt, or the prompt, tells the model to answer in JSON."""

    name: ClassVar[str] = "format"
    version: ClassVar[str] = "1"

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Field completion, where JSON was asked for and there is an answer."""
        return [self._scores(call) for call in calls]

    def _scores(self, call: Call) -> list[CallScore]:
        asked_by = _asked_by(call)
        if not asked_by or not call.completion.strip():
            return []
        evidence: dict[str, Any] = {"expected": "json", "asked_by": asked_by}
        if len(call.completion) > MAX_CHARS:
            evidence["unknown"] = f"longer than {MAX_CHARS} characters"
            return [CallScore(field="completion", value=None, is_flagged=False, evidence=evidence)]
        value, told = _judge(call.completion)
        return [CallScore(field="completion", value=value, is_flagged=value == 0, evidence=evidence | told)]


def _asked_by(call: Call) -> str:
    """Which text asks for JSON; '' when none does. A question about JSON does not."""
    if _ASKED.search(call.system_prompt[:_ASKED_CHARS]):
        return "system_prompt"
    prompt = call.prompt[:_ASKED_CHARS]
    return "prompt" if _ASKED.search(prompt) and not _EXPLAIN.match(prompt) else ""


def _judge(text: str) -> tuple[float, dict[str, Any]]:
    try:
        _parse(text)
    except ValueError as error:
        at = error.pos if isinstance(error, json.JSONDecodeError) else 0
        problem = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
    else:
        return 1.0, {}
    for match in _FENCE.finditer(text):
        if _is_json(match[1]):
            return 0.5, {"label": "in a code fence"}
    starts = [place for place in (text.find("{"), text.find("[")) if place >= 0]
    end = max(text.rfind("}"), text.rfind("]")) + 1
    if starts and end > min(starts) and _is_json(text[min(starts) : end]):
        return 0.5, {"label": "between other words"}
    span = [max(0, min(at, len(text) - 1)), min(len(text), max(1, at + 1))]
    return 0.0, {"problem": problem, "spans": [span], "span_kinds": ["not JSON from here on"]}


def _parse(text: str) -> Any:
    """Raises ValueError; deep nesting is one too, for a reader would not take it."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _is_json(text: str) -> bool:
    try:
        return isinstance(_parse(text), dict | list)
    except ValueError:
        return False
