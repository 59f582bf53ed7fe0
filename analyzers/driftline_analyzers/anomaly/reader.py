"""Reads what the anomaly analyzer needs from the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import numpy as np

from driftline_analyzers.anomaly.measures import MEASURES
from driftline_analyzers.anomaly.season import Floats
from driftline_core.prices import COST_SQL
from driftline_core.store import Store

_SQL: Final = files("driftline_analyzers") / "sql"
_TOUCHED: Final = (_SQL / "anomaly_touched.sql").read_text(encoding="utf-8")
_SERIES: Final = (_SQL / "anomaly_series.sql").read_text(encoding="utf-8")
_BUCKETS: Final = (_SQL / "anomaly_buckets.sql").read_text(encoding="utf-8").replace("-- include cost", COST_SQL)
_HISTORY: Final = (_SQL / "anomaly_history.sql").read_text(encoding="utf-8")

Pair = tuple[str, str]
"""(service, model)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Minutes that were computed anew: the first one, Unix seconds, and when the newest was, Unix milliseconds."""

    first_s: int
    newest_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """Figures of consecutive buckets of a service and model. values: measure -> (n,), NaN: none; calls: (n,)."""

    values: Mapping[str, Floats]
    calls: Floats


class AnomalyReader:
    """Queries of the anomaly analyzer. Times are Unix seconds. Every method raises StoreError."""

    def __init__(self, store: Store, *, bucket_s: int) -> None:
        self._store = store
        self._bucket_s = bucket_s

    def projects(self) -> list[str]:
        """Names of the projects that have sent calls."""
        rows = self._store.rows("SELECT DISTINCT project FROM rollup_1m ORDER BY project")
        return [str(row["project"]) for row in rows]

    def touched(self, project: str, *, since_ms: int, from_s: int) -> Touched | None:
        """What the rollup has computed since; None: nothing."""
        (row,) = self._store.rows(_TOUCHED, {"project": project, "since_ms": since_ms, "from_s": from_s})
        return Touched(first_s=int(row["first_s"]), newest_ms=int(row["newest_ms"])) if row["n"] else None

    def pairs(self, project: str, *, from_s: int, to_s: int) -> list[Pair]:
        """Services and models with calls, most first."""
        rows = self._store.rows(_SERIES, {"project": project, "from_s": from_s, "to_s": to_s})
        return [(str(row["service_name"]), str(row["model_name"])) for row in rows]

    def buckets(self, project: str, *, from_s: int, to_s: int) -> dict[Pair, Buckets]:
        """Figures of every service and model with calls from from_s to to_s. An amount is NaN in buckets without calls, like the others."""
        n = (to_s - from_s) // self._bucket_s
        parameters = {"project": project, "from_s": from_s, "to_s": to_s, "bucket_s": self._bucket_s}
        found: dict[Pair, Buckets] = {}
        for row in self._store.rows(_BUCKETS, parameters):
            pair = (str(row["service_name"]), str(row["model_name"]))
            if pair not in found:
                found[pair] = Buckets(values={name: np.full(n, np.nan) for name in MEASURES}, calls=np.zeros(n))
            at, calls = (int(row["bucket"]) - from_s) // self._bucket_s, float(row["n_calls"])
            found[pair].calls[at] = calls
            figures = {
                "requests": calls,
                "tokens": row["n_tokens"],
                "cost": row["usd"],
                "latency_p95": row["p95_ms"],
                "error_share": row["n_errors"] / calls,
            }
            for name, figure in figures.items():
                if figure is not None and calls >= MEASURES[name].min_calls:
                    found[pair].values[name][at] = figure
        return found

    def history(self, project: str, *, from_s: int, to_s: int) -> dict[tuple[Pair, str], Floats]:
        """Values that were written before, by series and measure, each from from_s on: (n,), NaN: none."""
        n = (to_s - from_s) // self._bucket_s
        parameters = {"project": project, "from_s": from_s, "to_s": to_s, "bucket_s": self._bucket_s}
        found: dict[tuple[Pair, str], Floats] = {}
        for row in self._store.rows(_HISTORY, parameters):
            values = np.full(n, np.nan)
            values[(np.array(row["buckets"], dtype=np.int64) - from_s) // self._bucket_s] = row["known"]
            found[(str(row["service_name"]), str(row["model_name"])), str(row["measure_name"])] = values
        return found
