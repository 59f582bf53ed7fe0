"""The dialect table as SQL: one expression a field, over the columns that sql/generations_view.sql prepares.

In that view `v` is the span's attribute values, and `c` their codes: Array(UInt64), number of the key << 32 | {i} << 16 | {j}, 0 for
a key that the table does not name. A key is compared once a block (the engine runs the lookup over the dictionary of the
LowCardinality keys), after which every field is a search among integers.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from driftline_collector.mapping import (
    CanonicalField,
    DialectTable,
    FlatDocuments,
    FlatMessages,
    JsonDocuments,
    PartsMessages,
    Source,
    TextMessages,
)

_CALLS: Final = "Array(Tuple(id String, name String, arguments String))"
_MESSAGES: Final = f"Array(Tuple(role String, content String, tool_calls {_CALLS}, tool_call_id String))"
_PARTS: Final = (
    "Array(Tuple(role String, content String, parts Array(Tuple(type String, content String, text String, id String, "
    "name String, arguments String, response String, result String)), tool_calls Array(Tuple(id String, name String, "
    "arguments String, function Tuple(name String, arguments String))), tool_call_id String))"
)
_DOCUMENTS: Final = "Array(Tuple(id String, content String, score Nullable(Float64)))"
_RAW_DOCUMENTS: Final = (
    "Array(Tuple(id String, content String, page_content String, text String, score Nullable(Float64)))"
)


def quoted(text: str) -> str:
    """A SQL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def literals(texts: Iterable[str]) -> str:
    return ", ".join(map(quoted, texts))


