"""How OTLP becomes rows inside the engine: the views behind each signal's Null table (driftline_collector.schemas).

An INSERT of frames (varint length + Envelope each) is all that ingest does:

    client.raw_insert("otlp_traces", column_names=INSERT_COLUMNS, insert_block=frames, fmt="Protobuf",
                      settings=insert_settings(store, schema) | {"insert_deduplication_token": token})
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from driftline_collector import anyvalue, points
from driftline_collector.mapping import FIELDS, DialectTable, load_table
from driftline_collector.readers import MESSAGES, PARSED, Readers
from driftline_collector.schemas import SCHEMAS, Schema, template
from driftline_core.log import get_logger
from driftline_core.store import Store

_LOG = get_logger("collector.views")
_INSTALLED: Final = """
SELECT name, comment FROM system.tables WHERE database = currentDatabase() AND name IN {names:Array(String)}
"""


def spans_sql() -> str:
    """The SELECT of the view otlp_traces -> spans."""
    plain = anyvalue.PLAIN_DEPTH
    return template(
        "spans_view.sql",
        item_attributes=anyvalue.attributes_map("(span).attributes", anyvalue.SPAN_DEPTH),
        event_attributes=anyvalue.attributes_map("(e).attributes", plain),
        link_attributes=anyvalue.attributes_map("(l).attributes", plain),
        **_around("spans"),
    )


def logs_sql() -> str:
    """The SELECT of the view otlp_logs -> logs."""
    return template(
        "logs_view.sql",
        item_attributes=anyvalue.attributes_map("(record).attributes", anyvalue.LOG_DEPTH),
        item_body=anyvalue.text("((record).body)", anyvalue.LOG_DEPTH),
        **_around("logs"),
    )


def metric_points_sql() -> str:
    """The SELECT of the view otlp_metrics -> metric_points."""
    return template(
        "metric_points_view.sql",
        points=points.points(),
        point_attributes=anyvalue.attributes_map("point.4", anyvalue.PLAIN_DEPTH),
        exemplars=points.exemplars("point.22"),
        **_around("metrics"),
    )


def _around(items: str) -> dict[str, str]:
    """SQL of the attributes of scopes and resources."""
    plain = anyvalue.PLAIN_DEPTH
    return {
        "scope_attributes": anyvalue.attributes_map(f"(scope_{items}).scope.attributes", plain),
        "resource_attributes": anyvalue.attributes_map(f"(resource_{items}).resource.attributes", plain),
    }


def generations_sql(table: DialectTable) -> str:
    """The SELECT of the view spans -> generations, generated from the dialect table."""
    readers = Readers(table)
    texts = "arrayFilter(p -> p.type IN ('text', 'input_text', 'output_text', ''), m.parts)"
    listed = "JSONExtract(m.content, 'Array(Tuple(text String, content String))')"
    content = (
        "multiIf(notEmpty(m.parts), "
        f"arrayStringConcat(arrayMap(p -> if(p.content != '', p.content, p.text), {texts}), '\\n'), "
        f"startsWith(m.content, '[{{'), "
        f"arrayStringConcat(arrayMap(p -> if(p.text != '', p.text, p.content), {listed}), '\\n'), m.content)"
    )
    item = (
        "if(xs[indexOf(parts, 65536)] != '', xs[indexOf(parts, 65536)], arrayStringConcat("
        "arrayFilter((x, p) -> p >= 3 * 65536 AND p < 4 * 65536 AND x != '', xs, parts), '\\n'))"
    )
    return template(
        "generations_view.sql",
        **{name: readers.field(name) for name in FIELDS},
        **{name: readers.messages(name) for name in table.messages},
        document_lists=readers.document_lists(),
        operation_of_kind=readers.operation_of_kind(),
        kind=readers.kind(),
        dialect=readers.dialect(),
        key_codes=readers.key_codes("k"),
        indexed_key_codes=readers.indexed_key_codes("k"),
        recognised=readers.recognised(),
        slots=readers.slots(),
        json_columns=readers.json_columns(),
        parsed_texts=readers.parsed_texts(),
        parsed_type=PARSED,
        messages_type=MESSAGES,
        message_content=readers.without_absent(content),
        item_content=readers.without_absent(item),
    )


def ensure_ingest(store: Store, table: DialectTable | None = None) -> bool:
    """Create each signal's Null table and the views behind it, or rebuild them when what they should be has changed.

    Returns True when something was built. Safe to repeat. An insert that meets a rebuild fails and is to be retried:
    the table is dropped before its views and refuses every insert until they stand again. `table`: the shipped dialect
    table by default. Raises StoreError, ConfigError.
    """
    table = table if table is not None else load_table()
    views = {
        "traces": {"spans_view": ("spans", spans_sql()), "generations_view": ("generations", generations_sql(table))},
        "logs": {"logs_view": ("logs", logs_sql())},
        "metrics": {"metric_points_view": ("metric_points", metric_points_sql())},
    }
    built = [_ensure(store, schema, views[signal]) for signal, schema in SCHEMAS.items()]
    return any(built)


def _ensure(store: Store, schema: Schema, views: Mapping[str, tuple[str, str]]) -> bool:
    """One signal's table, the views (name: target, SELECT) and the ledger's view; True when they were built."""
    views = {**views, f"{schema.signal}_ledger_view": ("ingest_ledger", schema.ledger_sql())}
    fingerprint = _fingerprint(schema.proto, schema.table_sql(""), *(sql for _, sql in views.values()))
    installed = {row["name"]: row["comment"] for row in store.rows(_INSTALLED, {"names": [schema.table, *views]})}
    if all(installed.get(name) == fingerprint for name in (schema.table, *views)):
        return False
    for name in (schema.table, *reversed(views)):
        store.command(f"DROP TABLE IF EXISTS {name} SYNC")
    store.command(schema.table_sql(fingerprint))
    for name, (target, sql) in reversed(views.items()):
        store.command(f"CREATE MATERIALIZED VIEW {name} TO {target} AS {sql} COMMENT '{fingerprint}'")
    store.command(f"ALTER TABLE {schema.table} DROP COLUMN building")
    _LOG.info("ingest views built", signal=schema.signal, fingerprint=fingerprint, rebuilt=bool(installed))
    return True


def _fingerprint(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
