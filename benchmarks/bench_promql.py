"""Range queries of PromQL over HTTP beside a real Prometheus that holds the same samples.

    python -m benchmarks.bench_promql [--series 2000] [--hours 6] [--rounds 7]

A sample a minute and series. Both sides are asked in turn, each in a process of its own; answers must agree before they are timed. The
figure is the median of the rounds. Without Prometheus and promtool it says so and ends with 0.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx
import orjson

from benchmarks.promql_subject import BEGIN, METRIC
from benchmarks.report import emit, machine
from tests.api.promql_samples import served_prometheus

QUERIES: Final = (
    f"sum by (model) (rate({METRIC}[5m]))",
    f"sum(increase({METRIC}[1h]))",
    f"rate({METRIC}[5m])",
    f"max by (service) (avg_over_time({METRIC}[10m]))",
    METRIC,
)
_TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One server of the query API. path: of its query_range."""

    name: str
    client: httpx.Client
    path: str

    def ask(self, form: dict[str, Any]) -> tuple[float, bytes]:
        """Seconds until the whole answer was there, and the answer."""
        begun = time.perf_counter()
        answer = self.client.post(self.path, data=form)
        spent = time.perf_counter() - begun
        answer.raise_for_status()
        return spent, answer.content


@contextmanager
def driftline(folder: Path, *, n_series: int, minutes: int) -> Iterator[Side]:
    """A filled store behind the API."""
    command = [sys.executable, "-m", "benchmarks.promql_subject", str(folder), str(n_series), str(minutes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        emit(bench="promql", metric="rollup rows", value=told["rows"], unit="rows")
        with httpx.Client(base_url=f"http://127.0.0.1:{told['port']}", timeout=120) as client:
            yield Side(name="driftline", client=client, path="/prometheus/api/v1/query_range")
        process.stdin.close()


def disagreement(ours: bytes, theirs: bytes) -> str | None:
    """Why two matrices are not the same, None when they are."""
    a, b = (
        {tuple(sorted(one["metric"].items())): one["values"] for one in orjson.loads(answer)["data"]["result"]}
        for answer in (ours, theirs)
    )
    if a.keys() != b.keys():
        return f"expected {len(b)} series, got {len(a)}"
    for labels, values in b.items():
        if [time for time, _ in a[labels]] != [time for time, _ in values]:
            return f"{dict(labels)}: expected {len(values)} samples, got {len(a[labels])}"
        for (_, mine), (at, other) in zip(a[labels], values, strict=True):
            if not math.isclose(float(mine), float(other), rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
                return f"{dict(labels)} at {at}: expected {other}, got {mine}"
    return None


def compare(query: str, form: dict[str, Any], sides: Sequence[Side], *, rounds: int) -> bool:
    """Ask both, print the figures; False when they disagree."""
    ours, theirs = (side.ask(form)[1] for side in sides)
    if (reason := disagreement(ours, theirs)) is not None:
        emit(bench="promql", query=query, disagreement=reason)
        return False
    times: dict[str, list[float]] = {side.name: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            times[side.name].append(side.ask(form)[0])
    medians = {name: median(spent) for name, spent in times.items()}
    for name, spent in times.items():
        emit(
            bench="promql",
            subject=name,
            query=query,
            metric="query_range",
            value=medians[name],
            unit="s",
            least=min(spent),
            most=max(spent),
            answer_bytes=len(ours),
        )
    ratio = medians["driftline"] / medians["prometheus"]
    emit(bench="promql", query=query, metric="query_range_ratio", versus="prometheus", ratio=ratio)
    return True


def main() -> int:
    """Measure and print; 1 when an answer was not Prometheus'."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=2000)
    parser.add_argument("--hours", type=float, default=6)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    prometheus, promtool = shutil.which("prometheus"), shutil.which("promtool")
    if prometheus is None or promtool is None:
        emit(bench="promql", skipped="no prometheus or promtool on the PATH; make system-packages brings them")
        return 0
    minutes = round(options.hours * 60)
    version = subprocess.run([prometheus, "--version"], capture_output=True, text=True, check=True)
    emit(
        bench="promql",
        subject="machine",
        series=options.series,
        minutes=minutes,
        peer=(version.stdout or version.stderr).split("\n", 1)[0],
        **machine(),
    )
    form = {"start": BEGIN.timestamp(), "end": BEGIN.timestamp() + 60 * minutes, "step": 60}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            driftline(folder, n_series=options.series, minutes=minutes) as ours,
            served_prometheus(prometheus, promtool, folder) as url,
            httpx.Client(base_url=url, timeout=120) as client,
        ):
            theirs = Side(name="prometheus", client=client, path="/api/v1/query_range")
            agreed = [
                compare(query, {**form, "query": query}, (ours, theirs), rounds=options.rounds) for query in QUERIES
            ]
    return 0 if all(agreed) else 1


if __name__ == "__main__":
    sys.exit(main())
