from dataclasses import replace
from datetime import UTC, datetime

import pytest

from driftline_core.errors import ConfigError
from driftline_core.store import Store, load_migrations, migrate


def test_migrating_twice_applies_each_migration_once(empty_store: Store) -> None:
    first = migrate(empty_store)
    versions = [migration.version for migration in first]
    assert versions == sorted(set(versions))
    assert versions[0] == 1
    assert migrate(empty_store) == []


def test_an_edited_migration_is_refused_by_name(store: Store) -> None:
    first, *rest = load_migrations()
    with pytest.raises(ConfigError, match=r"0001_spans was applied with another text"):
        migrate(store, [replace(first, sql=first.sql + "\n-- edited"), *rest])


def test_every_table_forgets(store: Store) -> None:
    tables = store.rows(
        "SELECT name, create_table_query FROM system.tables "
        "WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    )
    assert len(tables) >= 9
    assert [table["name"] for table in tables if " TTL " not in table["create_table_query"]] == ["migrations"]


def test_a_store_that_a_view_filled_takes_spans_again_after_the_upgrade(empty_store: Store) -> None:
    every = load_migrations()
    migrate(empty_store, [migration for migration in every if migration.version < 12])
    empty_store.command(
        "CREATE MATERIALIZED VIEW generations_view TO generations AS SELECT project, service, start_time FROM spans"
    )
    row = ("p", "bot", datetime(2026, 11, 2, tzinfo=UTC), datetime.now(UTC), bytes(15) + b"1", bytes(7) + b"1")
    columns = ("project", "service", "start_time", "received_at", "trace_id", "span_id")
    empty_store.insert("spans", columns, [row])
    migrate(empty_store, every)
    empty_store.insert("spans", columns, [(*row[:-1], bytes(7) + b"2")])
    assert empty_store.scalar("SELECT count() FROM spans") == 2
    assert empty_store.scalar("SELECT count() FROM generations") == 0
    migrate(empty_store, [replace(every[11], version=99)])  # interrupted before it was noted, and done again
