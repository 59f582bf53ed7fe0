"""The dialect table as validated records: which attribute keys mean what (dialects/fields.yaml explains the format)."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from driftline_core.errors import ConfigError

Kind = Literal["llm", "embedding", "retrieval", "reranker", "tool", "agent", "chain", "guardrail", "evaluator"]
Key = Annotated[str, Field(min_length=1, pattern=r"^[^{}]+$")]
IndexedKey = Annotated[str, Field(pattern=r"^[^{}]+\.\{i\}\.[^{}]+$")]
TwiceIndexedKey = Annotated[str, Field(pattern=r"^[^{}]+\.\{i\}\.[^{}]+\.\{j\}\.[^{}]+$")]

FIELDS: Final = {
    "operation": "string", "provider": "lower", "request_model": "string", "response_model": "string",
    "response_id": "string", "prompt_name": "string", "prompt_version": "string", "session_id": "string",
    "user_id": "string", "agent_name": "string", "environment": "string", "release": "string", "error_type": "string",
    "exception_message": "string", "finish_reason": "string", "temperature": "double", "max_tokens": "int",
    "is_stream": "bool", "time_to_first_token_ms": "double", "input_tokens": "int", "output_tokens": "int",
    "cache_read_tokens": "int", "cache_write_tokens": "int", "reasoning_tokens": "int", "reported_cost_usd": "double",
    "tool_name": "string", "tool_arguments": "text", "tool_result": "text", "plain_input": "text",
    "plain_output": "text",
}  # fmt: skip
"""Every canonical field and its type; the table has a row for each."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Record):
    """One place where a field may stand: a span's attribute, a resource's, or an event and its attribute."""

    key: Key | None = None
    resource: Key | None = None
    event: str | None = None
    path: tuple[str | int, ...] = ()
    first: bool = False
    contains: str | None = None
    output: Literal["finish_reason"] | None = None
    kinds: tuple[Kind, ...] = ()
    scale: float = 1.0

    @model_validator(mode="before")
    @classmethod
    def _bare_key(cls, value: Any) -> Any:
        return {"key": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_place(self) -> "Source":
        span_key = self.key is not None and self.event is None
        places = (span_key, self.resource is not None, self.event is not None, self.output is not None)
        if sum(places) != 1:
            raise ValueError("expected one of a key, a resource, an event and an output")
        ways = (bool(self.path), self.first, self.contains is not None)
        if sum(ways) > int(span_key):
            raise ValueError("expected at most one of path, first and contains, beside a key of the span")
        return self

    @property
    def is_bare(self) -> bool:
        """The attribute's text as it is."""
        return self.key is not None and self == Source(key=self.key)


class CanonicalField(_Record):
    """A column's ordered sources."""

    type: Literal["string", "lower", "text", "int", "double", "bool"]
    sources: tuple[Source, ...] = Field(alias="from", min_length=1)
    kinds: tuple[Kind, ...] = ()


class Recogniser(_Record):
    """Keys that make a span one of this dialect."""

    dialect: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    keys: tuple[Key, ...] = Field(min_length=1)


class KindRule(_Record):
    """How a span's kind is told: by the value of a key, or by the presence of any of several."""

    key: Key | None = None
    map: dict[str, Kind] = {}
    present: tuple[Key, ...] = ()
    kind: Kind | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "KindRule":
        if (self.key is not None and bool(self.map)) == (bool(self.present) and self.kind is not None):
            raise ValueError("expected either key and map, or present and kind")
        return self


class FlatMessages(_Record):
    """A conversation spread over indexed keys; {i} is the message, {j} a part or a tool call in it."""

    shape: Literal["flat"]
    role: IndexedKey
    content: IndexedKey
    parts: TwiceIndexedKey
    tool_call_id: IndexedKey
    call_id: TwiceIndexedKey
    call_name: TwiceIndexedKey
    call_arguments: TwiceIndexedKey

    @property
    def name(self) -> str:
        return self.role

    def parts_of_item(self) -> tuple[tuple[int, str], ...]:
        """Every key with the number of its part in an item; the view's SQL knows the numbers."""
        return (
            (0, self.role), (1, self.content), (2, self.tool_call_id), (3, self.parts), (4, self.call_id),
            (5, self.call_name), (6, self.call_arguments),
        )  # fmt: skip


class PartsMessages(_Record):
    """A conversation as JSON text: OTel messages with parts, or OpenAI's; other text is one message."""

    shape: Literal["parts"]
    key: Key


class TextMessages(_Record):
    """Texts under an indexed key, a user message each."""

    shape: Literal["texts"]
    key: IndexedKey

    @property
    def name(self) -> str:
        return self.key

    def parts_of_item(self) -> tuple[tuple[int, str], ...]:
        return ((1, self.key),)


class FlatDocuments(_Record):
    """Documents spread over indexed keys."""

    shape: Literal["flat"]
    id: IndexedKey
    content: IndexedKey
    score: IndexedKey

    @property
    def name(self) -> str:
        return self.content

    def parts_of_item(self) -> tuple[tuple[int, str], ...]:
        return ((0, self.id), (1, self.content), (2, self.score))


class JsonDocuments(_Record):
    """Documents as a JSON array, at `path` inside the attribute of spans of these kinds."""

    shape: Literal["json"]
    key: Key
    path: tuple[str | int, ...] = ()
    kinds: tuple[Kind, ...] = ("retrieval", "reranker")


MessageSource = Annotated[FlatMessages | PartsMessages | TextMessages, Field(discriminator="shape")]
DocumentSource = Annotated[FlatDocuments | JsonDocuments, Field(discriminator="shape")]


class DialectTable(_Record):
    """The whole table."""

    absent: tuple[str, ...] = ()
    recognise: tuple[Recogniser, ...] = Field(min_length=1)
    kinds: tuple[KindRule, ...] = Field(min_length=1)
    operations: dict[Kind, str]
    fields_: dict[str, CanonicalField] = Field(alias="fields")
    messages: dict[Literal["input_messages", "output_messages", "system_messages"], tuple[MessageSource, ...]]
    documents: tuple[DocumentSource, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _every_field(self) -> "DialectTable":
        types = {name: field.type for name, field in self.fields_.items()}
        if types != FIELDS:
            wrong = sorted(set(types.items()) ^ set(FIELDS.items()))
            raise ValueError(f"expected every canonical field with its type, got a difference in {wrong}")
        if len(self.messages) != 3:
            raise ValueError(f"expected input_messages, output_messages and system_messages, got {list(self.messages)}")
        return self

    def key_uses(self) -> Iterator[str]:
        """Every key of spans that the table reads as a whole text, once for each use."""
        for recogniser in self.recognise:
            yield from recogniser.keys
        for rule in self.kinds:
            yield from (rule.key,) if rule.key else rule.present
        for field in self.fields_.values():
            yield from (source.key for source in field.sources if source.key and not source.event)
        for sources in self.messages.values():
            yield from (source.key for source in sources if isinstance(source, PartsMessages))
        yield from (source.key for source in self.documents if isinstance(source, JsonDocuments))


def load_table(text: str | None = None) -> DialectTable:
    """The shipped dialect table, or the one in `text` (YAML). Raises ConfigError that names the place of the fault."""
    if text is None:
        text = (files("driftline_collector") / "dialects" / "fields.yaml").read_text(encoding="utf-8")
    try:
        return DialectTable.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ConfigError(f"expected YAML in the dialect table, got {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ConfigError(f"expected a dialect table, got {faults}") from error
