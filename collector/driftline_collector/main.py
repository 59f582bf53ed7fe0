"""A collector alone: `python -m driftline_collector.main --store DIR`. Prints where it listens as one line of JSON, ends on SIGTERM."""

import argparse
import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from driftline_collector.service import Collector
from driftline_collector.settings import CollectorSettings
from driftline_core.log import configure_logging
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate

_STOP_DEADLINE_S = 30.0


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. What is not given comes from the environment (DRIFTLINE_STORE_*, DRIFTLINE_COLLECTOR_*)."""
    parser = argparse.ArgumentParser(description="Driftline's collector alone.")
    parser.add_argument("--store", type=Path, help="directory of the embedded engine")
    parser.add_argument("--spool", type=Path, help="directory of the spool")
    parser.add_argument("--http-port", type=int, help="port of OTLP/HTTP, 0 for any")
    parser.add_argument("--grpc-port", type=int, help="port of OTLP/gRPC, 0 for any")
    given = parser.parse_args(arguments)
    configure_logging(json=True)
    chosen: dict[str, Any] = {"spool_path": given.spool, "http_port": given.http_port, "grpc_port": given.grpc_port}
    settings = CollectorSettings(**{name: value for name, value in chosen.items() if value is not None})
    store = Store(StoreSettings(path=given.store) if given.store is not None else StoreSettings())
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        migrate(store)
        collector = Collector(settings, store)
        collector.start()
        try:
            sys.stdout.write(json.dumps({"http_port": collector.http_port, "grpc_port": collector.grpc_port}) + "\n")
            sys.stdout.flush()
            stopping.wait()
        finally:
            collector.stop(deadline_s=_STOP_DEADLINE_S)
    finally:
        store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
