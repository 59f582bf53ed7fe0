"""The dialect table as SQL: what a span is and the text and value of each canonical field, for sql/generations.sql."""

from typing import Final

from driftline_collector.codes import Codes
from driftline_collector.content import Content
from driftline_collector.conversation import plain
from driftline_collector.json_columns import JsonColumns
from driftline_collector.mapping import CanonicalField, DialectTable, KindRule, Source
from driftline_collector.sql_text import first_of, listed, quoted, unquoted


class Readers:
    """Writes the expressions of one dialect table, whole or cut down. json, content: of the same table."""

    def __init__(self, table: DialectTable, codes: Codes) -> None:
        self._table = table
        self._codes = codes
        self.json = JsonColumns(table)
        self.content = Content(table, codes, self.json)

    # -- what a span is -------------------------------------------------------------------------------------------

    def recognised(self) -> str:
        return self._codes.has_any(dict.fromkeys(key for rule in self._table.recognise for key in rule.keys), "c")

    def dialect(self) -> str:
        scopes = [
            f"startsWith(scope_name, {quoted(scope)}), {quoted(rule.dialect)}"
            for rule in self._table.recognise
            for scope in rule.scopes
        ]
        keys = [
            f"{self._codes.has_any(rule.keys, 'known')}, {quoted(rule.dialect)}"
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
                found.append(f"if({self._codes.has_any(rule.present, 'known')}, {quoted(str(rule.kind))}, '')")
            elif rule.ends:
                cases = (
                    f"endsWith({self._codes.slot(rule.key)}, {quoted(end)}), {quoted(kind)}"
                    for end, kind in rule.ends.items()
                )
                found.append(f"multiIf({', '.join(cases)}, '')")
            else:
                text = unquoted(self._codes.slot(rule.key)) if rule.quoted else self._codes.slot(rule.key)
                kind = f"transform({text}, [{listed(rule.map)}], [{listed(rule.map.values())}], '')"
                found.append(self._witnessed(kind, rule))
        return first_of(found) if found else "''"

    def _witnessed(self, kind: str, rule: KindRule) -> str:
        """`kind`, but chain in place of llm when the span has none of the keys that a call has, and did not fail."""
        if rule.llm_has is None:
            return kind
        seen = ["status_code = 2", *map(self._codes.has, rule.llm_has)]
        return f"if({kind} = 'llm' AND NOT ({' OR '.join(seen)}), 'chain', {kind})"

    def operation_of_kind(self) -> str:
        names = self._table.operations
        return f"transform(kind, [{listed(names)}], [{listed(names.values())}], '')"

    def provider_of_model(self) -> str:
        model = "lower(if(request_model != '', request_model, response_model))"
        cases = (
            f"startsWith({model}, {quoted(start)}), {quoted(name)}" for start, name in self._table.providers.items()
        )
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
        text = self._place(source, field)
        if source.before is not None:
            place = f"position({text}, {quoted(source.before)})"
            text = f"if({place} > 0, substring({text}, 1, {place} - 1), '')"
        if field.type in ("text", "result"):
            text = self.content.without_absent(text)
        if field.ignore:
            text = f"if({text} IN ({listed(field.ignore)}), '', {text})"
        if source.scale != 1.0:
            text = f"ifNull(toString(toFloat64OrNull({text}) * {source.scale!r}), '')"
        if source.kinds:
            text = f"if(kind IN ({listed(source.kinds)}), {text}, '')"
        if source.dialects:
            text = f"if(dialect IN ({listed(source.dialects)}), {text}, '')"
        return text

    def _place(self, source: Source, field: CanonicalField) -> str:
        if source.resource is not None:
            return f"resource_attributes[{quoted(source.resource)}]"
        if source.event is not None:
            return _event(source, field)
        if source.output is not None:
            messages = f"JSONExtract({self.content.text('output_messages')}, 'Array(Tuple({source.output} String))')"
            return f"arrayFirst(t -> t != '', {messages}.1)"
        assert source.key is not None
        text = self._codes.slot(source.key)
        if source.path:
            return self.json.value(text, source.key, source.path)
        if source.first:
            return f"if(startsWith({text}, '['), JSONExtractString({text}, 1), {text})"
        return unquoted(text) if source.quoted else _told(source, text)

    # -- labels ---------------------------------------------------------------------------------------------------

    def tag_list(self) -> str:
        """Array(String) of a JSON array, or of words with commas between."""
        text = "r_tags"
        words = f"arrayMap(t -> trimBoth(t), splitByChar(',', {text}))"
        return f"arrayFilter(t -> t != '', if(startsWith({text}, '['), JSONExtract({text}, 'Array(String)'), {words}))"

    def metadata(self) -> str:
        """Map(String, String) of the labels that the app gave: keys with a prefix, and the members of one JSON object."""
        labels = (
            [f"JSONExtractKeysAndValues({self.raw('metadata_json')}, 'String')"]
            if self._table.fields_["metadata_json"].sources
            else []
        )
        if self._table.metadata.prefixes:
            pattern = "|".join(prefix.replace(".", "\\\\.") for prefix in self._table.metadata.prefixes)
            names = f"arrayMap(k -> if(match(k, '^({pattern})'), replaceRegexpOne(k, '^({pattern})', ''), ''), keys)"
            pairs = f"arrayMap((n, t) -> (toString(n), {unquoted('t')}), {names}, v)"
            labels.append(f"arrayFilter(p -> (p).1 != '', {pairs})")
        return f"arrayConcat({', '.join(labels)})::Map(String, String)" if labels else "map()::Map(String, String)"


def _told(source: Source, text: str) -> str:
    """The attribute's text, or what the table says that it means."""
    if source.contains is not None:
        return f"if(position({text}, {quoted(source.contains)}) > 0, 'true', '')"
    if source.value is not None:
        return f"if({text} != '', {quoted(source.value)}, '')"
    if source.starts:
        cases = (f"startsWith({text}, {quoted(start)}), {quoted(value)}" for start, value in source.starts.items())
        return f"multiIf({', '.join(cases)}, '')"
    return text


def _event(source: Source, field: CanonicalField) -> str:
    assert source.event is not None
    found = f"arrayFirst(e -> (e).2 = {quoted(source.event)}, events)"
    if source.key is not None:
        return f"{found}.3[{quoted(source.key)}]"
    if field.type == "bool":
        return f"if(has(events.name, {quoted(source.event)}), 'true', '')"
    since = f"(toInt64({found}.1) - toUnixTimestamp64Nano(start_time))"
    return f"if(has(events.name, {quoted(source.event)}) AND {since} >= 0, toString({since} / 1000000), '')"


_TYPED: Final = {
    "lower": "lower({0})",
    "int": "accurateCastOrNull(round(toFloat64OrNull({0})), 'UInt64')",
    "signed": "toInt64OrNull({0})",
    "double": "arrayFirst(x -> ifNull(isFinite(x), 0), [toFloat64OrNull({0}), NULL])",
    "bool": "transform(lower({0}), ['true', '1', 'false', '0'], [1, 1, 0, 0]::Array(Nullable(UInt8)), NULL)",
}


def _typed(text: str, kind: str) -> str:
    if kind in ("text", "result") and text != "''":
        return unquoted(text) if kind == "text" else plain(text)
    return _TYPED.get(kind, "{0}").format(text)
