"""kill -9 at any instant: every acknowledged span is in the store once, and nothing is there twice."""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline_collector.letters import find_letters
from tests.collector.crash import Sender, check_kept_once, kill_under_load
from tests.collector.otlp_requests import poisoned_request, spans_of

_COUNT = """
import json, sys
from pathlib import Path
from driftline_core.ingest_ledger import read_ledger
from driftline_core.settings import StoreSettings
from driftline_core.store import Store
store = Store(StoreSettings(path=Path(sys.argv[1])))
rows = store.rows("SELECT lower(hex(span_id)) AS id, count() AS n FROM spans GROUP BY id")
minutes = read_ledger(store, project="default", from_s=0, to_s=2**32 - 1)
books = {
    "stored": sum(one.stored for one in minutes),
    "waiting": sum(one.waiting for one in minutes),
    "is_balanced": all(one.is_balanced for one in minutes),
}
print(json.dumps({"rows": {row["id"]: row["n"] for row in rows}, "books": books}))
store.close()
"""


def port_of_collector(line: str) -> int | None:
    """The port in the JSON line that driftline_collector.main prints."""
    return int(json.loads(line)["http_port"]) if line.startswith("{") else None


def stored_rows(store: Path) -> tuple[Counter[str], dict[str, int | bool]]:
    """Rows a span id in a store that no process holds, and what its books say."""
    done = subprocess.run([sys.executable, "-c", _COUNT, str(store)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return Counter(found["rows"]), found["books"]


def command_on(store: Path, spool: Path) -> list[str]:
    """A collector alone on these directories and any free ports."""
    command = [sys.executable, "-m", "driftline_collector.main", "--store", str(store), "--spool", str(spool)]
    return [*command, "--http-port", "0", "--grpc-port", "0"]


@pytest.mark.timeout(600)
def test_no_acknowledged_span_is_lost_or_stored_twice_over_kills(tmp_path: Path) -> None:
    store, spool = tmp_path / "store", tmp_path / "spool"
    command = command_on(store, spool)
    # From before the first segment is closed to the middle of an INSERT.
    pauses_s = (0.1, 0.3, 0.5, 0.8, 1.2)
    outcome = kill_under_load(command, port_in=port_of_collector, pauses_s=pauses_s)
    assert len(outcome.acknowledged) > 100
    assert outcome.n_repeats > 0
    rows, books = stored_rows(store)
    check_kept_once(outcome, rows)
    assert books == {"stored": len(rows), "waiting": 0, "is_balanced": True}
    assert not list(spool.glob("*/*.pb"))
    assert not list((spool / "dead-letters").iterdir())


class PoisonSender(Sender):
    """Sends requests that the store refuses, each until it is acknowledged; not many: each costs the loader a dozen INSERTs."""

    def run(self) -> None:
        while not self._stopping.wait(0.5):
            body = poisoned_request()
            (span,) = spans_of(ExportTraceServiceRequest.FromString(body))
            while not self._send(body):
                self.outcome.n_repeats += 1
                time.sleep(0.02)
            self.outcome.acknowledged.add(span.span_id.hex())


@pytest.mark.timeout(600)
def test_poison_is_set_aside_once_and_its_neighbours_stored_once_over_kills(tmp_path: Path) -> None:
    store, spool = tmp_path / "store", tmp_path / "spool"
    ports: list[int] = []
    stopping = threading.Event()
    poisoner = PoisonSender(lambda: ports[-1] if ports else None, stopping, n_spans=1)

    def port_for_poison(line: str) -> int | None:
        port = port_of_collector(line)
        if port is not None:
            ports.append(port)
        return port

    def end_poison() -> None:
        stopping.set()
        poisoner.join(60.0)
        assert not poisoner.is_alive()

    poisoner.start()
    outcome = kill_under_load(
        command_on(store, spool),
        port_in=port_for_poison,
        pauses_s=(0.4, 0.8, 1.2, 1.6, 2.0),
        n_senders=1,
        before_end=end_poison,
    )
    assert not list((spool / "traces").glob("*.pb")), "the collector had no time to store everything before it ended"
    rows, books = stored_rows(store)
    check_kept_once(outcome, rows)
    assert books["is_balanced"]
    set_aside = [
        span.span_id.hex()
        for letter in find_letters(spool)
        for span in spans_of(ExportTraceServiceRequest.FromString(letter.body()))
    ]
    assert len(set_aside) > 3
    assert sorted(set_aside) == sorted(poisoner.outcome.acknowledged)
