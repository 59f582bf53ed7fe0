"""What the engine knows of each signal: its protobuf schema, the Null table that it is inserted into and the ledger's view of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Final

from driftline_collector import anyvalue, points

_SQL: Final = files("driftline_collector") / "sql"


def template(name: str, **values: object) -> str:
    """A file of sql/ with its generated parts filled in."""
    return Template((_SQL / name).read_text(encoding="utf-8")).substitute(
        {key: str(value) for key, value in values.items()}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """One signal. proto: the schema of its Envelope; table: where the loader inserts, engine Null, it keeps nothing.

    item_depth: nesting of an item's attributes that becomes JSON. n_decoded: SQL that counts the items of one request.
    """

    signal: str
    item_depth: int
    n_decoded: str

    @property
    def table(self) -> str:
        return f"otlp_{self.signal}"

    @property
    def proto(self) -> str:
        text = template(f"otlp_{self.signal}.proto", item_depth=self.item_depth, plain_depth=anyvalue.PLAIN_DEPTH)
        return 'syntax = "proto3";\n' + anyvalue.messages(max(self.item_depth, anyvalue.PLAIN_DEPTH)) + text

    def table_sql(self, fingerprint: str) -> str:
        """The CREATE statement of the table with the fingerprint in its comment."""
        plain = {
            "plain_attributes": anyvalue.attributes_type(anyvalue.PLAIN_DEPTH),
            "exemplars": points.exemplars_type(),
        }
        return template(
            f"otlp_{self.signal}.sql",
            **plain,
            item_attributes=anyvalue.attributes_type(self.item_depth),
            item_value=anyvalue.column_type(self.item_depth),
            number_points=Template(points.NUMBER_POINTS).substitute(plain),
            fingerprint=fingerprint,
        )

    def ledger_sql(self) -> str:
        """The SELECT of the view <table> -> ingest_ledger."""
        return template("ledger_view.sql", signal=self.signal, table=self.table, n_decoded=self.n_decoded)


def _n_items(resources: str, scopes: str, n_items: str) -> str:
    return f"arraySum(r -> arraySum(s -> {n_items}, (r).{scopes}), (request).{resources})"


SCHEMAS: Final[Mapping[str, Schema]] = {
    "traces": Schema(
        signal="traces",
        item_depth=anyvalue.SPAN_DEPTH,
        n_decoded=_n_items("resource_spans", "scope_spans", "length((s).spans)"),
    ),
    "logs": Schema(
        signal="logs",
        item_depth=anyvalue.LOG_DEPTH,
        n_decoded=_n_items("resource_logs", "scope_logs", "length((s).log_records)"),
    ),
    "metrics": Schema(
        signal="metrics",
        item_depth=anyvalue.PLAIN_DEPTH,
        n_decoded=_n_items("resource_metrics", "scope_metrics", points.n_points("(s).metrics")),
    ),
}

INSERT_COLUMNS: Final = ("project", "received_at", "n_items", "seal", "request")

INSERT_SETTINGS: Final[dict[str, str]] = {
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
"""Settings of the INSERT; the loader adds the schema (`insert_settings`) and `insert_deduplication_token`."""
