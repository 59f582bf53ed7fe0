"""The store: client and migrations."""

from driftline_core.store.client import Store
from driftline_core.store.migrations import Migration, load_migrations, migrate

__all__ = ["Migration", "Store", "load_migrations", "migrate"]
