"""The dialect table as SQL: the expressions of sql/generations_view.sql.

A span's attributes are looked at once, by code. Attribute keys stand in LowCardinality columns, so the engine compares each key once
a block, not once a span; after that every field is a search among integers. A code is UInt64:

    plain keys      slot << 8 | rank                      1 <= slot; keys that one field reads in a row share a slot, the best has rank 0
    indexed keys    list << 56 | {i} << 32 | part << 16 | {j}     1 <= list; sorted, the codes run list by list, item by item

In the view: `known` are the slots of a span's plain keys in the order of their codes, `places` where their values stand in `v`;
`k<slot>` is the text of a slot, `json_k<slot>` what was read inside its JSON; `items` are the indexed keys put together again,
`parsed` the conversations that came as JSON.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from driftline_collector.mapping import (
    CanonicalField,
    DialectTable,
    FlatDocuments,
    FlatMessages,
    JsonDocuments,
    PartsMessages,
    Source,
)

INDEXED: Final = 1 << 56
"""The least code of an indexed key."""

_CALLS: Final = "Array(Tuple(id String, name String, arguments String))"
MESSAGES: Final = f"Array(Tuple(role String, content String, tool_calls {_CALLS}, tool_call_id String))"
PARSED: Final = (
    "Array(Tuple(role String, content String, finish_reason String, tool_call_id String, "
    "parts Array(Tuple(type String, content String, text String, id String, name String, arguments String, "
    "response String, result String)), "
    "tool_calls Array(Tuple(id String, name String, arguments String, function Tuple(name String, arguments String)))))"
)
DOCUMENTS: Final = "Array(Tuple(id String, content String, score Nullable(Float64)))"
_JSON_DOCUMENTS: Final = (
    "Array(Tuple(id String, content String, page_content String, text String, score Nullable(Float64)))"
)


def quoted(text: str) -> str:
    """A SQL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def listed(texts: Iterable[str]) -> str:
    """SQL string literals with commas between."""
    return ", ".join(map(quoted, texts))


