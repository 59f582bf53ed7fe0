"""The sequential monitor over the segments of a project."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from driftline_analyzers.runner.findings import Finding
from driftline_analyzers.runner.history import History
from driftline_analyzers.runner.monitoring import Monitoring
from driftline_analyzers.settings import AnalyzerSettings
from tests.analyzers.runner.test_decisions import finding

HOUR_MS = 3_600_000


def a_window(p_value: float | None, *, hour: int, segment: str) -> Finding:
    return replace(
        finding(p_value, start_ms=hour * HOUR_MS, segment=segment),
        end_ms=(hour + 1) * HOUR_MS,
        explanation={"seen": {}, "reference": ""},
    )


def settings(days: float) -> AnalyzerSettings:
    return AnalyzerSettings(mean_time_between_false_alarms=timedelta(days=days))


def test_the_time_between_false_alarms_is_shared_by_the_segments() -> None:
    history = History(())
    history.note([a_window(0.4, hour=0, segment="gone")])  # not in this tick, yet watched
    rows = Monitoring(settings(30)).watch(
        [a_window(0.5, hour=1, segment="a"), a_window(0.5, hour=1, segment="b"), a_window(None, hour=1, segment="c")],
        history,
    )
    assert [row.segment for row in rows] == ["a", "b"]
    told = [row.explanation["sequential"] for row in rows]
    assert [(one["n_streams"], one["mean_windows_between_false_alarms"]) for one in told] == [(3, 3 * 720)] * 2
    assert rows[0].alpha == pytest.approx(1 / (3 * 720))


def test_twenty_steady_segments_together_alarm_no_oftener_than_was_asked() -> None:
    """Ten days of hours at one false alarm in ten days: one is expected. Had each segment ten days of its own it were twenty."""
    rng = np.random.default_rng(0)
    monitor, history = Monitoring(settings(10)), History(())
    n_alarms, n_hours = 0, 24 * 10
    for hour in range(n_hours):
        tick = [a_window(float(rng.uniform()), hour=hour, segment=str(i)) for i in range(20)]
        n_alarms += sum(row.is_confirmed for row in monitor.watch(tick, history))
        history.note(tick)
    assert n_alarms <= 5  # more have probability 0.0006
