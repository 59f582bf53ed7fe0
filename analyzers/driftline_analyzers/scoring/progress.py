"""How far scoring is: counts since the start by analyzer and, for each project, for how long its oldest settled trace has been waiting."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from driftline_analyzers.scoring.records import ScoreRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringReport:
    """What one run did. calls: looked at; scores, flagged, unknown, failed: by analyzer; withdrawn: scores that stand no more;
    errors: why traces wait for the next run; seconds: by scorer. is_complete is False when the run was told to stop.
    """

    calls: int
    scores: Mapping[str, int]
    flagged: Mapping[str, int]
    unknown: Mapping[str, int]
    failed: Mapping[str, int]
    withdrawn: int
    texts_embedded: int
    cache_hits: int
    seconds: Mapping[str, float]
    errors: Sequence[str]
    is_complete: bool

    def __add__(self, other: Self) -> Self:
        """Both together; of runners whose scorers are not the same."""
        return replace(
            self,
            calls=self.calls + other.calls,
            scores={**self.scores, **other.scores},
            flagged={**self.flagged, **other.flagged},
            unknown={**self.unknown, **other.unknown},
            failed={**self.failed, **other.failed},
            withdrawn=self.withdrawn + other.withdrawn,
            texts_embedded=self.texts_embedded + other.texts_embedded,
            cache_hits=self.cache_hits + other.cache_hits,
            seconds={**self.seconds, **other.seconds},
            errors=(*self.errors, *other.errors),
            is_complete=self.is_complete and other.is_complete,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringStats:
    """Since the start, as in ScoringReport. lag_s: by project, seconds since the oldest trace that is not scored had settled, 0 when none
    waits; waiting: how many wait, as far as they are known.
    """

    scoring_runs: int
    scored_calls: int
    scores: Mapping[str, int]
    flagged: Mapping[str, int]
    unknown: Mapping[str, int]
    failed: Mapping[str, int]
    withdrawn: int
    texts_embedded: int
    cache_hits: int
    seconds: Mapping[str, float]
    lag_s: Mapping[str, float]
    waiting: Mapping[str, int]


class ScoringRun:
    """Counts while a run goes on."""

    def __init__(self) -> None:
        self.calls = 0
        self.scores: Counter[str] = Counter()
        self.flagged: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.withdrawn = 0
        self.texts_embedded = 0
        self.cache_hits = 0
        self.seconds: dict[str, float] = {}
        self.errors: list[str] = []
        self.unusable: dict[str, str] = {}
        self.is_complete = True

    def add(self, rows: Sequence[ScoreRow]) -> None:
        """Count rows that were written."""
        for row in rows:
            name = row.key.analyzer
            self.scores[name] += row.status == "ok"
            self.flagged[name] += row.is_flagged
            self.unknown[name] += row.status == "unknown"
            self.failed[name] += row.status == "error"
            self.withdrawn += row.status == "withdrawn"

    def report(self) -> ScoringReport:
        """What it has come to."""
        return ScoringReport(
            calls=self.calls,
            scores=dict(self.scores),
            flagged=dict(self.flagged),
            unknown=dict(self.unknown),
            failed=dict(self.failed),
            withdrawn=self.withdrawn,
            texts_embedded=self.texts_embedded,
            cache_hits=self.cache_hits,
            seconds={name: round(seconds, 6) for name, seconds in self.seconds.items()},
            errors=(*self.errors, *(f"{name} cannot work: {why}" for name, why in self.unusable.items())),
            is_complete=self.is_complete,
        )


class ScoringBook:
    """Kept by the runner, read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due_ms: dict[str, dict[str, int]] = {}
        self._runs = 0
        self._calls = 0
        self._withdrawn = 0
        self._texts_embedded = 0
        self._cache_hits = 0
        self._by_analyzer = {name: Counter[str]() for name in ("scores", "flagged", "unknown", "failed")}
        self._seconds: dict[str, float] = {}

    def expect(self, project: str, settled_ms: Mapping[str, int]) -> None:
        """These traces of the project are due, with when each had settled (Unix ms); replaces what was expected."""
        with self._lock:
            self._due_ms[project] = dict(settled_ms)

    def scored(self, project: str, trace_ids: Sequence[str]) -> None:
        """Some of them are done."""
        with self._lock:
            for trace_id in trace_ids:
                self._due_ms.get(project, {}).pop(trace_id, None)

    def add(self, report: ScoringReport) -> None:
        """Count a run."""
        with self._lock:
            self._runs += 1
            self._calls += report.calls
            self._withdrawn += report.withdrawn
            self._texts_embedded += report.texts_embedded
            self._cache_hits += report.cache_hits
            for name, counts in self._by_analyzer.items():
                counts.update(getattr(report, name))
            for scorer, seconds in report.seconds.items():
                self._seconds[scorer] = self._seconds.get(scorer, 0.0) + seconds

    def stats(self, *, now_ms: int) -> ScoringStats:
        """As of now (Unix ms)."""
        with self._lock:
            by_analyzer = {name: dict(counts) for name, counts in self._by_analyzer.items()}
            return ScoringStats(
                scoring_runs=self._runs,
                scored_calls=self._calls,
                **by_analyzer,
                withdrawn=self._withdrawn,
                texts_embedded=self._texts_embedded,
                cache_hits=self._cache_hits,
                seconds=dict(self._seconds),
                lag_s={
                    project: max(0.0, (now_ms - min(due.values())) / 1000) if due else 0.0
                    for project, due in self._due_ms.items()
                },
                waiting={project: len(due) for project, due in self._due_ms.items()},
            )
