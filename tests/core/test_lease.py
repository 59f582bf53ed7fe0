"""Leases: of several workers one works, a dead one's work is taken over, and the server path does the same from several processes."""

import subprocess
import sys
import textwrap
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from driftline_core.store.lease import Lease, Leases

SETTLE = timedelta(milliseconds=150)


def leases(store: Store, worker: str, *, ttl_s: float = 30) -> Leases:
    return Leases(store, worker=worker, ttl=timedelta(seconds=ttl_s), settle=SETTLE)


def test_a_held_lease_is_refused_to_others_until_it_is_given_back(store: Store) -> None:
    held = leases(store, "a").acquire("analysis/default")
    assert held is not None
    assert held.is_held()
    assert leases(store, "b").acquire("analysis/default") is None
    assert leases(store, "a").acquire("analysis/default") is None  # a second thread of the same worker, too
    other = leases(store, "b").acquire("analysis/other")
    assert other is not None
    other.release()
    held.release()
    held.release()  # twice is once
    assert not held.is_held()
    with leases(store, "b").acquire("analysis/default") or pytest.fail("given back and not to be had") as lease:
        assert lease.is_held()


def test_of_workers_that_ask_at_the_same_moment_exactly_one_gets_it(store: Store) -> None:
    for round_ in range(3):
        got: list[Lease] = []
        start = threading.Barrier(6)

        def ask(number: int, got: list[Lease] = got, start: threading.Barrier = start, round_: int = round_) -> None:
            start.wait()
            lease = leases(store, f"worker-{number}").acquire(f"job-{round_}")
            if lease is not None:
                got.append(lease)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 1
        got[0].release()


def test_a_lease_outlives_its_time_to_live_while_its_worker_lives(store: Store) -> None:
    held = leases(store, "a", ttl_s=0.6).acquire("job")
    assert held is not None
    time.sleep(1.2)
    assert held.is_held()
    assert leases(store, "b").acquire("job") is None
    held.release()


WORKER = """
    import sys, time
    from datetime import timedelta
    from driftline_core.settings import StoreSettings
    from driftline_core.store import Store
    from driftline_core.store.lease import Leases

    store = Store(StoreSettings(dsn=sys.argv[1], database="leased"))
    lease = Leases(store, worker=sys.argv[2], ttl=timedelta(seconds=2), settle=timedelta(seconds=0.5)).acquire("job")
    print("held" if lease else "refused", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_loses_its_lease_to_another_on_a_server(server_dsn: str) -> None:
    store = Store(StoreSettings(dsn=SecretStr(server_dsn), database="leased"))
    migrate(store)
    command = [sys.executable, "-c", textwrap.dedent(WORKER), server_dsn]
    processes = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        for name in ("one", "two")
    ]
    try:
        said = {}
        for process in processes:
            assert process.stdout is not None
            said[process.pid] = process.stdout.readline().strip()
        assert sorted(said.values()) == ["held", "refused"]
        holder = next(process for process in processes if said[process.pid] == "held")
        assert leases(store, "three").acquire("job") is None
        holder.kill()
        holder.wait()
        deadline = time.monotonic() + 20
        lease = None
        while lease is None and time.monotonic() < deadline:
            lease = leases(store, "three").acquire("job")
        assert lease is not None
        lease.release()
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        store.close()
