"""kill -9 at any instant: every acknowledged span is in the store once, and nothing is there twice."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.collector.crash import check_kept_once, kill_under_load

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


@pytest.mark.timeout(600)
def test_no_acknowledged_span_is_lost_or_stored_twice_over_kills(tmp_path: Path) -> None:
    store, spool = tmp_path / "store", tmp_path / "spool"
    command = [sys.executable, "-m", "driftline_collector.main", "--store", str(store), "--spool", str(spool)]
    command += ["--http-port", "0", "--grpc-port", "0"]
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
