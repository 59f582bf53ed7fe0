"""The dialect table as SQL: the expressions of sql/generations.sql.

A span's attributes are looked at once, by code. Attribute keys stand in LowCardinality columns, so the engine compares each key once
a block, not once a span; after that every field is a search among integers. A code is UInt64:

    plain keys      slot << 8 | rank                      1 <= slot; keys that one field reads in a row share a slot, the best has rank 0
    indexed keys    list << 56 | {i} << 32 | part << 16 | {j}     1 <= list; sorted, the codes run list by list, item by item

In the SQL: `known` are the slots of a span's plain keys in the order of their codes, `places` where their values stand in `v`;
`k<slot>` is the text of a slot, `json_k<slot>` what was read inside its JSON; `items` are the indexed keys put together again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from driftline_collector.conversation import MESSAGES, first_of, plain
from driftline_collector.json_columns import JsonColumns
from driftline_collector.mapping import (
    CanonicalField,
    Conversation,
    DialectTable,
    EventDocuments,
    EventMessages,
    FlatDocuments,
    FlatMessages,
    JsonDocuments,
    JsonMessages,
    KindRule,
    Source,
    TextMessages,
)

INDEXED: Final = 1 << 56
"""The least code of an indexed key."""

DOCUMENTS: Final = "Array(Tuple(id String, content String, score Nullable(Float64)))"
_LABELS: Final = "Tuple(id String, doc_id String, page_content String, score Nullable(Float64))"
_JSON_DOCUMENT: Final = (
    "Tuple(id String, id_ String, node_id String, content String, page_content String, text String, score Nullable(Float64), "
    f"relevance_score Nullable(Float64), metadata {_LABELS}, kwargs {_LABELS}, node Tuple(id_ String, text String), "
    "document Tuple(id String, content String, page_content String, text String))"
)


def quoted(text: str) -> str:
    """A SQL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def listed(texts: Iterable[str]) -> str:
    """SQL string literals with commas between."""
    return ", ".join(map(quoted, texts))


