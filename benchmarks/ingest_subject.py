"""One subject of the ingest benchmark in a process of its own: `ingest_subject driftline|python-rows DIR [spool bytes]`.

Prints its ports once it listens; then answers each line on standard input, the name of a question and its arguments, with a line
of JSON; ends when standard input does.
"""

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import uvicorn

from benchmarks import ingest_floor
from benchmarks.python_rows import create_app
from driftline_collector import Collector, CollectorSettings
from driftline_core.log import configure_logging
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate

_TABLES: Final = ("spans", "generations")
_BYTES: Final = """
SELECT table, sum(bytes_on_disk) AS bytes, sum(rows) AS rows FROM system.parts
WHERE active AND database = currentDatabase() AND table IN ('spans', 'generations') GROUP BY table
"""


def _count(store: Store) -> dict[str, int]:
    """Rows that a query finds now, by table."""
    return {table: store.scalar(f"SELECT count() FROM {table}") for table in _TABLES}


def _seen(store: Store) -> dict[str, Any]:
    """The INSERTs whose rows a query finds now: segments of spans, runs of the deriver. at: monotonic seconds after the queries."""
    segments = store.rows("SELECT DISTINCT segment AS name FROM spans")
    runs = store.rows("SELECT DISTINCT toString(derived_at) AS name FROM generations")
    return {
        "spans": [row["name"] for row in segments],
        "generations": [row["name"] for row in runs],
        "at": time.monotonic(),
    }


def _whence(store: Store, trace_ids: str) -> dict[str, dict[str, str]]:
    """By table: the INSERT that brought each of these traces (comma between them)."""
    chosen = {"ids": trace_ids.split(",")}
    where = "WHERE trace_id IN (SELECT toFixedString(unhex(arrayJoin({ids:Array(String)})), 16)) GROUP BY trace_id"
    names = {"spans": "any(segment)", "generations": "toString(max(derived_at))"}
    return {
        table: {
            row["trace"]: row["name"]
            for row in store.rows(f"SELECT lower(hex(trace_id)) AS trace, {name} AS name FROM {table} {where}", chosen)
        }
        for table, name in names.items()
    }


def _disk(store: Store) -> dict[str, Any]:
    """Bytes and rows by table: as the parts are, and merged into one."""
    fresh = store.rows(_BYTES)
    for table in _TABLES:
        store.command(f"OPTIMIZE TABLE {table} FINAL")
    return {"fresh": fresh, "merged": store.rows(_BYTES)}


_QUESTIONS: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "count": _count,
    "seen": _seen,
    "whence": _whence,
    "disk": _disk,
    "floor": ingest_floor.measure,
}


def _answer(store: Store, **ports: int) -> None:
    print(json.dumps(ports), flush=True)
    for line in sys.stdin:
        name, *arguments = line.split()
        print(json.dumps(_QUESTIONS[name](store, *arguments)), flush=True)


def _run_driftline(store: Store, spool_max_bytes: int | None) -> None:
    limits: dict[str, Any] = {} if spool_max_bytes is None else {"spool_max_bytes": spool_max_bytes}
    collector = Collector(CollectorSettings(http_port=0, grpc_port=0, **limits), store)
    collector.start()
    try:
        _answer(store, http=collector.http_port, grpc=collector.grpc_port)
    finally:
        collector.stop(deadline_s=10.0)


def _run_python_rows(store: Store, _: int | None) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    config = uvicorn.Config(create_app(store), loop="uvloop", http="httptools", log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: server.run(sockets=[listening]), daemon=True)
    thread.start()
    try:
        _answer(store, http=listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10.0)
        listening.close()


def main() -> None:
    subject, folder = sys.argv[1], Path(sys.argv[2])
    spool_max_bytes = int(sys.argv[3]) if len(sys.argv) > 3 else None
    configure_logging(level="warning")
    store = Store(StoreSettings(path=folder / "store"))
    try:
        migrate(store)
        {"driftline": _run_driftline, "python-rows": _run_python_rows}[subject](store, spool_max_bytes)
    finally:
        store.close()


if __name__ == "__main__":
    main()
