"""The SQL that derives generations from spans: the dialect table's expressions put into sql/generations.sql."""

import hashlib
from string import Template
from typing import Final

from driftline_collector import conversation
from driftline_collector.codes import Codes
from driftline_collector.mapping import FIELDS, DialectTable
from driftline_collector.presence import Presence, cut_down
from driftline_collector.readers import Readers
from driftline_collector.schemas import query_text
from driftline_collector.sql_text import listed, quoted

_RENAMED: Final = {
    "operation": "reported_operation",
    "provider": "reported_provider",
    "input_tokens": "reported_input_tokens",
    "output_tokens": "reported_output_tokens",
    "error_type": "reported_error_type",
    "http_status_code": "reported_status_code",
}
_INNER: Final = ("tags", "metadata_json")  # read as lists and maps instead

_CARRIED: Final = (
    "project", "service", "start_time", "trace_id", "span_id", "parent_span_id", "name", "scope_name", "kind",
    "received_at", "status_message", "dialect", "duration_ms", "is_error", "tags", "metadata", "document_lists",
)  # fmt: skip
"""What every stage hands on beside the fields: by name, since `*` would hand on columns of a hundred members, and each name that the
engine resolves is looked for among all of them."""

_SETTLED: Final = (
    "operation", "provider", "error_message", "named_error", "named_status_code", "is_usage_unknown",
    "added_tokens", "added_output_tokens", "is_estimating",
)  # fmt: skip

_INDEXED: Final = """,
                -- Most spans have no indexed key: for them the costly part runs over empty arrays.
                arrayExists(k -> position(k, '.0.') > 0, keys) AS has_indexed,
                if(has_indexed, v, []) AS indexed_v,
                arrayMap(k -> toUInt64($codes), if(has_indexed, keys, [])) AS indexed_codes,
                arrayFilter(x -> x > 0, indexed_codes) AS unsorted,
                arraySort(unsorted) AS indexed,
                arraySort((t, x) -> x, arrayFilter((t, x) -> x > 0, indexed_v, indexed_codes), unsorted) AS indexed_texts,
                arrayMap(x -> bitShiftRight(x, 32), indexed) AS item_slots,
                arrayMap(x -> bitAnd(x, 4294967295), indexed) AS item_parts,
                arrayMap((a, b) -> a != b, item_slots, arrayPopBack(arrayPushFront(item_slots, 0))) AS is_first_part"""
_ITEMS: Final = """arrayMap((slot, xs, parts) -> (
                    bitShiftRight(slot, 24), xs[indexOf(parts, 0)], $content,
                    if(parts[-1] < 4 * 65536, [],
                       arrayMap(j -> (xs[indexOf(parts, 4 * 65536 + j)], xs[indexOf(parts, 5 * 65536 + j)],
                                      xs[indexOf(parts, 6 * 65536 + j)]),
                                arraySort(arrayDistinct(arrayMap(p -> bitAnd(p, 65535), arrayFilter(p -> p >= 4 * 65536, parts)))))),
                    xs[indexOf(parts, 2 * 65536)]),
                arrayFilter((slot, is_first) -> is_first, item_slots, is_first_part),
                arraySplit((x, is_first) -> is_first, indexed_texts, is_first_part),
                arraySplit((p, is_first) -> is_first, item_parts, is_first_part))"""
_ITEM_TEXT: Final = (
    f"if(xs[indexOf(parts, 65536)] != '', {conversation.blocks('xs[indexOf(parts, 65536)]')}, arrayStringConcat("
    "arrayFilter((x, p) -> p >= 3 * 65536 AND p < 4 * 65536 AND x != '', xs, parts), '\\n'))"
)

COLUMNS: Final = (
    "project", "service", "start_time", "trace_id", "span_id", "parent_span_id", "name", "kind", "dialect",
    "scope_name", "duration_ms", "environment", "release", "operation", "provider", "request_model",
    "response_model", "response_id", "prompt_name", "prompt_version", "prompt_template", "prompt_variables",
    "session_id", "user_id", "agent_name", "workflow_name", "is_error", "error_type", "error_message",
    "http_status_code", "finish_reason", "temperature", "top_p", "top_k", "frequency_penalty",
    "presence_penalty", "max_tokens", "seed", "stop_sequences", "choice_count", "is_stream",
    "time_to_first_token_ms", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
    "reasoning_tokens", "input_audio_tokens", "output_audio_tokens", "is_usage_estimated", "reported_cost_usd",
    "embedding_dimensions", "system_prompt", "prompt", "completion", "input_messages", "output_messages",
    "documents", "tool_name", "tool_call_id", "tool_arguments", "tool_result", "tool_definitions", "tags",
    "metadata", "is_truncated", "received_at", "derived_at", "mapping",
)  # fmt: skip
"""Columns of `generations`, in the order of sql/generations.sql."""