class Readers:
    """Writes the expressions of one dialect table, whole or cut down."""

    def __init__(self, table: DialectTable) -> None:
        self._table = table
        self._codes: dict[str, int] = {}
        self._lists: dict[str, int] = {}
        self._number_plain_keys()
        self._number_indexed_keys()
        self._json = JsonColumns(table)

    def _number_plain_keys(self) -> None:
        uses = Counter(key for key in self._table.key_uses() if "{i}" not in key)
        slot = 0
        for field in self._table.fields_.values():
            rank = 0
            for source in field.sources:
                if source.is_bare and source.key is not None and uses[source.key] == 1 and not field.ignore:
                    slot += rank == 0
                    self._codes[source.key] = slot << 8 | rank
                    rank += 1
                else:
                    rank = 0
        for key in uses:
            if key not in self._codes:
                slot += 1
                self._codes[key] = slot << 8

    def _number_indexed_keys(self) -> None:
        lists = [source for sources in self._table.messages.values() for source in sources]
        for source in (*lists, *self._table.documents):
            if not isinstance(source, JsonMessages | JsonDocuments | EventMessages | EventDocuments):
                number = len(self._lists) + 1
                for part, key in source.parts_of_item():
                    self._lists.setdefault(source.name, number)
                    self._codes[key] = number << 56 | part << 16

    # -- the columns that everything else is read from --------------------------------------------------------------

    @property
    def has_indexed(self) -> bool:
        return bool(self._lists)

    def key_codes(self, key: str) -> str:
        """The code of the String `key` among the plain ones, 0 when the table does not name it."""
        plain = {name: code for name, code in self._codes.items() if code < INDEXED}
        return f"transform({key}, [{listed(plain)}], [{', '.join(map(str, plain.values()))}], 0)" if plain else "0"

    def indexed_key_codes(self, key: str) -> str:
        """The code of the String `key` among the indexed ones, its indices in it, 0 when the table does not name it."""
        indexed = {
            name.replace("{i}", "#").replace("{j}", "#"): code for name, code in self._codes.items() if code >= INDEXED
        }
        template = f"replaceRegexpAll({key}, '\\\\.[0-9]+\\\\b', '.#')"
        code = f"transform({template}, [{listed(indexed)}], [{', '.join(map(str, indexed.values()))}], 0)"
        first = f"toUInt64(toUInt16OrZero(extract({key}, '\\\\.([0-9]+)\\\\b')))"
        second = f"toUInt64(toUInt16OrZero(extract({key}, '\\\\.[0-9]+\\\\.(?:[^.]+\\\\.)*?([0-9]+)\\\\b')))"
        return f"{code} + if({code} > 0, {first} * 4294967296 + {second}, 0)"

    def slots(self) -> Iterator[str]:
        """Columns k<slot> for every slot that a field reads."""
        for slot in sorted({code >> 8 for code in self._codes.values() if code < INDEXED}):
            yield f"v[places[indexOf(known, {slot})]] AS k{slot}"

    def json_columns(self) -> Iterator[str]:
        """Columns j<number>_k<slot> for every key that is read inside."""
        return self._json.columns(self._slot)

    def _slot(self, key: str) -> str:
        return f"k{self._codes[key] >> 8}"

    def _has_any(self, keys: Iterable[str], codes: str) -> str:
        shift = 0 if codes == "c" else 8
        return "(" + " OR ".join(f"has({codes}, {self._codes[key] >> shift})" for key in keys) + ")"

    # -- what a span is -------------------------------------------------------------------------------------------

    @property
    def recognises_nothing(self) -> bool:
        """No span of the batch can be one of GenAI."""
        return not any(rule.keys for rule in self._table.recognise)

    def recognised(self) -> str:
        return self._has_any(dict.fromkeys(key for rule in self._table.recognise for key in rule.keys), "c")

    def dialect(self) -> str:
        scopes = [
            f"startsWith(scope_name, {quoted(scope)}), {quoted(rule.dialect)}"
            for rule in self._table.recognise
            for scope in rule.scopes
        ]
        keys = [
            f"{self._has_any(rule.keys, 'known')}, {quoted(rule.dialect)}"
            for rule in self._table.recognise
            if rule.keys
        ]
        return f"multiIf({', '.join(keys[:-1] + scopes + keys[-1:])}, '')"

    def kind(self) -> str:
        found = []
        for rule in self._table.kinds:
            if rule.names:
                found.append(f"transform(name, [{listed(rule.names)}], [{listed(rule.names.values())}], '')")
            elif rule.key is None:
                found.append(f"if({self._has_any(rule.present, 'known')}, {quoted(str(rule.kind))}, '')")
            elif rule.ends:
                cases = (f"endsWith({self._slot(rule.key)}, {quoted(end)}), {quoted(kind)}" for end, kind in rule.ends.items())
                found.append(f"multiIf({', '.join(cases)}, '')")
            else:
                text = _unquoted(self._slot(rule.key)) if rule.quoted else self._slot(rule.key)
                kind = f"transform({text}, [{listed(rule.map)}], [{listed(rule.map.values())}], '')"
                found.append(self._witnessed(kind, rule))
        return first_of(found) if found else "''"

    def _witnessed(self, kind: str, rule: KindRule) -> str:
        """`kind`, but chain in place of llm when the span has none of the keys that a call has, and did not fail."""
        if not rule.has_witnesses:
            return kind
        seen = ["status_code = 2"]
        for key in rule.llm_has:
            code = self._codes[key]
            seen.append(f"has(known, {code >> 8})" if code < INDEXED else f"arrayExists(m -> (m).1 = {code >> 56}, items)")
        return f"if({kind} = 'llm' AND NOT ({' OR '.join(seen)}), 'chain', {kind})"

    def operation_of_kind(self) -> str:
        names = self._table.operations
        return f"transform(kind, [{listed(names)}], [{listed(names.values())}], '')"

    def provider_of_model(self) -> str:
        model = "lower(if(request_model != '', request_model, response_model))"
        cases = (f"startsWith({model}, {quoted(start)}), {quoted(name)}" for start, name in self._table.providers.items())
        return f"multiIf({', '.join(cases)}, '')" if self._table.providers else "''"

    def is_estimating(self) -> str:
        return f"dialect IN ({listed(self._table.estimates)})" if self._table.estimates else "0"

    def is_uncached_input(self) -> str:
        pairs = self._table.uncached_input
        return f"concat(dialect, '/', provider) IN ({listed(pairs)})" if pairs else "0"

    # -- fields ---------------------------------------------------------------------------------------------------

    def raw(self, name: str) -> str:
        """The expression of a canonical field's text, '' when no source has one."""
        field = self._table.fields_[name]
        text = first_of(list(dict.fromkeys(self._source(source, field) for source in field.sources)) or ["''"])
        return f"if(kind IN ({listed(field.kinds)}), {text}, '')" if field.kinds and field.sources else text

    def typed(self, name: str, text: str) -> str:
        """The expression of a canonical field of its text: String, or Nullable(number) where the type is one."""
        field = self._table.fields_[name]
        if not field.sources:
            text = "''"
        elif field.strip:
            text = f"replaceRegexpOne({text}, {quoted(field.strip)}, '')"
        if field.rename and field.sources:
            text = f"transform({text}, [{listed(field.rename)}], [{listed(field.rename.values())}], {text})"
        return _typed(text, field.type)

    def _source(self, source: Source, field: CanonicalField) -> str:
        if source.resource is not None:
            text = f"resource_attributes[{quoted(source.resource)}]"
        elif source.event is not None:
            text = _event(source, field)
        elif source.output is not None:
            text = f"arrayFirst(t -> t != '', JSONExtract({self.text('output_messages')}, 'Array(Tuple({source.output} String))').1)"
        else:
            assert source.key is not None
            text = self._slot(source.key)
            if source.contains is not None:
                text = f"if(position({text}, {quoted(source.contains)}) > 0, 'true', '')"
            elif source.path:
                text = self._json.value(text, source.key, source.path)
            elif source.first:
                text = f"if(startsWith({text}, '['), JSONExtractString({text}, 1), {text})"
            elif source.quoted:
                text = _unquoted(text)
            elif source.value is not None:
                text = f"if({text} != '', {quoted(source.value)}, '')"
            elif source.starts:
                cases = (f"startsWith({text}, {quoted(start)}), {quoted(value)}" for start, value in source.starts.items())
                text = f"multiIf({', '.join(cases)}, '')"
        if source.before is not None:
            place = f"position({text}, {quoted(source.before)})"
            text = f"if({place} > 0, substring({text}, 1, {place} - 1), '')"
        if field.type in ("text", "result"):
            text = self.without_absent(text)
        if field.ignore:
            text = f"if({text} IN ({listed(field.ignore)}), '', {text})"
        if source.scale != 1.0:
            text = f"ifNull(toString(toFloat64OrNull({text}) * {source.scale!r}), '')"
        if source.kinds:
            text = f"if(kind IN ({listed(source.kinds)}), {text}, '')"
        return text

    def without_absent(self, text: str) -> str:
        """`text`, or '' when it is a placeholder for hidden content."""
        return f"if({text} IN ({listed(self._table.absent)}), '', {text})" if self._table.absent else text

    # -- messages and documents -----------------------------------------------------------------------------------

    def text(self, name: Conversation) -> str:
        """The text of a conversation in JSON from the first source that has one."""
        found: list[str] = []
        ahead: list[int] = []
        for source in self._table.messages[name]:
            if isinstance(source, EventMessages):
                found.append(f"events_{name}")
            elif isinstance(source, JsonMessages):
                text = self._slot(source.key)
                if source.path:
                    text = self._json.value(text, source.key, source.path)
                text = self.without_absent(text)
                found.append(f"if(kind IN ({listed(source.kinds)}), {text}, '')" if source.kinds else text)
            elif not found:
                ahead.append(self._lists[source.name])
        text = first_of(found) if found else "''"
        # Indexed keys that are believed first spare the reading of JSON that says the same.
        return f"if(arrayExists(m -> (m).1 IN ({', '.join(map(str, ahead))}), items), '', {text})" if found and ahead else text

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
            items = f"arrayFilter(m -> (m).1 = {self._lists[source.name]}, items)"
            role = "(m).2" if isinstance(source, FlatMessages) else "'user'"
            found.append(f"arrayMap(m -> ({role}, (m).3, (m).4, (m).5), {items})::{MESSAGES}")
        if len(found) == 1:
            return found[0]
        said = "arrayExists(m -> (m).2 != '' OR notEmpty((m).3), a)"
        return f"arrayFirst(a -> {said}, [{', '.join(found)}])" if found else f"[]::{MESSAGES}"

    def has_flat(self, name: Conversation) -> str:
        """Whether the span has any indexed key of the conversation, whatever it says."""
        lists = [self._lists[source.name] for source in self._table.messages[name] if isinstance(source, FlatMessages | TextMessages)]
        return f"arrayExists(m -> (m).1 IN ({', '.join(map(str, lists))}), items)" if lists else "0"

    def document_lists(self) -> str:
        """Each source's documents, Array(Array(Tuple(id, content, score)))."""
        found = []
        for source in self._table.documents:
            if isinstance(source, FlatDocuments):
                items = f"arrayFilter(m -> (m).1 = {self._lists[source.name]}, items)"
                found.append(f"arrayMap(m -> ((m).2, (m).3, toFloat64OrNull((m).5)), {items})::{DOCUMENTS}")
            elif isinstance(source, EventDocuments):
                events = f"arrayFilter(e -> (e).2 = {quoted(source.event)}, events)"
                parts = (first_of([f"(e).3[{quoted(key)}]" for key in keys]) for keys in (source.id, source.content, source.score))
                name, content, score = parts
                found.append(f"arrayMap(e -> ({name}, {content}, toFloat64OrNull({score})), {events})::{DOCUMENTS}")
            else:
                found.append(self._json_documents(source))
        return f"arrayFilter(d -> notEmpty(d), [{', '.join(found)}]::Array({DOCUMENTS}))"

    def _json_documents(self, source: JsonDocuments) -> str:
        place = "".join(f", {step if isinstance(step, int) else quoted(step)}" for step in source.path)
        name = first_of(["(d).id", "(d).id_", "(d).node_id", "(d).kwargs.id", "(d).node.id_", "(d).document.id", "(d).metadata.id", "(d).metadata.doc_id"])
        texts = ["(d).content", "(d).page_content", "(d).text", "(d).kwargs.page_content", "(d).node.text", "(d).document.content", "(d).document.text"]
        kinds = listed(source.kinds)
        text = f"if(kind IN ({kinds}), {self._slot(source.key)}, '')"
        # Every element as text first: some write each document as a JSON string of its own.
        rows = f"arrayMap(x -> JSONExtract(x, '{_JSON_DOCUMENT}'), JSONExtract({text}{place}, 'Array(String)'))"
        content = self.without_absent(first_of(texts))
        documents = f"arrayMap(d -> ({name}, {content}, coalesce((d).score, (d).relevance_score, (d).metadata.score)), {rows})"
        return f"arrayFilter(d -> (d).1 != '' OR (d).2 != '', {documents})::{DOCUMENTS}"

    # -- labels ---------------------------------------------------------------------------------------------------

    def tag_list(self) -> str:
        """Array(String) of a JSON array, or of words with commas between."""
        text = "r_tags"
        words = f"arrayMap(t -> trimBoth(t), splitByChar(',', {text}))"
        return f"arrayFilter(t -> t != '', if(startsWith({text}, '['), JSONExtract({text}, 'Array(String)'), {words}))"

    def metadata(self) -> str:
        """Map(String, String) of the labels that the app gave: keys with a prefix, and the members of one JSON object."""
        labels = [f"JSONExtractKeysAndValues({self.raw('metadata_json')}, 'String')"] if self._table.fields_["metadata_json"].sources else []
        if self._table.metadata.prefixes:
            pattern = "|".join(prefix.replace(".", "\\\\.") for prefix in self._table.metadata.prefixes)
            names = f"arrayMap(k -> if(match(k, '^({pattern})'), replaceRegexpOne(k, '^({pattern})', ''), ''), keys)"
            pairs = f"arrayMap((n, t) -> (toString(n), {_unquoted('t')}), {names}, v)"
            labels.append(f"arrayFilter(p -> (p).1 != '', {pairs})")
        return f"mapFromArrays(arrayConcat({', '.join(labels)}).1, arrayConcat({', '.join(labels)}).2)" if labels else "map()::Map(String, String)"


