"""What one embedding model for all runners of a process saves against one for each: resident memory, and the time of the first tick.

    OMP_NUM_THREADS=1 python -m benchmarks.bench_shared_model [--sessions 60] [--rounds 2]

The same store of made-up calls of last week each time, in a process of its own: the services of windows, single calls and groups are
started together, as `driftline up` does, and read when each has ended its first tick. Ways take turns; a figure is a median of rounds.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.report import emit, machine
from driftline_analyzers import AnalysisRunner, AnalyzerSettings, ScoringRunner
from driftline_analyzers.bias.runner import BiasRunner
from driftline_analyzers.embed.factory import make_embedder
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from tests.analyzers.traffic import store_calls
from tests.cli.first_ticks import last_week

WAYS: Final = ("shared", "apart")
_HOURS: Final = 8


def fill(path: Path, *, sessions: int) -> None:
    """A store with hours of calls of last week."""
    store = Store(StoreSettings(path=path))
    migrate(store)
    store_calls(store, list(last_week(sessions, hours=_HOURS)))
    store.close()


def first_ticks(path: Path, way: str) -> dict[str, float]:
    """Run the three services until each has ticked once. MB resident before and after; seconds until then."""
    store = Store(StoreSettings(path=path))
    settings = AnalyzerSettings(scoring_settle=timedelta(0))
    embedders = [make_embedder(settings)] * 3 if way == "shared" else [make_embedder(settings) for _ in range(3)]
    services = [
        AnalysisRunner(settings, store, embedder=embedders[0]).service(),
        ScoringRunner(settings, store, embedder=embedders[1]).service(),
        BiasRunner(store, embedder=embedders[2]).service(),
    ]
    before_mb = _resident_mb()
    begun = time.monotonic()
    for service in services:
        service.start()
    while not all(service.n_ticks for service in services):
        time.sleep(0.02)
    seconds, resident_mb = time.monotonic() - begun, _resident_mb()
    for service in services:
        service.stop(deadline_s=20)
    errors = sum(service.n_errors for service in services)
    store.close()
    return {"before_mb": before_mb, "rss_mb": resident_mb, "first_tick_s": seconds, "errors": errors}


def _resident_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def _in_a_process(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.bench_shared_model", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=60, help="sessions of two calls an hour")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--fill", type=Path, help="only fill a store there")
    parser.add_argument("--run", type=Path, help="only run over a store there, the way of --way")
    parser.add_argument("--way", choices=WAYS, default=WAYS[0])
    options = parser.parse_args()
    if options.fill is not None:
        fill(options.fill, sessions=options.sessions)
        return 0
    if options.run is not None:
        print(json.dumps(first_ticks(options.run, options.way)))
        return 0
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        _in_a_process("--fill", f"{folder}/full", "--sessions", str(options.sessions))
        for _ in range(options.rounds):
            for way in WAYS:
                shutil.copytree(f"{folder}/full", f"{folder}/{way}", symlinks=True)
                found[way].append(json.loads(_in_a_process("--run", f"{folder}/{way}", "--way", way)))
                shutil.rmtree(f"{folder}/{way}")
    emit(bench="shared_model", subject="machine", **machine())
    medians = {way: {key: median(run[key] for run in runs) for key in runs[0]} for way, runs in found.items()}
    for way in WAYS:
        emit(
            bench="shared_model",
            subject=way,
            calls=2 * options.sessions * _HOURS,
            rounds=options.rounds,
            **medians[way],
        )
    for key in ("rss_mb", "first_tick_s"):
        ratio = medians["apart"][key] / medians["shared"][key]
        emit(bench="shared_model", subject="apart / shared", metric=key, value=ratio, unit="ratio")
    return 0


if __name__ == "__main__":
    sys.exit(main())