class Readers:
    """Writes the expressions of one dialect table."""

    def __init__(self, table: DialectTable) -> None:
        self._table = table
        self._numbers = {key: number for number, key in enumerate(table.keys(), start=1)}

    # -- keys -----------------------------------------------------------------------------------------------------

    def codes(self, key: str) -> str:
        """The code of the key in the LowCardinality(String) column `key`."""
        names = [name.replace("{i}", "#").replace("{j}", "#") for name in self._numbers]
        numbers = ", ".join(str(number << 32) for number in self._numbers.values())
        template = f"replaceRegexpAll({key}, '\\\\.[0-9]+\\\\b', '.#')"
        first = f"toUInt64(toUInt16OrZero(extract({key}, '\\\\.([0-9]+)\\\\b')))"
        second = f"toUInt64(toUInt16OrZero(extract({key}, '\\\\.[0-9]+\\\\.(?:[^.]+\\\\.)*?([0-9]+)\\\\b')))"
        known = f"toUInt64(transform({template}, [{literals(names)}], [{numbers}], 0))"
        return f"if({known} = 0, 0, {known} + {first} * 65536 + {second})"

    def _number(self, key: str) -> int:
        return self._numbers[key] << 32

    def value(self, key: str) -> str:
        """The text of an attribute, '' when it is absent."""
        return f"v[indexOf(c, {self._number(key)})]"

    def has_any(self, keys: Sequence[str]) -> str:
        return "(" + " OR ".join(f"has(c, {self._number(key)})" for key in keys) + ")"

    # -- what a span is -------------------------------------------------------------------------------------------

    def recognised(self) -> str:
        return self.has_any(list(dict.fromkeys(key for rule in self._table.recognise for key in rule.keys)))

    def dialect(self) -> str:
        cases = ", ".join(f"{self.has_any(rule.keys)}, {quoted(rule.dialect)}" for rule in self._table.recognise)
        return f"multiIf({cases}, '')"

    def kind(self) -> str:
        found = []
        for rule in self._table.kinds:
            if rule.key is not None:
                names, kinds = literals(rule.map), literals(rule.map.values())
                found.append(f"transform({self.value(rule.key)}, [{names}], [{kinds}], '')")
            else:
                found.append(f"if({self.has_any(rule.present)}, {quoted(str(rule.kind))}, '')")
        return _first_of(found)

    def operation_of_kind(self) -> str:
        names = self._table.operations
        return f"transform(kind, [{literals(names)}], [{literals(names.values())}], '')"

    # -- fields ---------------------------------------------------------------------------------------------------

    def field(self, name: str) -> str:
        """The expression of a canonical field: String, or Nullable(number) where the type is one."""
        field = self._table.fields_[name]
        text = _first_of([self._source(source, field) for source in field.sources])
        if field.kinds:
            text = f"if(kind IN ({literals(field.kinds)}), {text}, '')"
        return _typed(text, field.type)

    def _source(self, source: Source, field: CanonicalField) -> str:
        if source.resource is not None:
            text = f"resource_attributes[{quoted(source.resource)}]"
        elif source.event is not None:
            text = self._event(source, field)
        else:
            assert source.key is not None
            value = self.value(source.key)
            if source.contains is not None:
                text = f"if(position({value}, {quoted(source.contains)}) > 0, 'true', '')"
            elif source.path:
                text = _json_text(value, source.path)
            elif source.first:
                text = f"if(startsWith({value}, '['), JSONExtractString({value}, 1), {value})"
            else:
                text = value
            guard = f"position({value}, {quoted(source.if_contains)}) > 0" if source.if_contains else f"{value} != ''"
            if source.path:
                text = f"if({guard}, {text}, '')"
        if field.type == "text":
            text = self.without_absent(text)
        if source.scale != 1.0:
            text = f"toString(toFloat64OrNull({text}) * {source.scale!r})"
            text = f"ifNull({text}, '')"
        if source.kinds:
            text = f"if(kind IN ({literals(source.kinds)}), {text}, '')"
        return text

    def _event(self, source: Source, field: CanonicalField) -> str:
        assert source.event is not None
        found = f"arrayFirst(e -> e.2 = {quoted(source.event)}, events)"
        if source.key is not None:
            text = f"{found}.3[{quoted(source.key)}]"
        elif field.type == "bool":
            text = f"if(has(events.name, {quoted(source.event)}), 'true', '')"
        else:
            since = f"toInt64({found}.1) - toUnixTimestamp64Nano(start_time)"
            text = f"if({found}.1 > 0 AND {since} >= 0, toString(({since}) / 1000000), '')"
        return f"if(empty(events), '', {text})"

    def without_absent(self, text: str) -> str:
        """`text`, or '' when it is a placeholder for hidden content."""
        return f"if({text} IN ({literals(self._table.absent)}), '', {text})" if self._table.absent else text

    # -- messages and documents -----------------------------------------------------------------------------------

    def messages(self, name: str) -> str:
        """Array of (role, content, tool_calls, tool_call_id) from the first source that has any."""
        found = []
        for source in self._table.messages[name]:  # type: ignore[index]  # the three names are checked when it loads
            if isinstance(source, FlatMessages):
                found.append(self._flat_messages(source))
            elif isinstance(source, PartsMessages):
                found.append(self._parts_messages(source))
            else:
                found.append(self._text_messages(source))
        return _first_array(found)

    def _flat_messages(self, source: FlatMessages) -> str:
        numbers = [self._numbers[key] for key in source.keys()]
        here = _between(min(numbers), max(numbers))
        roles, contents, ids = (self._dense(key, "n") for key in (source.role, source.content, source.tool_call_id))
        parts_i, parts_v = self._indices(source.parts), self._values(source.parts)
        joined = (
            f"arrayMap(m -> arrayStringConcat(arrayFilter((t, i) -> i = m AND t != '', {parts_v}, {parts_i}), '\\n'), "
            f"range(n))"
        )
        parts = f"if(empty({parts_i}), arrayWithConstant(n, ''), {joined})"
        names, arguments = self._by_code(source.call_name), self._by_code(source.call_arguments)
        call_ids = self._by_code(source.call_id)
        positions = (
            f"arraySort(arrayDistinct(arrayMap(x -> bitAnd(x, 4294967295), arrayConcat({self._codes_of(source.call_id)}, "
            f"{self._codes_of(source.call_name)}, {self._codes_of(source.call_arguments)}))))"
        )
        calls = (
            f"arrayMap(p -> (bitShiftRight(p, 16), ({call_ids}, {names}, {arguments})::Tuple(id String, name String, "
            f"arguments String)), {positions})"
        )
        calls_of = (
            f"if(empty({positions}), arrayWithConstant(n, []::{_CALLS}), "
            f"arrayMap(m -> arrayMap(y -> y.2, arrayFilter(y -> y.1 = m, {calls})), range(n)))"
        )
        content = self.without_absent("if(t != '', t, p)")
        messages = f"arrayMap((r, t, p, k, d) -> (r, {content}, k, d), {roles}, {contents}, {parts}, {calls_of}, {ids})"
        count = f"arrayMax(arrayMap(x -> if({here}, bitAnd(bitShiftRight(x, 16), 65535) + 1, 0), c))"
        return f"if(NOT arrayExists(x -> {here}, c), []::{_MESSAGES}, {_bind('n', f'toUInt16({count})', messages)}::{_MESSAGES})"

    def _parts_messages(self, source: PartsMessages) -> str:
        value = self.without_absent(self.value(source.key))
        texts = (
            "arrayStringConcat(arrayMap(p -> if(p.content != '', p.content, p.text), "
            "arrayFilter(p -> p.type IN ('text', 'input_text', 'output_text', ''), m.parts)), '\\n')"
        )
        listed = "JSONExtract(m.content, 'Array(Tuple(type String, text String, content String))')"
        listed_texts = f"arrayStringConcat(arrayFilter(t -> t != '', arrayMap(p -> if(p.text != '', p.text, p.content), {listed})), '\\n')"
        content = self.without_absent(
            f"if(notEmpty(m.parts), {texts}, if(startsWith(m.content, '[{{'), {listed_texts}, m.content))"
        )
        calls = (
            "arrayConcat(arrayMap(p -> (p.id, p.name, p.arguments), arrayFilter(p -> p.type = 'tool_call', m.parts)), "
            "arrayMap(t -> (t.id, if(t.name != '', t.name, t.function.name), "
            "if(t.arguments != '', t.arguments, t.function.arguments)), m.tool_calls))"
        )
        answers = "arrayFilter(p -> p.type = 'tool_call_response', m.parts)"
        results = f"arrayMap(p -> ('tool', if(p.response != '', p.response, p.result), []::{_CALLS}, p.id), {answers})"
        message = f"(m.role, {content}, {calls}, m.tool_call_id)"
        full = (
            f"arrayFlatten(arrayMap(m -> arrayConcat(if(notEmpty({answers}) AND {content} = '' AND empty({calls}), "
            f"[]::{_MESSAGES}, [{message}]::{_MESSAGES}), {results}::{_MESSAGES}), j))::{_MESSAGES}"
        )
        simple = f"arrayMap(m -> (m.role, {content}, []::{_CALLS}, m.tool_call_id), j)::{_MESSAGES}"
        parsed = f"JSONExtract(if(startsWith({value}, '{{'), concat('[', {value}, ']'), {value}), '{_PARTS}')"
        shaped = f"if(position({value}, 'tool_call') > 0, {full}, {simple})"
        other = f"[('', {value}, []::{_CALLS}, '')]::{_MESSAGES}"
        either = f"if(empty(j) AND {value} NOT IN ('[]', '{{}}'), {other}, {shaped})"
        return f"if({value} = '', []::{_MESSAGES}, {_bind('j', parsed, either)})"

    def _text_messages(self, source: TextMessages) -> str:
        texts = self._values_sorted(source.key)
        return f"arrayMap(t -> ('user', {self.without_absent('t')}, []::{_CALLS}, ''), {texts})::{_MESSAGES}"

    def documents(self) -> str:
        """Array of (id, content, score); what a source leaves out is filled from the next."""
        merged = ""
        for source in self._table.documents:
            found = self._flat_documents(source) if isinstance(source, FlatDocuments) else self._json_documents(source)
            merged = _filled(merged, found) if merged else found
        return f"if(kind IN ('retrieval', 'reranker'), {merged}, []::{_DOCUMENTS})"

    def _flat_documents(self, source: FlatDocuments) -> str:
        numbers = [self._numbers[key] for key in source.keys()]
        here = _between(min(numbers), max(numbers))
        ids, contents, scores = (self._dense(key, "n") for key in source.keys())
        rows = (
            f"arrayMap((i, t, s) -> (i, {self.without_absent('t')}, toFloat64OrNull(s)), {ids}, {contents}, {scores})"
        )
        count = f"arrayMax(arrayMap(x -> if({here}, bitAnd(bitShiftRight(x, 16), 65535) + 1, 0), c))"
        return f"{_bind('n', f'toUInt16({count})', rows)}::{_DOCUMENTS}"

    def _json_documents(self, source: JsonDocuments) -> str:
        value = self.value(source.key)
        place = "".join(f", {_step(step)}" for step in source.path)
        content = "multiIf(d.content != '', d.content, d.page_content != '', d.page_content, d.text)"
        rows = (
            f"arrayMap(d -> (d.id, {self.without_absent(content)}, d.score), "
            f"JSONExtract({value}{place}, '{_RAW_DOCUMENTS}'))::{_DOCUMENTS}"
        )
        guard = f"position({value}, {quoted(source.if_contains)}) > 0" if source.if_contains else f"{value} != ''"
        return f"if({guard}, {rows}, []::{_DOCUMENTS})"

    # -- indexed keys ---------------------------------------------------------------------------------------------

    def _codes_of(self, key: str) -> str:
        return f"arrayFilter(x -> {_between(self._numbers[key], self._numbers[key])}, c)"

    def _values(self, key: str) -> str:
        return f"arrayFilter((t, x) -> {_between(self._numbers[key], self._numbers[key])}, v, c)"

    def _indices(self, key: str) -> str:
        return f"arrayMap(x -> bitAnd(bitShiftRight(x, 16), 65535), {self._codes_of(key)})"

    def _values_sorted(self, key: str) -> str:
        return f"arraySort((t, x) -> x, {self._values(key)}, {self._codes_of(key)})"

    def _by_code(self, key: str) -> str:
        return f"v[indexOf(c, {self._number(key)} + p)]"

    def _dense(self, key: str, count: str) -> str:
        """The values of an indexed key for {i} from 0 to count - 1, '' where there is none. Copies each value once."""
        values, indices = self._values(key), self._indices(key)
        missing = f"arrayFilter(m -> NOT has({indices}, m), arrayMap(m -> toUInt64(m), range({count})))"
        return (
            f"arraySort((t, i) -> i, arrayConcat({values}, arrayWithConstant(length({missing}), '')), "
            f"arrayConcat({indices}, {missing}))"
        )


