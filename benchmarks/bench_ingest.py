"""Spans a second until they can be queried, over OTLP/HTTP, beside a collector of Python rows: `python -m benchmarks.bench_ingest`.

Both subjects write into the same tables with the same views behind them and answer after an fsync. Load and servers share the
machine. `queryable_spans_s` counts from the first byte sent until a query finds the last acknowledged span.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psutil

from benchmarks.otlp_load import Load, Payload, send_for
from benchmarks.report import emit, machine, percentile

_SUBJECTS: Final = ("driftline", "python-rows")
_DRAIN_S: Final = 120.0


class Subject:
    """A subject's process and its store, both gone afterwards."""

    def __init__(self, name: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="driftline-bench-"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.ingest_subject", name, str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port: int = self._read()["port"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)
        shutil.rmtree(self._folder, ignore_errors=True)

    def count(self) -> dict[str, int]:
        """Rows that a query finds now, by table."""
        assert self._process.stdin is not None
        self._process.stdin.write("count\n")
        self._process.stdin.flush()
        return self._read()

    def usage(self) -> tuple[float, float]:
        """CPU seconds so far, resident MiB now."""
        process = psutil.Process(self._process.pid)
        times = process.cpu_times()
        return times.user + times.system, process.memory_info().rss / 2**20

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the subject ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    load: Load
    queryable_s: float
    cpu_s: float
    peak_rss_mib: float
    missing: int

    @property
    def queryable_spans_s(self) -> float:
        return (self.load.n_spans - self.missing) / self.queryable_s


def measure(subject: Subject, payloads: list[Payload], *, connections: int, seconds: float) -> Measured:
    """Load for that long, then wait until the last span is found."""
    before = subject.count()["spans"]
    peak_mib = 0.0
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak_mib
        while not ended.wait(0.1):
            peak_mib = max(peak_mib, subject.usage()[1])

    watcher = threading.Thread(target=watch)
    watcher.start()
    cpu_before = subject.usage()[0]
    try:
        load = send_for(subject.port, payloads, connections=connections, seconds=seconds)
        deadline = time.perf_counter() + _DRAIN_S
        while True:
            missing = load.n_spans - (subject.count()["spans"] - before)
            if missing <= 0 or time.perf_counter() > deadline:
                break
            time.sleep(0.02)
        queryable_s = time.perf_counter() - load.started_at
    finally:
        ended.set()
        watcher.join()
    return Measured(
        load=load,
        queryable_s=queryable_s,
        cpu_s=subject.usage()[0] - cpu_before,
        peak_rss_mib=peak_mib,
        missing=max(0, missing),
    )


def _report(subject: str, batch: int, connections: int, measured: Measured) -> None:
    load = measured.load
    common: dict[str, Any] = {"bench": "ingest", "subject": subject, "batch": batch, "connections": connections}
    figures = {
        "queryable_spans_s": (measured.queryable_spans_s, "spans/s"),
        "acknowledged_spans_s": (load.n_spans / load.duration_s, "spans/s"),
        "ack_p50_ms": (percentile(load.latencies_ms, 50), "ms"),
        "ack_p99_ms": (percentile(load.latencies_ms, 99), "ms"),
        "peak_rss_mib": (measured.peak_rss_mib, "MiB"),
        "cpu_us_span": (measured.cpu_s / max(1, load.n_spans) * 1e6, "us"),
    }
    for metric, (value, unit) in figures.items():
        emit(**common, metric=metric, value=value, unit=unit)
    emit(
        **common,
        metric="spans",
        value=load.n_spans,
        unit="spans",
        bytes_a_span=load.n_bytes / max(1, load.n_spans),
        missing=measured.missing,
        refused=load.refused,
        failures=load.failures[:3],
    )


def main() -> None:
    """Every subject at every batch size; then the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=4.0, help="load per subject and batch size, in seconds")
    parser.add_argument("--batches", type=int, nargs="+", default=[512, 32], help="spans a request")
    parser.add_argument("--connections", type=int, default=8, help="connections at once")
    parser.add_argument("--subjects", nargs="+", choices=_SUBJECTS, default=list(_SUBJECTS))
    given = parser.parse_args()
    packages = {name: version(name) for name in ("chdb", "clickhouse-connect", "protobuf", "uvicorn")}
    emit(bench="ingest", metric="environment", **machine(), versions=packages, seconds=given.seconds)
    speeds: dict[tuple[str, int], float] = {}
    for batch in given.batches:
        n_payloads = given.connections * (4 if batch >= 256 else 12)
        payloads = [Payload(batch, seed=1000 * batch + number) for number in range(n_payloads)]
        for name in given.subjects:
            with Subject(name) as subject:
                measure(subject, payloads, connections=2, seconds=0.5)  # warm up
                measured = measure(subject, payloads, connections=given.connections, seconds=given.seconds)
            _report(name, batch, given.connections, measured)
            speeds[name, batch] = measured.queryable_spans_s
    for batch in given.batches:
        if all((name, batch) in speeds for name in _SUBJECTS):
            emit(
                bench="ingest",
                subject="driftline",
                metric="queryable_spans_s_ratio",
                versus="python-rows",
                batch=batch,
                connections=given.connections,
                ratio=speeds["driftline", batch] / speeds["python-rows", batch],
            )


if __name__ == "__main__":
    main()
