"""The SQL of a span's conversations and documents, wherever its dialect keeps them."""

from collections.abc import Iterator
from typing import Final

from driftline_collector.codes import Codes
from driftline_collector.conversation import MESSAGES
from driftline_collector.json_columns import JsonColumns
from driftline_collector.mapping import (
    Conversation,
    DialectTable,
    EventDocuments,
    EventMessages,
    FlatDocuments,
    FlatMessages,
    JsonDocuments,
    JsonMessages,
    TextMessages,
)
from driftline_collector.sql_text import first_of, listed, quoted

DOCUMENTS: Final = "Array(Tuple(id String, content String, score Nullable(Float64)))"
_LABELS: Final = "Tuple(id String, doc_id String, page_content String, score Nullable(Float64))"
_JSON_DOCUMENT: Final = (
    "Tuple(id String, id_ String, node_id String, content String, page_content String, text String, score Nullable(Float64), "
    f"relevance_score Nullable(Float64), metadata {_LABELS}, kwargs {_LABELS}, node Tuple(id_ String, text String), "
    "document Tuple(id String, content String, page_content String, text String))"
)


class Content:
    """Messages and documents of one dialect table, whole or cut down."""

    def __init__(self, table: DialectTable, codes: Codes, json: JsonColumns) -> None:
        self._table = table
        self._codes = codes
        self._json = json

    def without_absent(self, text: str) -> str:
        """`text`, or '' when it is a placeholder for hidden content."""
        return f"if({text} IN ({listed(self._table.absent)}), '', {text})" if self._table.absent else text

    @property
    def is_nested(self) -> bool:
        """Whether a message may stand inside another object."""
        sources = (source for sources in self._table.messages.values() for source in sources)
        return any(isinstance(source, EventMessages) or getattr(source, "is_nested", False) for source in sources)

    def text(self, name: Conversation) -> str:
        """The text of a conversation in JSON from the first source that has one."""
        found: list[str] = []
        ahead: list[int] = []
        for source in self._table.messages[name]:
            if isinstance(source, EventMessages):
                found.append(f"events_{name}")
            elif isinstance(source, JsonMessages):
                text = self._codes.slot(source.key)
                if source.path:
                    text = self._json.value(text, source.key, source.path)
                text = self.without_absent(text)
                found.append(f"if(kind IN ({listed(source.kinds)}), {text}, '')" if source.kinds else text)
            elif not found:
                ahead.append(self._codes.list_of(source.name))
        text = first_of(found) if found else "''"
        # Indexed keys that are believed first spare the reading of JSON that says the same.
        return f"if({self._codes.has_list(*ahead)}, '', {text})" if found and ahead else text

    def events_columns(self) -> Iterator[str]:
        """Columns events_<conversation>, the messages of span events and log records as a JSON array of objects."""
        for name, sources in self._table.messages.items():
            for source in sources:
                if isinstance(source, EventMessages):
                    yield f"{_events_text(source)} AS events_{name}"

    def messages(self, name: Conversation) -> str:
        """Array of (role, content, tool_calls, tool_call_id) from the first source that has content or a call."""
        place = {"input_messages": 1, "output_messages": 2, "system_messages": 3}[name]
        found: list[str] = []
        whole = f"conversations[{place}]"
        for source in self._table.messages[name]:
            if isinstance(source, JsonMessages | EventMessages):
                found += [whole] if whole not in found else []
                continue
            items = f"arrayFilter(m -> (m).1 = {self._codes.list_of(source.name)}, items)"
            role = "(m).2" if isinstance(source, FlatMessages) else "'user'"
            found.append(f"arrayMap(m -> ({role}, (m).3, (m).4, (m).5), {items})::{MESSAGES}")
        if len(found) == 1:
            return found[0]
        said = "arrayExists(m -> (m).2 != '' OR notEmpty((m).3), a)"
        return f"arrayFirst(a -> {said}, [{', '.join(found)}])" if found else f"[]::{MESSAGES}"

    def has_flat(self, name: Conversation) -> str:
        """Whether the span has any indexed key of the conversation, whatever it says."""
        lists = [
            self._codes.list_of(source.name)
            for source in self._table.messages[name]
            if isinstance(source, FlatMessages | TextMessages)
        ]
        return self._codes.has_list(*lists) if lists else "0"

    def document_lists(self) -> str:
        """Each source's documents, Array(Array(Tuple(id, content, score)))."""
        found = []
        for source in self._table.documents:
            if isinstance(source, FlatDocuments):
                items = f"arrayFilter(m -> (m).1 = {self._codes.list_of(source.name)}, items)"
                found.append(f"arrayMap(m -> ((m).2, (m).3, toFloat64OrNull((m).5)), {items})::{DOCUMENTS}")
            elif isinstance(source, EventDocuments):
                events = f"arrayFilter(e -> (e).2 = {quoted(source.event)}, events)"
                parts = (
                    first_of([f"(e).3[{quoted(key)}]" for key in keys])
                    for keys in (source.id, source.content, source.score)
                )
                name, content, score = parts
                found.append(f"arrayMap(e -> ({name}, {content}, toFloat64OrNull({score})), {events})::{DOCUMENTS}")
            else:
                found.append(self._json_documents(source))
        return f"arrayFilter(d -> notEmpty(d), [{', '.join(found)}]::Array({DOCUMENTS}))"

    def _json_documents(self, source: JsonDocuments) -> str:
        place = "".join(f", {step if isinstance(step, int) else quoted(step)}" for step in source.path)
        name = first_of(
            [
                "(d).id",
                "(d).id_",
                "(d).node_id",
                "(d).kwargs.id",
                "(d).node.id_",
                "(d).document.id",
                "(d).metadata.id",
                "(d).metadata.doc_id",
            ]
        )
        texts = [
            "(d).content",
            "(d).page_content",
            "(d).text",
            "(d).kwargs.page_content",
            "(d).node.text",
            "(d).document.content",
            "(d).document.text",
        ]
        kinds = listed(source.kinds)
        text = f"if(kind IN ({kinds}), {self._codes.slot(source.key)}, '')"
        # Every element as text first: some write each document as a JSON string of its own.
        rows = f"arrayMap(x -> JSONExtract(x, '{_JSON_DOCUMENT}'), JSONExtract({text}{place}, 'Array(String)'))"
        content = self.without_absent(first_of(texts))
        documents = (
            f"arrayMap(d -> ({name}, {content}, coalesce((d).score, (d).relevance_score, (d).metadata.score)), {rows})"
        )
        return f"arrayFilter(d -> (d).1 != '' OR (d).2 != '', {documents})::{DOCUMENTS}"


