"""What a batch of spans holds, by name, and the dialect table cut down to it.

A table of fifteen dialects is long, and a batch comes from one or two. The engine plans and runs every expression for every block, so
the SQL is written for the keys that are there: what is absent would have given nothing, so the result is the same.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from driftline_collector.mapping import (
    CanonicalField,
    DialectTable,
    DocumentSource,
    EventDocuments,
    EventMessages,
    FlatDocuments,
    FlatMessages,
    JsonDocuments,
    JsonMessages,
    KindRule,
    MessageSource,
    Recogniser,
    Source,
    TextMessages,
)

_INDEX: Final = re.compile(r"\.[0-9]+(?=\.|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """keys: of span attributes, with every index replaced by `#`, and as they are; resources: keys of resources; events: their names."""

    keys: frozenset[str]
    resources: frozenset[str]
    events: frozenset[str]

    @classmethod
    def of(cls, keys: Iterable[str], *, resources: Iterable[str], events: Iterable[str]) -> "Presence":
        whole = frozenset(keys)
        return cls(
            keys=whole | {_INDEX.sub(".#", key) for key in whole},
            resources=frozenset(resources),
            events=frozenset(events),
        )


def cut_down(table: DialectTable, presence: Presence) -> DialectTable:
    """The table without what `presence` cannot answer. Equal for equal relevant names, so it serves as a key of what was made of it."""
    cut = _Cut(presence)
    return DialectTable.model_construct(
        absent=table.absent,
        details=table.details,
        estimates=table.estimates,
        uncached_input=table.uncached_input,
        providers=table.providers,
        recognise=tuple(filter(None, map(cut.recogniser, table.recognise))),
        kinds=tuple(filter(None, map(cut.rule, table.kinds))),
        operations=table.operations,
        fields_={name: cut.field(field) for name, field in table.fields_.items()},
        messages={name: tuple(filter(cut.has_messages, sources)) for name, sources in table.messages.items()},
        documents=tuple(filter(cut.has_documents, table.documents)),
        metadata=table.metadata.model_copy(update={"prefixes": tuple(filter(cut.has_prefix, table.metadata.prefixes))}),
    )


class _Cut:
    def __init__(self, presence: Presence) -> None:
        self._keys = presence.keys
        self._resources = presence.resources
        self._events = presence.events

    def recogniser(self, rule: Recogniser) -> Recogniser | None:
        keys = tuple(key for key in rule.keys if key in self._keys)
        return rule.model_copy(update={"keys": keys}) if keys or rule.scopes else None

    def rule(self, rule: KindRule) -> KindRule | None:
        if rule.key is not None:
            if rule.key not in self._keys:
                return None
            if rule.llm_has is None:
                return rule
            return rule.model_copy(update={"llm_has": tuple(filter(self._has_key, rule.llm_has))})
        if rule.names:
            return rule
        present = tuple(key for key in rule.present if key in self._keys)
        return rule.model_copy(update={"present": present}) if present else None

    def _has_key(self, key: str) -> bool:
        return key.replace("{i}", "#") in self._keys

    def field(self, field: CanonicalField) -> CanonicalField:
        return field.model_copy(update={"sources": tuple(filter(self._has_source, field.sources))})

    def _has_source(self, source: Source) -> bool:
        if source.resource is not None:
            return source.resource in self._resources
        if source.event is not None:
            return source.event in self._events
        return source.output is not None or source.key in self._keys

    def has_messages(self, source: MessageSource) -> bool:
        match source:
            case JsonMessages():
                return source.key in self._keys
            case EventMessages():
                return not self._events.isdisjoint(source.roles)
            case FlatMessages() | TextMessages():
                return self._has_flat(source)

    def has_documents(self, source: DocumentSource) -> bool:
        match source:
            case JsonDocuments():
                return source.key in self._keys
            case EventDocuments():
                return source.event in self._events
            case FlatDocuments():
                return self._has_flat(source)

    def _has_flat(self, source: FlatMessages | TextMessages | FlatDocuments) -> bool:
        return any(key.replace("{i}", "#").replace("{j}", "#") in self._keys for _, key in source.parts_of_item())

    def has_prefix(self, prefix: str) -> bool:
        return any(key.startswith(prefix) for key in self._keys)
