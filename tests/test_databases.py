"""A database that a test gets after another is as good as a new one."""

from driftline_core.store import Store
from tests.databases import Databases


def insert_once(store: Store) -> int:
    """Insert a span under a token twice; how many there are."""
    for _ in range(2):
        store.command(
            "INSERT INTO spans (project, start_time, received_at) VALUES ('p', now64(9), now64(9))",
            settings={"insert_deduplication_token": "one"},
        )
    return int(store.scalar("SELECT count() FROM spans"))


def test_it_comes_back_empty_and_knows_no_token_of_before(databases: Databases) -> None:
    first = databases.take()
    assert insert_once(first) == 1
    databases.give_back(first)
    second = databases.take()
    assert second.settings.database == first.settings.database
    assert second.scalar("SELECT count() FROM spans") == 0
    assert insert_once(second) == 1
    databases.give_back(second)


def test_it_ends_with_a_table_that_is_not_what_it_was(databases: Databases) -> None:
    for change in (
        "ALTER TABLE spans MODIFY COMMENT 'mine'",
        "RENAME TABLE spans TO spans_away",
        "CREATE TABLE mine (x UInt8) ENGINE = Null",
        "DROP TABLE spans",
        "INSERT INTO migrations (version, name, sha256) VALUES (9999, 'mine', '')",
    ):
        changed = databases.take()
        changed.command(change)
        databases.give_back(changed)
        after = databases.take()
        assert after.settings.database != changed.settings.database, change
        databases.give_back(after)