class Readers:
    """Writes the expressions of one dialect table."""

    def __init__(self, table: DialectTable) -> None:
        self._table = table
        self._codes: dict[str, int] = {}
        self._lists: dict[str, int] = {}
        self._number_plain_keys()
        self._number_indexed_keys()
        self._json = _JsonColumns(table)
        self._parsed_keys = [
            source.key for sources in table.messages.values() for source in sources if isinstance(source, PartsMessages)
        ]

    def _number_plain_keys(self) -> None:
        uses = Counter(key for key in self._table.key_uses() if "{i}" not in key)
        slot = 0
        for field in self._table.fields_.values():
            rank = 0
            for source in field.sources:
                if source.is_bare and source.key is not None and uses[source.key] == 1:
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
            if not isinstance(source, PartsMessages | JsonDocuments):
                number = len(self._lists) + 1
                for part, key in source.parts_of_item():
                    self._lists.setdefault(source.name, number)
                    self._codes[key] = number << 56 | part << 16

    # -- the columns that everything else is read from --------------------------------------------------------------

    def key_codes(self, key: str) -> str:
        """The code of the String `key` among the plain ones, 0 when the table does not name it."""
        plain = {name: code for name, code in self._codes.items() if code < INDEXED}
        return f"transform({key}, [{listed(plain)}], [{', '.join(map(str, plain.values()))}], 0)"

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

    def slots(self) -> str:
        """WITH items: k<slot> for every slot that a field reads."""
        slots = sorted({code >> 8 for code in self._codes.values() if code < INDEXED})
        return ",\n".join(f"        v[places[indexOf(known, {slot})]] AS k{slot}" for slot in slots)

    def json_columns(self) -> str:
        """WITH items: json<slot> for every key that is read inside."""
        return ",\n".join(f"        {column}" for column in self._json.columns(self._slot))

    def parsed_texts(self) -> str:
        """The texts of the conversations in JSON, in the order of the table."""
        return f"[{', '.join(f'v[places[indexOf(known, {self._codes[key] >> 8})]]' for key in self._parsed_keys)}]"

    def _slot(self, key: str) -> str:
        return f"k{self._codes[key] >> 8}"

    def _has_any(self, keys: Iterable[str], codes: str) -> str:
        shift = 0 if codes == "c" else 8
        return "(" + " OR ".join(f"has({codes}, {self._codes[key] >> shift})" for key in keys) + ")"

    # -- what a span is -------------------------------------------------------------------------------------------

    def recognised(self) -> str:
        return self._has_any(dict.fromkeys(key for rule in self._table.recognise for key in rule.keys), "c")

    def dialect(self) -> str:
        cases = (f"{self._has_any(rule.keys, 'known')}, {quoted(rule.dialect)}" for rule in self._table.recognise)
        return f"multiIf({', '.join(cases)}, '')"

    def kind(self) -> str:
        found = []
        for rule in self._table.kinds:
            if rule.key is not None:
                names, kinds = listed(rule.map), listed(rule.map.values())
                found.append(f"transform({self._slot(rule.key)}, [{names}], [{kinds}], '')")
            else:
                found.append(f"if({self._has_any(rule.present, 'known')}, {quoted(str(rule.kind))}, '')")
        return _first_of(found)

    def operation_of_kind(self) -> str:
        names = self._table.operations
        return f"transform(kind, [{listed(names)}], [{listed(names.values())}], '')"

    # -- fields ---------------------------------------------------------------------------------------------------

    def field(self, name: str) -> str:
        """The expression of a canonical field: String, or Nullable(number) where the type is one."""
        field = self._table.fields_[name]
        text = _first_of(list(dict.fromkeys(self._source(source, field) for source in field.sources)))
        if field.kinds:
            text = f"if(kind IN ({listed(field.kinds)}), {text}, '')"
        return _typed(text, field.type)

    def _source(self, source: Source, field: CanonicalField) -> str:
        if source.resource is not None:
            text = f"resource_attributes[{quoted(source.resource)}]"
        elif source.event is not None:
            text = _event(source, field)
        elif source.output is not None:
            text = f"arrayFirst(t -> t != '', {self._parsed('output_messages')}.{source.output})"
        else:
            assert source.key is not None
            text = self._slot(source.key)
            if source.contains is not None:
                text = f"if(position({text}, {quoted(source.contains)}) > 0, 'true', '')"
            elif source.path:
                text = self._json.value(text, source)
            elif source.first:
                text = f"if(startsWith({text}, '['), JSONExtractString({text}, 1), {text})"
        if field.type == "text":
            text = self.without_absent(text)
        if source.scale != 1.0:
            text = f"ifNull(toString(toFloat64OrNull({text}) * {source.scale!r}), '')"
        if source.kinds:
            text = f"if(kind IN ({listed(source.kinds)}), {text}, '')"
        return text

    def without_absent(self, text: str) -> str:
        """`text`, or '' when it is a placeholder for hidden content."""
        return f"if({text} IN ({listed(self._table.absent)}), '', {text})" if self._table.absent else text

    # -- messages and documents -----------------------------------------------------------------------------------

    def messages(self, name: str) -> str:
        """Array of (role, content, tool_calls, tool_call_id) from the first source that has any."""
        found = []
        for source in self._table.messages[name]:  # type: ignore[index]  # the names are checked when the table loads
            if isinstance(source, PartsMessages):
                found.append(f"conversations[{self._parsed_keys.index(source.key) + 1}]")
                continue
            items = f"arrayFilter(m -> m.1 = {self._lists[source.name]}, items)"
            role = "m.2" if isinstance(source, FlatMessages) else "'user'"
            found.append(f"arrayMap(m -> ({role}, m.3, m.4, m.5), {items})::{MESSAGES}")
        return f"arrayFirst(a -> notEmpty(a), [{', '.join(found)}])" if len(found) > 1 else found[0]

    def _parsed(self, name: str) -> str:
        keys = [source.key for source in self._table.messages[name] if isinstance(source, PartsMessages)]  # type: ignore[index]
        return f"parsed[{self._parsed_keys.index(keys[0]) + 1}]"

    def document_lists(self) -> str:
        """Each source's documents, Array(Array(Tuple(id, content, score)))."""
        found = []
        for source in self._table.documents:
            if isinstance(source, FlatDocuments):
                items = f"arrayFilter(m -> m.1 = {self._lists[source.name]}, items)"
                found.append(f"arrayMap(m -> (m.2, m.3, toFloat64OrNull(m.5)), {items})::{DOCUMENTS}")
            else:
                place = "".join(f", {step if isinstance(step, int) else quoted(step)}" for step in source.path)
                content = "multiIf(d.content != '', d.content, d.page_content != '', d.page_content, d.text)"
                rows = f"JSONExtract({self._slot(source.key)}{place}, '{_JSON_DOCUMENTS}')"
                documents = f"arrayMap(d -> (d.id, {self.without_absent(content)}, d.score), {rows})::{DOCUMENTS}"
                kinds = ", ".join(map(quoted, source.kinds))
                found.append(f"if(kind IN ({kinds}), {documents}, [])")
        return f"arrayFilter(d -> notEmpty(d), [{', '.join(found)}])"


