"""One set of samples for our engine and for a real Prometheus, and how they get into it."""

import math
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from driftline_api.promql.matchers import LabelMatcher, matches_all
from driftline_api.promql.numbers import format_sample
from driftline_api.promql.values import Labels, Series, make_labels
from tests.ports import free_port

START = 1_700_000_000 // 3600 * 3600
"""Unix seconds of the first sample."""
MINUTES = 180


@dataclass(frozen=True, slots=True)
class MemorySource:
    """A SeriesSource over samples in memory."""

    series: Sequence[Series]

    def select(self, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> list[Series]:
        found = []
        for one in self.series:
            if matches_all(matchers, one.labels):
                kept = (one.timestamps >= start_ms) & (one.timestamps <= end_ms)
                found.append(Series(labels=one.labels, timestamps=one.timestamps[kept], values=one.values[kept]))
        return found


def series_of(name: str, labels: dict[str, str], samples: Sequence[tuple[float, float]]) -> Series:
    """samples: (seconds since START, value)."""
    return Series(
        labels=make_labels({"__name__": name, **labels}),
        timestamps=np.array([round((START + second) * 1000) for second, _ in samples], dtype=np.int64),
        values=np.array([value for _, value in samples], dtype=np.float64),
    )


def make_series(seed: int = 7) -> list[Series]:
    """Counters with resets and gaps, gauges with NaN and ±Inf, ties, histograms, uneven spacing."""
    rng = np.random.default_rng(seed)
    minutes = np.arange(MINUTES) * 60.0
    out = []
    for service in ("chat", "search", "batch"):
        for model in ("small", "large"):
            steps = rng.integers(0, 50, MINUTES).astype(float)
            value = np.cumsum(steps)
            for reset in rng.choice(MINUTES, 3, replace=False):
                value[reset:] -= value[reset] - 1
            jitter = rng.uniform(-4, 4, MINUTES).round(3)
            kept = rng.random(MINUTES) > (0.3 if service == "batch" else 0.02)
            labels = {"service": service, "model": model}
            out.append(series_of("requests_total", labels, _pairs(minutes + 5 + jitter, value, kept)))
            errors = np.cumsum((rng.random(MINUTES) > 0.9) * steps)
            if service != "batch":
                out.append(series_of("errors_total", {**labels, "code": "500"}, _pairs(minutes + 5, errors, kept)))
                out.append(series_of("errors_total", {**labels, "code": "429"}, _pairs(minutes + 5, errors * 2, kept)))
            gauge = (rng.normal(0, 10, MINUTES)).round(2)
            gauge[rng.random(MINUTES) > 0.97] = math.nan
            out.append(series_of("temperature", labels, _pairs(minutes + 1, gauge, kept)))
            total = np.zeros(MINUTES)
            for bound in ("0.1", "0.5", "1", "2.5", "+Inf"):
                total = total + np.cumsum(rng.integers(0, 9, MINUTES))
                out.append(series_of("latency_seconds_bucket", {**labels, "le": bound}, _pairs(minutes, total)))
            out.append(series_of("latency_seconds_count", labels, _pairs(minutes, total)))
            out.append(series_of("latency_seconds_sum", labels, _pairs(minutes, total * 0.7)))
    tie = rng.integers(0, 3, (9, MINUTES)).astype(float)
    out.extend(series_of("level", {"room": str(i), "floor": str(i % 3)}, _pairs(minutes, tie[i])) for i in range(9))
    extreme = np.resize([1.0, math.inf, 2.0, -math.inf, 0.0, -1.5, 1e-9, 1e22], MINUTES)
    out.append(series_of("extreme", {"kind": "mixed"}, _pairs(minutes, extreme)))
    out.append(series_of("constant", {"kind": "flat"}, _pairs(minutes, np.full(MINUTES, 42.0))))
    out.append(
        series_of("info", {"service": "chat", "owner": "ada", "tier": "gold"}, _pairs(minutes, np.ones(MINUTES)))
    )
    out.append(series_of("info", {"service": "search", "owner": "bob"}, _pairs(minutes, np.ones(MINUTES))))
    out.append(series_of("brief", {"service": "chat"}, _pairs(minutes[:30], minutes[:30])))
    out.append(series_of("brief", {"service": "search"}, _pairs(minutes[60:64], minutes[60:64])))
    out.append(series_of("lonely", {}, [(3600.0, 5.0)]))
    return out


def _pairs(times: np.ndarray, values: np.ndarray, kept: np.ndarray | None = None) -> list[tuple[float, float]]:
    pairs = list(zip(times.tolist(), values.tolist(), strict=True))
    return pairs if kept is None else [pair for pair, keep in zip(pairs, kept.tolist(), strict=True) if keep]


@contextmanager
def running_prometheus(
    prometheus: str, promtool: str, folder: Path, series: Sequence[Series], *flags: str, rules: Path | None = None
) -> Iterator[str]:
    """A real Prometheus on loopback that holds the series and evaluates a rule file; yields its URL and ends it after."""
    (folder / "samples.txt").write_text("".join(_open_metrics(series)) + "# EOF\n", encoding="utf-8")
    with served_prometheus(prometheus, promtool, folder, *flags, rules=rules) as url:
        yield url


@contextmanager
def served_prometheus(
    prometheus: str, promtool: str, folder: Path, *flags: str, rules: Path | None = None
) -> Iterator[str]:
    """A real Prometheus on loopback that holds folder/samples.txt (OpenMetrics); yields its URL and ends it after."""
    text, data = folder / "samples.txt", folder / "data"
    subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)], check=True, capture_output=True
    )
    config = folder / "prometheus.yml"
    files = [] if rules is None else [str(rules)]
    config.write_text(f"global: {{}}\nrule_files: {files}\n", encoding="utf-8")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                prometheus,
                f"--config.file={config}",
                f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=100y",
                f"--web.listen-address=127.0.0.1:{port}",
                *flags,
            ],
            stdout=log,
            stderr=log,
        )
        try:
            wait_until_ready(f"{url}/-/ready", process)
            yield url
        finally:
            process.terminate()
            process.wait(20)


def wait_until_ready(url: str, process: subprocess.Popen[bytes], deadline_s: float = 30.0) -> None:
    """Returns when the URL answers 200. Raises AssertionError when the process ends or the deadline passes first."""
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        assert process.poll() is None, "it ended while it was starting"
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"expected {url} to answer within {deadline_s} s")


def _open_metrics(series: Sequence[Series]) -> Iterator[str]:
    for one in sorted(series, key=lambda one: one.labels):
        name, labels = _split(one.labels)
        for time_ms, value in zip(one.timestamps.tolist(), one.values.tolist(), strict=True):
            yield f"{name}{labels} {format_sample(value)} {time_ms / 1000:.3f}\n"


def _split(labels: Labels) -> tuple[str, str]:
    values = dict(labels)
    name = values.pop("__name__")
    return name, "{" + ",".join(f'{key}="{value}"' for key, value in values.items()) + "}"
