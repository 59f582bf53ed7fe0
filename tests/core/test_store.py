import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from driftline_core.errors import StoreError
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, load_migrations, migrate

COLUMNS = ["model", "text_hash", "embedding"]


@pytest.fixture(params=["embedded", "server"])
def either_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """The same store over the embedded engine and over a server's HTTP interface."""
    if request.param == "embedded":
        yield request.getfixturevalue("store")
        return
    store = Store(StoreSettings(dsn=SecretStr(request.getfixturevalue("server_dsn")), database="over_http"))
    migrate(store)
    yield store
    store.command("DROP DATABASE over_http SYNC")
    store.close()


def test_every_migration_applies_and_values_are_bound(either_store: Store) -> None:
    assert either_store.scalar("SELECT count() FROM migrations") == len(load_migrations())
    hostile = "it's; DROP TABLE spans -- \\"
    assert either_store.rows("SELECT {text:String} AS text", {"text": hostile}) == [{"text": hostile}]


def test_inserted_rows_come_back(either_store: Store) -> None:
    rows = [("minilm", bytes([n]) * 16, [0.5, float(n)]) for n in range(3)]
    assert either_store.insert("embeddings", COLUMNS, rows) == 3
    found = either_store.rows("SELECT text_hash, embedding FROM embeddings FINAL ORDER BY text_hash")
    assert [(row["text_hash"], row["embedding"]) for row in found] == [(row[1], row[2]) for row in rows]
    table = either_store.arrow("SELECT embedding[2] AS second FROM embeddings FINAL ORDER BY second")
    assert table.column("second").to_pylist() == [0.0, 1.0, 2.0]


def test_a_parameterised_view_takes_bound_times(either_store: Store) -> None:
    bounds = {
        "project": "default",
        "from_time": datetime(2026, 1, 1, tzinfo=UTC),
        "to_time": datetime(2026, 1, 2, tzinfo=UTC),
    }
    sql = (
        "SELECT count() AS n FROM llm_calls(project = {project:String}, "
        "from_time = {from_time:DateTime64(3)}, to_time = {to_time:DateTime64(3)})"
    )
    assert either_store.rows(sql, bounds) == [{"n": 0}]


def test_a_failed_statement_is_a_store_error_with_the_engines_words(either_store: Store) -> None:
    with pytest.raises(StoreError, match="no_such_table"):
        either_store.rows("SELECT * FROM no_such_table")


def test_threads_have_clients_of_their_own(either_store: Store) -> None:
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(either_store.scalar("SELECT {n:UInt32}", {"n": n})))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == list(range(8))


def test_a_server_that_is_away_is_named_without_its_password() -> None:
    dsn = SecretStr("http://user:secret-word@127.0.0.1:9")
    with pytest.raises(StoreError, match="cannot open the store at the ClickHouse server") as caught:
        Store(StoreSettings(dsn=dsn))
    assert "secret-word" not in str(caught.value)


@pytest.mark.usefixtures("engine")
def test_a_closed_store_says_so(engine_path: Path) -> None:
    store = Store(StoreSettings(path=engine_path, database="session"))
    store.close()
    with pytest.raises(StoreError, match="the store is closed"):
        store.scalar("SELECT 1")


def test_threads_that_ended_leave_no_client_behind(either_store: Store) -> None:
    for _ in range(6):
        thread = threading.Thread(target=either_store.scalar, args=("SELECT 1",))
        thread.start()
        thread.join()
    assert len(either_store._clients) <= 2
    assert either_store.scalar("SELECT 1") == 1
