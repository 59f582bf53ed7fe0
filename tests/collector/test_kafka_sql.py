"""deploy/kafka: the statements go through the engine, and what comes through them is what comes through the loader."""

import re
import runpy
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.recordings import load_recordings
from driftline_collector.deriver import Deriver
from driftline_collector.insert import insert_settings
from driftline_collector.mapping import load_table
from driftline_collector.schemas import SCHEMAS
from driftline_core.store import Store

_FOLDER = Path(__file__).parents[2] / "deploy/kafka"
_RECORDINGS = Path(__file__).parent / "recordings"
_KAFKA = re.compile(r"\)\s*ENGINE = Kafka.*?;\n", re.DOTALL)
# What a Kafka table has by itself and a Null table has not.
_VIRTUAL = """, _topic String DEFAULT 'otlp_spans', _partition UInt64, _offset UInt64, _timestamp_ms Nullable(DateTime64(3)),
`_headers.name` Array(String), `_headers.value` Array(String), _error String, _raw_message String) ENGINE = Null;
"""


@pytest.fixture(scope="module")
def sql() -> str:
    made = runpy.run_path(str(_FOLDER / "traces_sql.py"))
    text: str = made["kafka_sql"](brokers="127.0.0.1:9092", topic="otlp_spans", group="driftline", project="shop")
    return text


def _statements(sql: str) -> Iterator[str]:
    for statement in re.split(r";\n", sql):
        text = "\n".join(line for line in statement.splitlines() if not line.startswith("--")).strip()
        if text:
            yield text


def test_every_statement_is_read_by_the_engine(store: Store, sql: str) -> None:
    statements = list(_statements(sql))
    assert len(statements) == 4
    for statement in statements:
        assert store.scalar("SELECT formatQuery({sql:String}) != ''", {"sql": statement}) == 1


def test_a_message_goes_through_the_views_once_into_the_ledger(store: Store, sql: str) -> None:
    for statement in _statements(_KAFKA.sub(lambda _: _VIRTUAL, sql, count=1)):
        store.command(statement)
    settings = insert_settings(store, SCHEMAS["traces"]) | {"format_schema_message_name": "Request"}
    [recording] = [one for one in load_recordings(_RECORDINGS) if one.group == "genai-openai-chat"]
    [message] = recording.bodies["traces"]
    for n_deliveries in (1, 2):
        store.client.raw_insert(
            "kafka_otlp_traces",
            column_names=["resource_spans"],
            insert_block=message,
            fmt="ProtobufSingle",
            settings=settings | {"insert_deduplication_token": f"delivery-{n_deliveries}"},
        )
    assert store.rows("SELECT project, count() AS n FROM spans FINAL GROUP BY project") == [{"project": "shop", "n": 1}]
    assert store.rows("SELECT project, n_stored, n_acknowledged FROM ingest_ledger FINAL") == [
        {"project": "shop", "n_stored": 1, "n_acknowledged": 1}
    ]
    assert store.scalar("SELECT count() FROM kafka_refused") == 0
    assert store.scalar("SELECT count() FROM generations") == 0
    everything = {"start": datetime(2000, 1, 1, tzinfo=UTC), "end": datetime(2100, 1, 1, tzinfo=UTC)}
    Deriver(store, load_table()).range(project="shop", **everything)
    assert store.scalar("SELECT count() FROM generations FINAL WHERE kind = 'llm' AND completion != ''") == 1
