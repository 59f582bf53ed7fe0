"""Series of real LLM traffic for eval_anomaly, and what is planted into them."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from driftline_analyzers.anomaly.measures import MEASURES

Floats = NDArray[np.float64]

WINDOW_S: Final = 600
N_WINDOWS: Final = 7 * 144
FIRST: Final = 3 * 144
"""The first window that is judged: three days are history."""
_USD_PER_TOKEN: Final = {"in": 2.5e-6, "out": 10e-6}
_FIRST_TOKEN_MS: Final = 300.0
_MIN_ACTIVE: Final = 0.5
_MAX_DRAWN: Final = 300
_QUANTILES: Final = ("p50", "p90", "p95", "p99", "max")
_SHARES: Final = (0.0, 0.5, 0.9, 0.95, 0.99, 1.0)
_TOKEN_COLUMNS: Final = ("in_mean", "in_sd", "out_mean", "out_sd", *(f"out_{name}" for name in _QUANTILES))
SEED: Final = 20261128


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficSeries:
    """One client's week in windows of 10 minutes. values: (1008,), NaN: unknown; calls: (1008,) requests, which latency is judged by.

    half: 'chosen' on it thresholds are set, 'held' figures are reported.
    """

    measure: str
    name: str
    half: str
    values: Floats
    calls: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """What is planted: values times `factor` for n_windows."""

    name: str
    measures: tuple[str, ...]
    factor: float
    n_windows: int

    def into(self, series: TrafficSeries, at: int) -> TrafficSeries:
        """The series with it from window `at` on; counts stay whole, calls change with requests."""
        values = series.values.copy()
        values[at : at + self.n_windows] *= self.factor
        return replace(series, values=np.round(values) if series.measure == "requests" else values)


PLANTS: Final = (
    Plant(name="cost x3, 2 h", measures=("cost",), factor=3.0, n_windows=12),
    Plant(name="cost x1.5, 6 h", measures=("cost",), factor=1.5, n_windows=36),
    Plant(name="cost x2 for good", measures=("cost",), factor=2.0, n_windows=N_WINDOWS),
    Plant(name="requests x3, 2 h", measures=("requests",), factor=3.0, n_windows=12),
    Plant(name="requests x1.5, 6 h", measures=("requests",), factor=1.5, n_windows=36),
    Plant(name="requests gone, 2 h", measures=("requests",), factor=0.0, n_windows=12),
    Plant(name="requests x2 for good", measures=("requests",), factor=2.0, n_windows=N_WINDOWS),
    Plant(name="latency x2, 2 h", measures=("latency_p95",), factor=2.0, n_windows=12),
    Plant(name="latency x1.5, 6 h", measures=("latency_p95",), factor=1.5, n_windows=36),
)


def load_series(data: Path) -> list[TrafficSeries]:
    """Requests of every client that is active in more than half of the windows; cost and p95 latency where its token lengths are known.

    Requests are the published counts. Cost: mean prompt and completion tokens of the client's six hours with the error that a mean of so
    many requests has, at 2.50 and 10 USD per million. Latency: 300 ms and, for up to 300 requests a window, a completion length drawn by
    the six hours' quantiles times a speed drawn from the published single requests; p95 of at least 10.
    """
    folder = data / "traces_servegen"
    table = pq.read_table(
        folder / "client_windows.parquet", columns=["model", "client", "window_start_s", "n_requests"]
    )
    keys = _keys(table)
    at, n = table.column("window_start_s").to_numpy() // WINDOW_S, table.column("n_requests").to_numpy()
    tokens, speeds = _token_lengths(folder), _token_speeds(folder)
    names = sorted(set(keys))
    halves = np.where(np.random.default_rng(SEED).permutation(len(names)) % 2, "held", "chosen")
    made: list[TrafficSeries] = []
    for number, name in enumerate(names):
        rows = keys == name
        calls = np.bincount(at[rows], weights=n[rows], minlength=N_WINDOWS)[:N_WINDOWS].astype(np.float64)
        if np.mean(calls > 0) <= _MIN_ACTIVE:
            continue
        measures = {"requests": calls}
        if name in tokens:
            rng = np.random.default_rng([SEED, number])
            measures |= {
                "cost": _cost(calls, tokens[name], rng),
                "latency_p95": _latency(calls, tokens[name], speeds, rng),
            }
        made += [
            TrafficSeries(measure=measure, name=name, half=str(halves[number]), values=values, calls=calls)
            for measure, values in measures.items()
        ]
    return made


def _keys(table: pa.Table) -> NDArray[np.str_]:
    model = table.column("model").to_pylist()
    return np.array(
        [f"{name}/{client}" for name, client in zip(model, table.column("client").to_pylist(), strict=True)]
    )


def _token_lengths(folder: Path) -> dict[str, dict[str, Floats]]:
    """Of each client, figures of the last known six hours at every window: name -> (1008,)."""
    table = pq.read_table(folder / "client_tokens_6h.parquet")
    keys = _keys(table)
    starts = table.column("window_start_s").to_numpy()
    found = {}
    for name in sorted(set(keys)):
        rows = np.flatnonzero(keys == name)
        rows = rows[np.argsort(starts[rows])]
        at = np.searchsorted(starts[rows], np.arange(N_WINDOWS) * WINDOW_S, side="right") - 1
        found[name] = {
            column: table.column(column).to_numpy()[rows][np.maximum(at, 0)].astype(np.float64)
            for column in _TOKEN_COLUMNS
        }
    return found


def _cost(calls: Floats, tokens: Mapping[str, Floats], rng: np.random.Generator) -> Floats:
    cost = np.zeros(N_WINDOWS)
    for kind, usd in _USD_PER_TOKEN.items():
        error = rng.standard_normal(N_WINDOWS) * np.nan_to_num(tokens[f"{kind}_sd"]) / np.sqrt(np.maximum(calls, 1))
        cost += calls * usd * np.maximum(tokens[f"{kind}_mean"] + error, 0.1 * tokens[f"{kind}_mean"])
    return cost


def _latency(calls: Floats, tokens: Mapping[str, Floats], speeds: Floats, rng: np.random.Generator) -> Floats:
    p95 = np.full(N_WINDOWS, np.nan)
    for window in np.flatnonzero(calls >= MEASURES["latency_p95"].min_calls):
        n = int(min(calls[window], _MAX_DRAWN))
        lengths = np.interp(rng.random(n), _SHARES, [1.0, *(tokens[f"out_{name}"][window] for name in _QUANTILES)])
        p95[window] = np.quantile(_FIRST_TOKEN_MS + lengths * rng.choice(speeds, n), 0.95)
    return p95


def _token_speeds(folder: Path) -> Floats:
    """Milliseconds per output token of the published single requests: (n,)."""
    with gzip.open(folder / "latency_sample.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return np.array([row["duration_ms"] / max(row["response_tokens"], 1) for row in rows])
