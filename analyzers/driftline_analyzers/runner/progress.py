"""How far the analyzers are: counts since the start and, for each project, for how long its oldest settled window has been waiting."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from driftline_analyzers.runner.report import RunReport


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisStats:
    """Since the start. lag_s: by project, seconds since the oldest window that is not tested had settled, 0 when none waits; waiting:
    how many wait. reduced_windows were tested on fewer texts because they had waited; failed_windows count each time that one fails;
    seconds: by phase (read, embed, test, write).
    """

    runs: int
    tested_windows: int
    reduced_windows: int
    failed_windows: int
    findings: int
    drifts: int
    scores: int
    texts_embedded: int
    cache_hits: int
    seconds: Mapping[str, float]
    lag_s: Mapping[str, float]
    waiting: Mapping[str, int]


class ProgressBook:
    """Kept by the runner, read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due_ms: dict[str, set[int]] = {}
        self._counts = dict.fromkeys(
            ("runs", "windows", "reduced", "errors", "findings", "drifts", "scores", "texts_embedded", "cache_hits"), 0
        )
        self._seconds: dict[str, float] = {}

    def expect(self, project: str, settled_ms: Iterable[int]) -> None:
        """These windows of the project are due, each named by when it had settled (Unix ms); replaces what was expected."""
        with self._lock:
            self._due_ms[project] = set(settled_ms)

    def tested(self, project: str, settled_ms: int) -> None:
        """One of them is done."""
        with self._lock:
            self._due_ms.get(project, set()).discard(settled_ms)

    def add(self, report: RunReport) -> None:
        """Count a run."""
        with self._lock:
            self._counts["runs"] += 1
            for name in self._counts.keys() - {"runs"}:
                self._counts[name] += getattr(report, name)
            for phase, seconds in report.seconds.items():
                self._seconds[phase] = self._seconds.get(phase, 0.0) + seconds

    def stats(self, *, now_ms: int) -> AnalysisStats:
        """As of now (Unix ms)."""
        with self._lock:
            counts = self._counts
            return AnalysisStats(
                runs=counts["runs"],
                tested_windows=counts["windows"],
                reduced_windows=counts["reduced"],
                failed_windows=counts["errors"],
                findings=counts["findings"],
                drifts=counts["drifts"],
                scores=counts["scores"],
                texts_embedded=counts["texts_embedded"],
                cache_hits=counts["cache_hits"],
                seconds=dict(self._seconds),
                lag_s={
                    project: max(0.0, (now_ms - min(due)) / 1000) if due else 0.0
                    for project, due in self._due_ms.items()
                },
                waiting={project: len(due) for project, due in self._due_ms.items()},
            )
