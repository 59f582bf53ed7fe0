"""Numbered, forward-only migrations, applied once each and in order by one runner."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from driftline_core.errors import ConfigError
from driftline_core.log import get_logger
from driftline_core.store.client import Store

_LOG = get_logger("store")

_TABLE = """
CREATE TABLE IF NOT EXISTS migrations
(
    version UInt32,
    name String,
    sha256 String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY version
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file: its number, name, text and the text's SHA-256 in hex."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def statements(self) -> Iterator[str]:
        """The statements between semicolons at the end of a line, comments kept."""
        for statement in self.sql.split(";\n"):
            lines = [line for line in statement.splitlines() if line.strip() and not line.lstrip().startswith("--")]
            if lines:
                yield statement.strip().removesuffix(";")


def load_migrations(folder: Traversable | None = None) -> list[Migration]:
    """The migrations that this version ships, in order. Raises ConfigError on a bad name or a number used twice."""
    folder = folder if folder is not None else files("driftline_core.store") / "sql"
    migrations = []
    for file in folder.iterdir():
        if not file.name.endswith(".sql"):
            continue
        number, _, name = file.name.removesuffix(".sql").partition("_")
        if not number.isdigit() or not name:
            raise ConfigError(f"expected a migration named 0001_noun.sql, got {file.name}")
        migrations.append(Migration(version=int(number), name=name, sql=file.read_text(encoding="utf-8")))
    migrations.sort(key=lambda migration: migration.version)
    versions = [migration.version for migration in migrations]
    if len(set(versions)) != len(versions):
        raise ConfigError(f"expected every migration number once, got {versions}")
    return migrations


def migrate(store: Store, migrations: list[Migration] | None = None) -> list[Migration]:
    """Apply what is missing and return it; safe to repeat. Raises ConfigError when an applied file has changed since."""
    migrations = load_migrations() if migrations is None else migrations
    store.command(_TABLE)
    applied = {row["version"]: row["sha256"] for row in store.rows("SELECT version, sha256 FROM migrations FINAL")}
    done = []
    for migration in migrations:
        known = applied.get(migration.version)
        if known == migration.sha256:
            continue
        if known is not None:
            raise ConfigError(
                f"migration {migration.version:04d}_{migration.name} was applied with another text "
                f"(expected sha256 {known[:12]}, got {migration.sha256[:12]}); migrations are never edited, add a new one"
            )
        for statement in migration.statements():
            store.command(statement)
        store.insert(
            "migrations", ["version", "name", "sha256"], [(migration.version, migration.name, migration.sha256)]
        )
        _LOG.info("migration applied", version=migration.version, name=migration.name)
        done.append(migration)
    return done
