"""One subject of the ingest benchmark in a process of its own: `python -m benchmarks.ingest_subject driftline|python-rows DIR`.

Prints {"port": ...} once it listens; then answers each line on standard input with {"spans": ..., "generations": ...}, counted by
a query in the store; ends when standard input does.
"""

import json
import socket
import sys
import threading
from pathlib import Path

import uvicorn

from benchmarks.python_rows import create_app
from driftline_collector import Collector, CollectorSettings
from driftline_core.log import configure_logging
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate


def _answer_counts(store: Store, port: int) -> None:
    print(json.dumps({"port": port}), flush=True)
    for _ in sys.stdin:
        counts = store.rows(
            "SELECT (SELECT count() FROM spans) AS spans, (SELECT count() FROM generations) AS generations"
        )
        print(json.dumps(counts[0]), flush=True)


def _run_driftline(store: Store) -> None:
    collector = Collector(CollectorSettings(http_port=0, grpc_port=0), store)
    collector.start()
    try:
        _answer_counts(store, collector.http_port)
    finally:
        collector.stop(deadline_s=10.0)


def _run_python_rows(store: Store) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    config = uvicorn.Config(create_app(store), loop="uvloop", http="httptools", log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: server.run(sockets=[listening]), daemon=True)
    thread.start()
    try:
        _answer_counts(store, listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10.0)
        listening.close()


def main() -> None:
    subject, folder = sys.argv[1], Path(sys.argv[2])
    configure_logging(level="warning")
    store = Store(StoreSettings(path=folder / "store"))
    try:
        migrate(store)
        {"driftline": _run_driftline, "python-rows": _run_python_rows}[subject](store)
    finally:
        store.close()


if __name__ == "__main__":
    main()
