"""Opens the store of a data directory for one command."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from driftline_cli.lock import DataDirLock
from driftline_collector.views import ensure_ingest
from driftline_core.settings import StoreSettings
from driftline_core.store import Migration, Store, migrate


def store_settings(data_dir: Path) -> StoreSettings:
    """The store in a data directory, or the server that the environment names."""
    return StoreSettings(path=data_dir / "store")


@contextmanager
def hold_store(data_dir: Path, *, command: str) -> Iterator[Store]:
    """The store with every table: a server's may be in use, the embedded one must be free. Raises DataDirInUse, StoreError."""
    settings = store_settings(data_dir)
    with ExitStack() as stack:
        if settings.dsn is None:
            stack.enter_context(DataDirLock(data_dir, command=command))
        store = Store(settings)
        stack.callback(store.close)
        migrate(store)
        yield store


@contextmanager
def open_store(data_dir: Path) -> Iterator[tuple[Store, list[Migration]]]:
    """The store with every table and the views of ingestion, and the migrations that were missing. Hold the DataDirLock around it."""
    store = Store(store_settings(data_dir))
    try:
        applied = migrate(store)
        ensure_ingest(store)
        yield store, applied
    finally:
        store.close()
