"""Where JSON was asked for: is the answer JSON?"""

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from driftline_analyzers.quality.words import MAX_CHARS
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed

_VERB: Final = (
    r"(?:respond|reply|answer|output|return|produce|generate|emit|format(?:ted)?|write|use|give|provide"
    r"|antworte\w*|gib|erzeuge|réponds?|répondez|renvoie|retourne|responde|devuelve|rispondi|restituisci)"
)
_JSON: Final = r"JSON(?:[- ]?(?:format|object|objekt|array|liste?|document|dokument))?"
_BETWEEN: Final = r"[^.?!\n]{0,40}"
_ASKED: Final = re.compile(
    rf"\b{_VERB}\b{_BETWEEN}\b(?:only|just|strictly|valid|in|as|with|als|im|mit|en|au|format|con|come|a single|one)\s+"
    rf"(?:(?:a|an|the|valid|raw|plain|single|strict|well-formed|only|one|ein|einem|gültige[sm]?|reine[sm]?|un|una|objet|format|formato)\s+){{0,3}}{_JSON}\b"
    rf"|(?:^|[.!\n:;])\s*(?:please\s+|only\s+)?{_VERB}\s+(?:only\s+)?{_JSON}\b"
    rf"|\b(?:output|response|answer|reply|result)s?\b[^.?!\n]{{0,20}}\b(?:must|should|has to|needs to)\b[^.?!\n]{{0,30}}\bJSON\b"
    rf"|\buse JSON for (?:your|the|all) (?:output|response|answer|reply|result)s?\b"
    rf"|\bJSON\s+(?:only|object|array)\s+(?:with|that|of|containing|matching|and nothing)\b|\b(?:only|valid)\s+JSON\b"
    r"|(?:以|用|使用|返回|输出|只返回|で)\s*JSON|JSON\s*(?:形式|格式)?(?:で|回答|返回|输出)",
    re.IGNORECASE,
)
_NOT: Final = re.compile(
    r"\b(?:never|not|don't|avoid|instead of|rather than|nicht|kein(?:e[snm]?)?|niemals|pas|jamais|nunca|non)\b"
    r"|不要|不用|禁止",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"[^.?!。！？\n]+[.?!。！？\n]?")
_SHAPES: Final[tuple[tuple[re.Pattern[str], type, str], ...]] = (
    (
        re.compile(
            r"\bJSON[- ]?(?:object|objekt)|\b(?:objet|objeto|oggetto) JSON|JSON\s*(?:对象|オブジェクト)", re.IGNORECASE
        ),
        dict,
        "object",
    ),
    (
        re.compile(r"\bJSON[- ]?(?:array|list)|\b(?:array|list) of JSON|JSON\s*(?:数组|配列)", re.IGNORECASE),
        list,
        "array",
    ),
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
    0 where there is none, or another shape than was asked for: flagged. Judged only where the system prompt, the prompt or a parameter
    of the request tells the model to answer in JSON. RFC 8259: NaN and Infinity are none.
    """

    name: ClassVar[str] = "format"
    version: ClassVar[str] = "2"

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Field completion, where JSON was asked for and there is an answer."""
        return [self._scores(call) for call in calls]

    def _scores(self, call: Call) -> list[CallScore]:
        asked_by, order = _asked(call)
        if not asked_by or not call.completion.strip():
            return []
        shape, kind = next(((of, name) for pattern, of, name in _SHAPES if pattern.search(order)), (None, ""))
        evidence: dict[str, Any] = {"expected": f"json {kind}".strip(), "asked_by": asked_by}
        if len(call.completion) > MAX_CHARS:
            evidence["unknown"] = f"longer than {MAX_CHARS} characters"
            return [CallScore(field="completion", value=None, is_flagged=False, evidence=evidence)]
        value, told = _judge(call.completion, shape)
        return [CallScore(field="completion", value=value, is_flagged=value == 0, evidence=evidence | told)]


def _asked(call: Call) -> tuple[str, str]:
    """What asks for JSON, and the sentence that does; ('', '') when nothing does. A question about JSON does not."""
    if order := _order(call.system_prompt):
        return "system_prompt", order
    if order := "" if _EXPLAIN.match(call.prompt) else _order(call.prompt):
        return "prompt", order
    return ("parameter", "") if call.output_format == "json" else ("", "")


def _order(text: str) -> str:
    """The first sentence that asks for JSON and denies nothing before it does."""
    for match in _SENTENCE.finditer(text[:_ASKED_CHARS]):
        found = _ASKED.search(match[0])
        if found is not None and not _NOT.search(match[0][: found.end()]):
            return match[0]
    return ""


def _judge(text: str, shape: type | None) -> tuple[float, dict[str, Any]]:
    try:
        value = _parse(text)
    except ValueError as error:
        at = error.pos if isinstance(error, json.JSONDecodeError) else 0
        problem = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    else:
        if shape is None or isinstance(value, shape):
            return 1.0, {}
        at, problem = 0, f"JSON of another kind ({type(value).__name__})"
    for match in _FENCE.finditer(text):
        if _is_json(match[1], shape):
            return 0.5, {"label": "in a code fence"}
    starts = [place for place in (text.find("{"), text.find("[")) if place >= 0]
    end = max(text.rfind("}"), text.rfind("]")) + 1
    if starts and end > min(starts) and _is_json(text[min(starts) : end], shape):
        return 0.5, {"label": "between other words"}
    span = [max(0, min(at, len(text) - 1)), min(len(text), max(1, at + 1))]
    return 0.0, {"problem": problem, "spans": [span], "span_kinds": ["not JSON from here on"]}


def _parse(text: str) -> Any:
    """Raises ValueError; deep nesting is one too, for a reader would not take it, and so are NaN and Infinity."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _is_json(text: str, shape: type | None) -> bool:
    try:
        return isinstance(_parse(text), shape or dict | list)
    except ValueError:
        return False
