"""The dialect table as validated records: which attribute keys mean what (dialects/fields.yaml explains the format)."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from driftline_core.errors import ConfigError

Kind = Literal["llm", "embedding", "retrieval", "reranker", "tool", "agent", "chain", "guardrail", "evaluator"]
FieldType = Literal["string", "lower", "text", "result", "int", "signed", "double", "bool"]
Key = Annotated[str, Field(min_length=1, pattern=r"^[^{}$]+$")]
Step = Annotated[int, Field(ge=1)] | Annotated[str, Field(min_length=1, pattern=r"^[^`\\{}$]+$")]
IndexedKey = Annotated[str, Field(pattern=r"^[^{}]+\.\{i\}\.[^{}]+$")]
TwiceIndexedKey = Annotated[str, Field(pattern=r"^[^{}]+\.\{i\}\.[^{}]+\.\{j\}\.[^{}]+$")]

FIELDS: Final[Mapping[str, FieldType]] = {
    "operation": "string", "provider": "lower", "request_model": "string", "response_model": "string",
    "response_id": "string", "prompt_name": "string", "prompt_version": "string", "prompt_template": "string",
    "prompt_variables": "string", "session_id": "string", "user_id": "string", "agent_name": "string",
    "workflow_name": "string", "environment": "string", "release": "string", "error_type": "string",
    "exception_message": "string", "http_status_code": "int", "finish_reason": "string", "temperature": "double", "top_p": "double",
    "top_k": "double", "frequency_penalty": "double", "presence_penalty": "double", "max_tokens": "int",
    "seed": "signed", "stop_sequences": "string", "choice_count": "int", "is_stream": "bool",
    "time_to_first_token_ms": "double", "input_tokens": "int", "output_tokens": "int", "cache_read_tokens": "int",
    "cache_write_tokens": "int", "reasoning_tokens": "int", "input_audio_tokens": "int", "output_audio_tokens": "int",
    "total_tokens": "int", "reported_cost_usd": "double", "embedding_dimensions": "int", "tool_name": "string", "tool_call_id": "string",
    "tool_arguments": "text", "tool_result": "result", "tool_definitions": "text", "tags": "string",
    "metadata_json": "string", "plain_input": "text", "plain_output": "text",
}  # fmt: skip
"""Every canonical field and its type; the shipped table has a row for each."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Record):
    """One place where a field may stand: a span's attribute, a resource's, or an event and its attribute."""

    key: Key | None = None
    resource: Key | None = None
    event: str | None = None
    path: tuple[Step, ...] = ()
    first: bool = False
    quoted: bool = False
    contains: str | None = None
    value: str | None = None
    starts: dict[str, str] = {}
    before: Annotated[str, Field(min_length=1)] | None = None
    output: Literal["finish_reason"] | None = None
    kinds: tuple[Kind, ...] = ()
    dialects: tuple[str, ...] = ()
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
        ways = (
            bool(self.path),
            self.first,
            self.quoted,
            self.contains is not None,
            self.value is not None,
            bool(self.starts),
        )
        if sum(ways) > int(span_key):
            raise ValueError(
                "expected at most one of path, first, quoted, contains, value and starts, beside a key of the span"
            )
        return self

    @property
    def is_bare(self) -> bool:
        """The attribute's text as it is."""
        return self.key is not None and self == Source(key=self.key)


class CanonicalField(_Record):
    """A column's ordered sources. ignore: values that say nothing, so that the next source is asked; strip: what is cut out of the
    value (RE2); rename: values that mean another."""

    type: FieldType
    sources: tuple[Source, ...] = Field(alias="from")
    kinds: tuple[Kind, ...] = ()
    ignore: tuple[str, ...] = ()
    strip: str | None = None
    rename: dict[str, str] = {}


class Recogniser(_Record):
    """Keys that make a span one of this dialect; spans of `scopes` (beginnings of scope names) get its name first of all."""

    dialect: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    keys: tuple[Key, ...] = ()
    scopes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _something(self) -> "Recogniser":
        if not self.keys and not self.scopes:
            raise ValueError("expected keys or scopes")
        return self