class Derivation:
    """One dialect table's SQL. fingerprint: changes whenever what it derives may change; stands in every row's `mapping`."""

    def __init__(self, table: DialectTable) -> None:
        self.table = table
        self._written: dict[str, str] = {}
        whole = _generations(table)
        self.fingerprint = hashlib.sha256(whole.encode()).hexdigest()[:12]

    def generations(self, presence: Presence) -> str | None:
        """The SELECT for a batch, `$spans` and `$derived_at` left to fill; None when no span of it can be a GenAI operation."""
        table = cut_down(self.table, presence)
        if not any(rule.keys for rule in table.recognise):
            return None
        key = repr(table)
        written = self._written.get(key)
        if written is None:
            if len(self._written) > 64:
                self._written.clear()
            written = self._written[key] = _generations(table)
        return Template(written).safe_substitute(mapping=quoted(self.fingerprint))


def _generations(table: DialectTable) -> str:
    codes = Codes(table)
    readers = Readers(table, codes)
    content = readers.content
    names = [name for name in FIELDS if name not in _INNER]
    raw = ",\n".join(f"{readers.raw(name)} AS r_{name}" for name in FIELDS)
    typed = ",\n".join(f"{readers.typed(name, f'r_{name}')} AS {_RENAMED.get(name, name)}" for name in names)
    indexed = Template(_INDEXED).substitute(codes=codes.indexed_key_codes("k")) if codes.has_indexed else ""
    items = (
        Template(_ITEMS).substitute(content=content.without_absent(_ITEM_TEXT))
        if codes.has_indexed
        else f"[]::Array(Tuple(UInt64, String, String, {conversation.CALLS}, String))"
    )
    carried = ", ".join((*_CARRIED, *(_RENAMED.get(name, name) for name in names)))
    return Template(query_text("generations.sql")).safe_substitute(
        carried=carried,
        settled=", ".join(_SETTLED),
        operation_of_kind=readers.operation_of_kind(),
        provider_of_model=readers.provider_of_model(),
        is_uncached_input=readers.is_uncached_input(),
        is_estimating=readers.is_estimating(),
        messages_type=conversation.MESSAGES,
        calls_type=conversation.CALLS,
        parsed_type=_literal(conversation.NESTED if content.is_nested else conversation.PARSED),
        parts_type=_literal(conversation.PARTS),
        wrapped_type=_literal(conversation.WRAPPED),
        input_messages=content.messages("input_messages"),
        output_messages=content.messages("output_messages"),
        has_flat_output=content.has_flat("output_messages"),
        role_names=listed(conversation.ROLES),
        role_values=listed(conversation.ROLES.values()),
        role_types=listed(("system", "user", "assistant", "tool", *conversation.ROLES)),
        content=content.without_absent(conversation.content()),
        calls=conversation.calls(),
        answers=conversation.answers(),
        bodies=conversation.bodies("ms", is_nested=content.is_nested),
        single=conversation.strings("text"),
        nullable=_literal(conversation.NULLABLE),
        unwrapped=conversation.unwrapped("t", "o"),
        slots="".join(f",\n{line}" for line in codes.slots()),
        json_columns="".join(f",\n{line}" for line in readers.json.columns(codes.slot)),
        events_columns="".join(f",\n{line}" for line in content.events_columns()),
        kind=readers.kind(),
        dialect=readers.dialect(),
        raw=raw,
        typed=typed,
        input_text=content.text("input_messages"),
        output_text=content.text("output_messages"),
        system_text=content.text("system_messages"),
        tag_list=readers.tag_list(),
        metadata=readers.metadata(),
        document_lists=content.document_lists(),
        items=items,
        indexed=indexed,
        key_codes=codes.key_codes("k"),
        recognised=readers.recognised(),
    )


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
