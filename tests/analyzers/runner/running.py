"""A runner over a store, and what it wrote."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.runner.runner import AnalysisRunner
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.store import Store
from tests.analyzers.traffic import EPOCH, Call, calls

HOUR = timedelta(hours=1)
N_WINDOWS = 8
"""A reference is eight windows large."""


def settings(**changes: Any) -> AnalyzerSettings:
    """Fast and strict enough for a handful of tests; semantic drift alone unless told otherwise."""
    chosen: dict[str, Any] = {
        "n_permutations": 199,
        "max_permutations": 1999,
        "alpha": 0.01,
        "min_samples": 20,
        "analyzers": ("semantic_drift",),
        "reference_check_windows": 0,
    }
    return AnalyzerSettings(**(chosen | changes))


def run(store: Store, embedder: SentenceEmbedder, *, hours: float, **changes: Any) -> AnalysisRunner:
    """Run once, `hours` after the epoch; the runner, for more."""
    runner = AnalysisRunner(settings(**changes), store, lambda: EPOCH + hours * HOUR, embedder=embedder)
    report = runner.run_once()
    assert (report.errors, report.is_complete) == (0, True)
    return runner


def findings(store: Store, **only: str) -> list[dict[str, Any]]:
    """Findings of the default project in order, those with these values."""
    rows = store.rows(
        "SELECT * FROM findings FINAL WHERE project = 'default' "
        "ORDER BY window_start, service, segment_by, segment, analyzer, field"
    )
    chosen = [row for row in rows if all(row[name] == value for name, value in only.items())]
    return [row | {"explanation": json.loads(row["explanation"])} for row in chosen]


def statuses(store: Store, **only: str) -> list[str]:
    """Their statuses, one a window, of completions."""
    return [row["status"] for row in findings(store, **({"field": "completion"} | only))]


def drifted(store: Store) -> set[tuple[str, str, str]]:
    """(analyzer, segment, field) that drifted in some window."""
    return {(row["analyzer"], row["segment"], row["field"]) for row in findings(store) if row["status"] == "drift"}


def steady(n_hours: int = N_WINDOWS, *, from_hour: int = 0, **like: Any) -> list[Call]:
    """Usual traffic, 50 calls an hour."""
    return [
        call
        for hour in range(from_hour, from_hour + n_hours)
        for call in calls(25, start=EPOCH + hour * HOUR, seed=1000 + hour, **like)
    ]


def at(moment: datetime) -> float:
    """Hours after the epoch of a time as the store returns it."""
    return (moment.replace(tzinfo=EPOCH.tzinfo) - EPOCH) / HOUR


def without_time(row: Mapping[str, Any]) -> dict[str, Any]:
    """A finding less the moment at which it was computed."""
    return {name: value for name, value in row.items() if name != "computed_at"}