def _first_of(texts: Sequence[str]) -> str:
    *others, last = texts
    for text in reversed(others):
        last = f"if({text} != '', {text}, {last})"
    return last


def _first_array(arrays: Sequence[str]) -> str:
    *others, last = arrays
    for array in reversed(others):
        last = f"if(notEmpty({array}), {array}, {last})"
    return last


def _filled(first: str, second: str) -> str:
    rows = (
        "arrayMap((x, k) -> (if(x.1 != '', x.1, b[k].1), if(x.2 != '', x.2, b[k].2), "
        "if(isNull(x.3), b[k].3, x.3)), a, arrayEnumerate(a))"
    )
    either = f"multiIf(empty(a), b, empty(b), a, {rows}::{_DOCUMENTS})"
    return _bind("a", first, _bind("b", second, either))


def _bind(name: str, value: str, body: str) -> str:
    """`body` with `name` bound to the value of `value`."""
    return f"arrayMap({name} -> {body}, [{value}])[1]"


def _between(first: int, last: int) -> str:
    return f"(x >= {first << 32} AND x < {(last + 1) << 32})"


def _step(step: str | int) -> str:
    return str(step) if isinstance(step, int) else quoted(step)


def _json_text(value: str, path: Sequence[str | int]) -> str:
    return f"JSONExtract({value}, {', '.join(map(_step, path))}, 'String')"


def _typed(text: str, kind: str) -> str:
    match kind:
        case "lower":
            return f"lower({text})"
        case "int":
            return f"accurateCastOrNull(round(toFloat64OrNull({text})), 'UInt64')"
        case "double":
            number = f"toFloat64OrNull({text})"
            return f"if(isFinite({number}), {number}, NULL)"
        case "bool":
            return f"transform(lower({text}), ['true', '1', 'false', '0'], [1, 1, 0, 0]::Array(Nullable(UInt8)), NULL)"
        case _:
            return text
