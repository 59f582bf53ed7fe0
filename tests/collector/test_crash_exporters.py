"""kill -9 at random moments, over and over, under load from OpenTelemetry's own exporters over both protocols at once."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.collector.crash import Server
from tests.collector.exporters import check_kept_once, load
from tests.collector.test_crash import port_of_collector
from tests.ports import free_port

N_KILLS = 100 if os.environ.get("DRIFTLINE_LONG_TESTS") == "1" else 15
"""Each costs the second or two in which a collector starts; `make test-long` has more of them, tests/collector/test_crash.py others."""

# Rows that are there twice must not be merged into one before they are counted.
_PREPARE = """
import sys
from pathlib import Path
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
store = Store(StoreSettings(path=Path(sys.argv[1])))
migrate(store)
store.command("ALTER TABLE spans MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, "
              "max_bytes_to_merge_at_min_space_in_pool = 1, parts_to_delay_insert = 100000, parts_to_throw_insert = 100000")
store.close()
"""
_COUNT = """
import json, sys
from pathlib import Path
from driftline_core.settings import StoreSettings
from driftline_core.store import Store
store = Store(StoreSettings(path=Path(sys.argv[1])))
rows = store.rows("SELECT lower(concat(hex(trace_id), hex(span_id))) AS key, count() AS n FROM spans GROUP BY key")
total = store.rows("SELECT count() AS n, uniqExact(trace_id, span_id) AS u FROM spans")[0]
print(json.dumps([{row["key"]: row["n"] for row in rows}, total["n"], total["u"]]))
store.close()
"""


def run(code: str, store: Path) -> str:
    """Python that holds the store, which this process must not open."""
    done = subprocess.run([sys.executable, "-c", code, str(store)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(900)
def test_what_real_exporters_call_success_is_stored_once_over_many_kills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spool = tmp_path / "store", tmp_path / "spool"
    run(_PREPARE, store)
    http_port, grpc_port = free_port(), free_port()  # exporters need ones that stay over a restart
    command = [sys.executable, "-m", "driftline_collector.main", "--store", str(store), "--spool", str(spool)]
    command += ["--http-port", str(http_port), "--grpc-port", str(grpc_port)]
    monkeypatch.setenv("DRIFTLINE_COLLECTOR_LINGER_S", "0.05")
    monkeypatch.setenv("DRIFTLINE_COLLECTOR_LINGER_MAX_S", "0.2")
    pauses = random.Random(7)
    server = Server(command, port_of_collector)
    try:
        with load(http_port, grpc_port) as recordings:
            for _ in range(N_KILLS):
                time.sleep(pauses.uniform(0.0, 1.2))
                server.kill()
                server = Server(command, port_of_collector)
            time.sleep(1.0)
        assert server.end() == 0
    finally:
        if server.is_running:
            server.kill()
    rows, n_rows, n_unique = json.loads(run(_COUNT, store))
    assert n_rows == n_unique
    assert all(recording.acknowledged for recording in recordings)
    check_kept_once(recordings, rows)
    assert not list(spool.rglob("*.pb"))
