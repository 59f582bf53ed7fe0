"""How one OpenAI-compatible server wants to be asked, found out from what it refuses."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from driftline_analyzers.judge.question import Question, verdict_schema
from driftline_analyzers.judge.settings import JudgeSettings

CONTENT_FILTER: Final = "content_filter"
_OPTIONAL: Final = ("temperature", "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """answer_format: by JSON schema, as any JSON object, or only asked for in words. omitted: temperature, seed, where refused."""

    answer_format: Literal["schema", "object", "plain"] = "schema"
    limit_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    omitted: frozenset[str] = frozenset()

    def body(self, question: Question, settings: JudgeSettings) -> dict[str, Any]:
        """The request's body."""
        sampling = {"temperature": settings.temperature, "seed": settings.seed}
        body: dict[str, Any] = {
            "model": settings.model,
            "messages": list(question.messages),
            self.limit_name: settings.max_tokens,
            "stream": False,
            **{name: value for name, value in sampling.items() if name not in self.omitted and value is not None},
        }
        if self.answer_format == "schema":
            schema = {"name": "verdict", "strict": True, "schema": verdict_schema(question.criterion)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self.answer_format == "object":
            body["response_format"] = {"type": "json_object"}
        return body

    def after_refusal(self, error: Mapping[str, Any]) -> "Dialect | None":
        """What to try when a request was refused with that `error` object; None when there is nothing left to give up."""
        if error.get("code") == CONTENT_FILTER:
            return None
        said = f"{error.get('param') or ''} {error.get('message') or ''}"
        if "max_tokens" in said and self.limit_name == "max_tokens":
            return dataclasses.replace(self, limit_name="max_completion_tokens")
        for name in _OPTIONAL:
            if name in said and name not in self.omitted:
                return dataclasses.replace(self, omitted=self.omitted | {name})
        if self.answer_format == "schema":
            return dataclasses.replace(self, answer_format="object")
        if self.answer_format == "object":
            return dataclasses.replace(self, answer_format="plain")
        return None