class KindRule(_Record):
    """How a span's kind is told: by a key's value or its ending, by the span's name, or by the presence of any of several keys.

    llm_has: keys of which a span must have one to be of kind llm by this rule; without any it is a chain, unless it failed. None: no
    key is asked for.
    """

    key: Key | None = None
    quoted: bool = False
    map: dict[str, Kind] = {}
    ends: dict[str, Kind] = {}
    llm_has: tuple[Key | IndexedKey, ...] | None = None
    names: dict[str, Kind] = {}
    present: tuple[Key, ...] = ()
    kind: Kind | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "KindRule":
        by_key = self.key is not None and bool(self.map) != bool(self.ends)
        if sum((by_key, bool(self.names), bool(self.present) and self.kind is not None)) != 1:
            raise ValueError("expected one of: key and map, key and ends, names, present and kind")
        return self


class FlatMessages(_Record):
    """A conversation spread over indexed keys; {i} is the message, {j} a part or a tool call in it. What an SDK lacks is left out."""

    shape: Literal["flat"]
    role: IndexedKey
    content: IndexedKey
    parts: TwiceIndexedKey | None = None
    tool_call_id: IndexedKey | None = None
    call_id: IndexedKey | TwiceIndexedKey | None = None
    call_name: IndexedKey | TwiceIndexedKey | None = None
    call_arguments: IndexedKey | TwiceIndexedKey | None = None

    @property
    def name(self) -> str:
        return self.role

    def parts_of_item(self) -> tuple[tuple[int, str], ...]:
        """Every key with the number of its part in an item; the SQL knows the numbers."""
        numbered = enumerate(
            (self.role, self.content, self.tool_call_id, self.parts, self.call_id, self.call_name, self.call_arguments)
        )
        return tuple((part, key) for part, key in numbered if key is not None)


class JsonMessages(_Record):
    """A conversation in one attribute: OTel's parts, OpenAI's, Anthropic's, LangChain's or Gemini's JSON; other text is one message.

    is_nested: a message may stand inside `kwargs`, as LangChain's do, or inside `message`, as choices do.
    """

    shape: Literal["json"]
    key: Key
    path: tuple[Step, ...] = ()
    kinds: tuple[Kind, ...] = ()
    is_nested: bool = False


class EventMessages(_Record):
    """A conversation in span events or log records, one a message. roles: event name to the role that it implies.

    content: the event's attributes that may hold the message, as text or JSON; a log record's body comes first.
    """

    shape: Literal["events"]
    roles: dict[str, str] = Field(min_length=1)
    content: tuple[Key, ...]


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
    path: tuple[Step, ...] = ()
    kinds: tuple[Kind, ...] = ("retrieval", "reranker")


class EventDocuments(_Record):
    """A document a span event; the events' attributes that hold its parts."""

    shape: Literal["events"]
    event: str
    id: tuple[Key, ...]
    content: tuple[Key, ...]
    score: tuple[Key, ...]


class Metadata(_Record):
    """Where an app's own labels stand: keys that begin so; `metadata_json` of the fields holds those in one JSON object."""

    prefixes: tuple[str, ...] = ()


MessageSource = Annotated[FlatMessages | JsonMessages | EventMessages | TextMessages, Field(discriminator="shape")]
DocumentSource = Annotated[FlatDocuments | JsonDocuments | EventDocuments, Field(discriminator="shape")]
Conversation = Literal["input_messages", "output_messages", "system_messages"]
CONVERSATIONS: Final[tuple[Conversation, ...]] = ("input_messages", "output_messages", "system_messages")


