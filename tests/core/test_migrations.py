from dataclasses import replace

import pytest

from driftline_core.errors import ConfigError
from driftline_core.store import Store, load_migrations, migrate


def test_migrating_twice_applies_each_migration_once(empty_store: Store) -> None:
    first = migrate(empty_store)
    assert [migration.version for migration in first] == list(range(1, len(first) + 1))
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
