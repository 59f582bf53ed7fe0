"""How OTLP becomes rows inside the engine: the protobuf schema, the table it is inserted into and the views behind it.

An INSERT of frames (varint length + Envelope each) into `otlp_traces` with `INSERT_SETTINGS` is all that ingest does:

    client.raw_insert("otlp_traces", column_names=INSERT_COLUMNS, insert_block=frames, fmt="Protobuf",
                      settings={**INSERT_SETTINGS, "insert_deduplication_token": token})
"""

import hashlib
from importlib.resources import files
from string import Template
from typing import Final

from driftline_collector import anyvalue
from driftline_core.log import get_logger
from driftline_core.store import Store

_LOG = get_logger("collector.views")
_SQL = files("driftline_collector") / "sql"


def _template(name: str, **values: object) -> str:
    return Template((_SQL / name).read_text(encoding="utf-8")).substitute(
        {key: str(value) for key, value in values.items()}
    )


PROTO: Final = (
    'syntax = "proto3";\n'
    + anyvalue.messages(anyvalue.SPAN_DEPTH)
    + _template("otlp_traces.proto", span_depth=anyvalue.SPAN_DEPTH, plain_depth=anyvalue.PLAIN_DEPTH)
)
"""The inline schema. Envelope: project, received_at (unix nanoseconds), and the request's bytes as field 3."""

TABLE: Final = "otlp_traces"
"""Where the loader inserts; engine Null, it keeps nothing."""

INSERT_COLUMNS: Final = ("project", "received_at", "request")

INSERT_SETTINGS: Final[dict[str, str]] = {
    "format_schema_source": "string",
    "format_schema": PROTO,
    "format_schema_message_name": "Envelope",
    # 0, false and "" are values: the oneof's Enum8 column says that they were set.
    "input_format_protobuf_oneof_presence": "1",
    # The same frames under the same insert_deduplication_token are stored once, in every table behind the views.
    "insert_deduplicate": "1",
    "deduplicate_blocks_in_dependent_materialized_views": "1",
    # One INSERT is one block, so that a failed one leaves nothing behind; an imported history may fill many weeks.
    "max_insert_threads": "1",
    "max_insert_block_size": "1000000000",
    "max_block_size": "1000000000",
    "min_insert_block_size_rows": "1000000000",
    "min_insert_block_size_bytes": "0",
    "max_partitions_per_insert_block": "0",
    "materialized_views_ignore_errors": "0",
    # Compiling these expressions costs more than a second whenever a view is new, and they run no faster.
    "compile_expressions": "0",
    # Rows that come twice within a block are left to merges and FINAL: replacing them here copies every column once more.
    "optimize_on_insert": "0",
}
"""Settings of the INSERT; the loader adds `insert_deduplication_token`."""


_INSTALLED: Final = """
SELECT name, comment FROM system.tables WHERE database = currentDatabase() AND name IN {names:Array(String)}
"""


def spans_sql() -> str:
    """The SELECT of the view otlp_traces -> spans."""
    plain = anyvalue.PLAIN_DEPTH
    return _template(
        "spans_view.sql",
        span_attributes=anyvalue.attributes_map("(span).attributes", anyvalue.SPAN_DEPTH),
        event_attributes=anyvalue.attributes_map("(e).attributes", plain),
        link_attributes=anyvalue.attributes_map("(l).attributes", plain),
        scope_attributes=anyvalue.attributes_map("(scope_spans).scope.attributes", plain),
        resource_attributes=anyvalue.attributes_map("(resource_spans).resource.attributes", plain),
    )


def table_sql(fingerprint: str) -> str:
    """The CREATE statement of otlp_traces with the fingerprint in its comment."""
    return _template(
        "otlp_traces.sql",
        attributes=anyvalue.attributes_type(anyvalue.SPAN_DEPTH),
        plain_attributes=anyvalue.attributes_type(anyvalue.PLAIN_DEPTH),
        fingerprint=fingerprint,
    )


def ensure_ingest(store: Store) -> bool:
    """Create otlp_traces and the view behind it, or rebuild them when what they should be has changed.

    Returns True when something was built. Safe to repeat. An insert that meets a rebuild fails and is to be retried:
    the table is dropped before its views and refuses every insert until they stand again. Raises StoreError.
    """
    views = {"spans_view": ("spans", spans_sql())}
    fingerprint = _fingerprint(PROTO, table_sql(""), *(sql for _, sql in views.values()))
    installed = {row["name"]: row["comment"] for row in store.rows(_INSTALLED, {"names": [TABLE, *views]})}
    if all(installed.get(name) == fingerprint for name in (TABLE, *views)):
        return False
    for name in (TABLE, *reversed(views), "generations_view"):  # the last: of 0.1.0's first databases
        store.command(f"DROP TABLE IF EXISTS {name} SYNC")
    store.command(table_sql(fingerprint))
    for name, (target, sql) in reversed(views.items()):
        store.command(f"CREATE MATERIALIZED VIEW {name} TO {target} AS {sql} COMMENT '{fingerprint}'")
    store.command(f"ALTER TABLE {TABLE} DROP COLUMN building")
    _LOG.info("ingest views built", fingerprint=fingerprint, rebuilt=bool(installed))
    return True


def _fingerprint(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