class DialectTable(_Record):
    """The whole table. details: events and log records whose attributes complete the span's own.

    estimates: dialects whose token counts of streamed answers are their own guess. uncached_input: `dialect/provider` pairs whose
    input tokens leave the cached ones out.
    """

    absent: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    estimates: tuple[str, ...] = ()
    uncached_input: tuple[str, ...] = ()
    providers: dict[str, str] = {}
    recognise: tuple[Recogniser, ...] = Field(min_length=1)
    kinds: tuple[KindRule, ...] = Field(min_length=1)
    operations: dict[Kind, str]
    fields_: dict[str, CanonicalField] = Field(alias="fields")
    messages: dict[Conversation, tuple[MessageSource, ...]]
    documents: tuple[DocumentSource, ...]
    metadata: Metadata = Metadata()

    @model_validator(mode="after")
    def _every_field(self) -> "DialectTable":
        types = {name: field.type for name, field in self.fields_.items()}
        if types != FIELDS:
            wrong = sorted(set(types.items()) ^ set(FIELDS.items()))
            raise ValueError(f"expected every canonical field with its type, got a difference in {wrong}")
        if set(self.messages) != set(CONVERSATIONS):
            raise ValueError(f"expected input_messages, output_messages and system_messages, got {list(self.messages)}")
        return self

    def key_uses(self) -> Iterator[str]:
        """Every key of spans that the table reads as a whole text, once for each use."""
        for recogniser in self.recognise:
            yield from recogniser.keys
        for rule in self.kinds:
            yield from (
                (rule.key, *(key for key in rule.llm_has or () if "{i}" not in key)) if rule.key else rule.present
            )
        for field in self.fields_.values():
            for source in field.sources:
                yield from (source.key,) if source.key and not source.event else ()
        for sources in self.messages.values():
            yield from (source.key for source in sources if isinstance(source, JsonMessages))
        yield from (source.key for source in self.documents if isinstance(source, JsonDocuments))

    def event_names(self) -> set[str]:
        """Every event and log record that the table reads."""
        names = set(self.details)
        for field in self.fields_.values():
            names |= {source.event for source in field.sources if source.event}
        for sources in self.messages.values():
            for message in sources:
                names |= set(message.roles) if isinstance(message, EventMessages) else set()
        return names | {source.event for source in self.documents if isinstance(source, EventDocuments)}


def load_table(text: str | None = None, *, extension: Path | None = None) -> DialectTable:
    """The shipped dialect table, or the one in `text` (YAML), with a user's own rows of `extension` before them.

    An extension has the same sections, each optional; its sources go before the shipped ones. Raises ConfigError that names the
    place of the fault.
    """
    if text is None:
        text = (files("driftline_collector") / "dialects" / "fields.yaml").read_text(encoding="utf-8")
    tree = _yaml(text, "the dialect table")
    where = "a dialect table"
    if extension is not None:
        try:
            own = _yaml(extension.read_text(encoding="utf-8"), str(extension))
        except OSError as error:
            raise ConfigError(f"cannot read the dialect file {extension}: {error}") from error
        tree = _extended(tree, own, extension)
        where = f"rows of a dialect table in {extension}"
    try:
        return DialectTable.model_validate(tree)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ConfigError(f"expected {where}, got {faults}") from error


def _yaml(text: str, where: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"expected YAML in {where}, got {error}") from error


def _extended(tree: Any, own: Any, path: Path) -> dict[str, Any]:
    """The shipped table with a user's rows first: lists are put in front, fields one by one, maps of operations updated."""
    if not isinstance(own, dict):
        raise ConfigError(f"expected sections of a dialect table in {path}, got {type(own).__name__}")
    merged = dict(tree)
    for section, rows in own.items():
        shipped = tree.get(section)
        if shipped is None:
            raise ConfigError(f"expected sections {', '.join(sorted(tree))} in {path}, got {section!r}")
        if type(rows) is not type(shipped):
            raise ConfigError(f"expected {section} in {path} to be a {_SHAPES[type(shipped)]}, got {rows!r}")
        if section == "fields":
            merged[section] = shipped | {name: _extended_field(shipped, name, row, path) for name, row in rows.items()}
        elif isinstance(shipped, list):
            merged[section] = rows + shipped
        elif section in ("messages", "metadata"):
            merged[section] = shipped | {
                name: _listed(sources, f"{section}.{name}", path) + shipped.get(name, [])
                for name, sources in rows.items()
            }
        else:
            merged[section] = shipped | rows
    return merged


def _extended_field(shipped: dict[str, Any], name: str, row: Any, path: Path) -> dict[str, Any]:
    if name not in shipped:
        raise ConfigError(f"expected a field of {', '.join(shipped)} in {path}, got {name!r}")
    if isinstance(row, dict) and set(row) != {"from"}:
        raise ConfigError(f"expected sources of fields.{name} in {path}, a list or one under 'from', got {row!r}")
    sources = _listed(row["from"] if isinstance(row, dict) else row, f"fields.{name}", path)
    known: dict[str, Any] = shipped[name]
    return {**known, "from": sources + known["from"]}


def _listed(rows: Any, place: str, path: Path) -> list[Any]:
    if not isinstance(rows, list):
        raise ConfigError(f"expected a list of sources for {place} in {path}, got {rows!r}")
    return rows


_SHAPES: Final[Mapping[type, str]] = {list: "list", dict: "map of names"}