def _unquoted(text: str) -> str:
    """SQL of the text in a JSON string, or of `text` as it is when it is none."""
    return f"if(startsWith({text}, '\"'), JSONExtractString({text}), {text})"


def _event(source: Source, field: CanonicalField) -> str:
    assert source.event is not None
    found = f"arrayFirst(e -> (e).2 = {quoted(source.event)}, events)"
    if source.key is not None:
        return f"{found}.3[{quoted(source.key)}]"
    if field.type == "bool":
        return f"if(has(events.name, {quoted(source.event)}), 'true', '')"
    since = f"(toInt64({found}.1) - toUnixTimestamp64Nano(start_time))"
    return f"if(has(events.name, {quoted(source.event)}) AND {since} >= 0, toString({since} / 1000000), '')"


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
    objects = f"arrayMap((e, s) -> concat({head}, {rest}), chosen, arrayMap(e -> {said}, chosen))".replace("chosen", chosen)
    return f"if(arrayExists(e -> e IN ({names}), events.name), concat('[', arrayStringConcat({objects}, ','), ']'), '')"


def _typed(text: str, kind: str) -> str:
    match kind:
        case "lower":
            return f"lower({text})"
        case "text":
            return text if text == "''" else _unquoted(text)
        case "result":
            return text if text == "''" else plain(text)
        case "int":
            return f"accurateCastOrNull(round(toFloat64OrNull({text})), 'UInt64')"
        case "signed":
            return f"accurateCastOrNull(toFloat64OrNull({text}), 'Int64')"
        case "double":
            return f"arrayFirst(x -> ifNull(isFinite(x), 0), [toFloat64OrNull({text}), NULL])"
        case "bool":
            return f"transform(lower({text}), ['true', '1', 'false', '0'], [1, 1, 0, 0]::Array(Nullable(UInt8)), NULL)"
        case _:
            return text