class _JsonColumns:
    """Which keys are read inside their JSON, and what: one parse a key, as a named tuple."""

    def __init__(self, table: DialectTable) -> None:
        self._trees: dict[str, dict[str | int, object]] = {}
        self._kinds: dict[str, set[str] | None] = {}
        for field in table.fields_.values():
            for source in field.sources:
                if source.path and source.key is not None:
                    self._add(source, field)

    def _add(self, source: Source, field: CanonicalField) -> None:
        assert source.key is not None
        node = self._trees.setdefault(source.key, {})
        for step in source.path:
            node = node.setdefault(step, {})  # type: ignore[assignment]
        wanted = set(source.kinds or field.kinds) or None
        known = self._kinds.setdefault(source.key, set() if wanted else None)
        self._kinds[source.key] = known | wanted if known is not None and wanted is not None else None

    def columns(self, slot: object) -> Iterator[str]:
        for key, tree in self._trees.items():
            text = slot(key)  # type: ignore[operator]
            kinds = self._kinds[key]
            guard = f"startsWith({text}, '{{')" + (f" AND kind IN ({listed(sorted(kinds))})" if kinds else "")
            yield f"JSONExtract(if({guard}, {text}, ''), '{_json_type(tree)}') AS json_{text}"

    def value(self, text: str, source: Source) -> str:
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in source.path)
        return f"json_{text}{''.join(steps)}"


def _json_type(tree: dict[str | int, object]) -> str:
    if not tree:
        return "String"
    steps = list(tree)
    if isinstance(steps[0], int):
        return f"Array({_json_type(tree[steps[0]])})"  # type: ignore[arg-type]
    members = (f"{name} {_json_type(below)}" for name, below in tree.items())  # type: ignore[arg-type]
    return f"Tuple({', '.join(members)})"


def _event(source: Source, field: CanonicalField) -> str:
    assert source.event is not None
    found = f"arrayFirst(e -> e.2 = {quoted(source.event)}, events)"
    if source.key is not None:
        return f"{found}.3[{quoted(source.key)}]"
    if field.type == "bool":
        return f"if(has(events.name, {quoted(source.event)}), 'true', '')"
    since = f"(toInt64({found}.1) - toUnixTimestamp64Nano(start_time))"
    return f"if(has(events.name, {quoted(source.event)}) AND {since} >= 0, toString({since} / 1000000), '')"


def _first_of(texts: Sequence[str]) -> str:
    if len(texts) == 1:
        return texts[0]
    cases = (f"{text} != '', {text}" for text in texts[:-1])
    return f"multiIf({', '.join(cases)}, {texts[-1]})"


def _typed(text: str, kind: str) -> str:
    match kind:
        case "lower":
            return f"lower({text})"
        case "int":
            return f"accurateCastOrNull(round(toFloat64OrNull({text})), 'UInt64')"
        case "double":
            return f"arrayFirst(x -> ifNull(isFinite(x), 0), [toFloat64OrNull({text}), NULL])"
        case "bool":
            return f"transform(lower({text}), ['true', '1', 'false', '0'], [1, 1, 0, 0]::Array(Nullable(UInt8)), NULL)"
        case _:
            return text