def _events_text(source: EventMessages) -> str:
    """SQL of a JSON array with an object for each event: what the event says, beside the role that its name implies."""
    names, roles = listed(source.roles), listed(source.roles.values())
    said = first_of([f"(e).3[{quoted(key)}]" for key in ("body", *source.content)])
    head = (
        f"concat('{{\"default_role\":', toJSONString(if((e).3['role'] != '', (e).3['role'], transform((e).2, [{names}], [{roles}], ''))), "
        f"if((e).3['finish_reason'] != '', concat(',\"finish_reason\":', toJSONString((e).3['finish_reason'])), ''), "
        f"if((e).3['id'] != '', concat(',\"tool_call_id\":', toJSONString((e).3['id'])), ''))"
    )
    is_object = "startsWith(trimLeft(s), '{')"
    rest = (
        f"multiIf(match(s, '^\\\\s*\\\\{{\\\\s*\\\\}}\\\\s*$'), '}}', "
        f"{is_object}, concat(',', substring(trimLeft(s), 2)), "
        f"startsWith(s, '[{{'), concat(',\"content\":', s, '}}'), concat(',\"content\":', toJSONString(s), '}}'))"
    )
    chosen = f"arrayFilter(e -> (e).2 IN ({names}), events)"
    objects = f"arrayMap((e, s) -> concat({head}, {rest}), chosen, arrayMap(e -> {said}, chosen))".replace(
        "chosen", chosen
    )
    return f"if(arrayExists(e -> e IN ({names}), events.name), concat('[', arrayStringConcat({objects}, ','), ']'), '')"
