"""The INSERT: frames go to the engine as they lie on disk, and what it refuses is told apart by whose fault it is."""

import hashlib
import re
import secrets
from pathlib import Path
from typing import Any, Final

from clickhouse_connect.driver.exceptions import ClickHouseError

from driftline_collector.schemas import INSERT_COLUMNS, INSERT_SETTINGS, Schema
from driftline_collector.segment import Segment
from driftline_core.errors import QueryError
from driftline_core.store import Store

# ClickHouse's error codes that say: these bytes cannot be read, or hold a value that does not fit.
# 6 text, 26-27 input, 32 end of data, 33 short data, 36 argument, 38/41 date, 53 type, 69 bound, 70 convert, 72 number,
# 117 incorrect data, 128/131 too large, 190 array sizes, 321 out of range, 407 overflow, 436 unknown protobuf, 437 protobuf cast.
_DATA_CODES: Final = frozenset(
    {6, 25, 26, 27, 32, 33, 36, 38, 41, 53, 69, 70, 72, 117, 128, 131, 190, 321, 349, 407, 436, 437, 444, 469, 547, 561}
)
# Codes that say: not now, or not here. Waiting or an operator cures them; no request is to blame.
# 3/47/60/81 schema, 74-76/107 files, 159-160 time, 164 read-only, 198-210 network, 202 queries, 225 keeper, 236/394 cancelled,
# 242/243 table or disk, 252 parts, 279/285/286/319 replicas, 497/516 access, 733 stopped, 999 keeper.
_ENVIRONMENT_CODES: Final = frozenset(
    {
        3,
        16,
        47,
        60,
        74,
        75,
        76,
        77,
        81,
        107,
        159,
        160,
        164,
        173,
        192,
        193,
        194,
        198,
        201,
        202,
        203,
        209,
        210,
        218,
        219,
        225,
    }
    | {
        236,
        242,
        243,
        252,
        279,
        285,
        286,
        290,
        308,
        319,
        394,
        395,
        425,
        439,
        473,
        497,
        516,
        517,
        571,
        574,
        668,
        733,
        735,
        745,
        999,
    }
)
_MEMORY_LIMIT: Final = 241
_GLOB: Final = re.compile(r"[*?{}\[\]]")


class InsertFailed(QueryError):
    """The engine refused an INSERT. code: ClickHouse's own, None when no answer came. Nothing of it was stored."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        code = getattr(error, "code", None)
        self.code: int | None = code if isinstance(code, int) and code > 0 else _code_in(str(error))

    @property
    def is_data(self) -> bool:
        """The bytes are at fault, whatever the store's state."""
        return self.code in _DATA_CODES

    @property
    def is_memory(self) -> bool:
        """Too large for the memory there is: a smaller part may pass, and a single request waits."""
        return self.code == _MEMORY_LIMIT

    @property
    def is_environment(self) -> bool:
        """The store is at fault, or was not reached."""
        return self.code is None or self.code in _ENVIRONMENT_CODES


def _code_in(message: str) -> int | None:
    found = re.search(r"Code: (\d+)", message)
    return int(found.group(1)) if found else None


def insert_settings(store: Store, schema: Schema) -> dict[str, Any]:
    """Settings of every INSERT into the signal's table of this store.

    The embedded engine writes a copy of an inline schema into the working directory, which may not be ours to write, so there the
    schema is a file beside the store. Raises OSError when that cannot be written.
    """
    proto = schema.proto
    if not store.is_embedded:
        return {**INSERT_SETTINGS, "format_schema_source": "string", "format_schema": proto}
    folder = store.settings.path.resolve().parent
    path = folder / f"otlp-{hashlib.sha256(proto.encode()).hexdigest()[:16]}.proto"
    if not path.exists():
        draft = folder / f".{path.name}.{secrets.token_hex(4)}"
        draft.write_text(proto, encoding="utf-8")
        draft.replace(path)
    return {**INSERT_SETTINGS, "format_schema_source": "file", "format_schema": str(path)}


class SegmentInsert:
    """INSERT ... FORMAT Protobuf into a signal's table, the whole of a segment or a part. Thread-safe as the store is."""

    def __init__(self, store: Store, schema: Schema) -> None:
        self._store = store
        self._table = schema.table
        self._settings = insert_settings(store, schema)

    def whole(self, segment: Segment) -> None:
        """Insert a segment under its own token. Raises InsertFailed.

        The embedded engine reads the file where it lies: one copy and one temporary file less than sending it.
        """
        path = segment.path.resolve()
        if self._store.is_embedded and not _GLOB.search(str(path)):
            self._from_file(path, segment.token)
        else:
            self.part(segment.token, path.read_bytes())

    def part(self, token: str, frames: bytes) -> None:
        """Insert frames under a token. Raises InsertFailed."""
        try:
            self._store.client.raw_insert(
                self._table,
                column_names=INSERT_COLUMNS,
                insert_block=frames,
                fmt="Protobuf",
                settings=self._settings | {"insert_deduplication_token": token},
            )
        except (ClickHouseError, OSError) as error:
            raise InsertFailed(error) from error

    def _from_file(self, path: Path, token: str) -> None:
        quoted = str(path).replace("\\", "\\\\").replace("'", "\\'")
        try:
            self._store.client.command(
                f"INSERT INTO {self._table} ({', '.join(INSERT_COLUMNS)}) FROM INFILE '{quoted}' FORMAT Protobuf",
                settings=self._settings | {"insert_deduplication_token": token},
            )
        except ClickHouseError as error:
            raise InsertFailed(error) from error
