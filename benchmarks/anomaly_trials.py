"""Alarms over series with and without something planted: what eval_anomaly counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.anomaly_series import FIRST, N_WINDOWS, SEED, WINDOW_S, Floats, Plant, TrafficSeries
from driftline_analyzers.anomaly.baseline import SeasonalBaseline
from driftline_analyzers.anomaly.measures import MEASURES

_BLOCK: Final = 36
"""Windows from one fit to the next."""
_TRAILING: Final = 144

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Of each window from FIRST on, all (n,): the value, what was expected, the robust z or its peer's."""

    values: Floats
    expected: Floats
    z: Floats


Subject = Callable[[TrafficSeries, int, int], Judgement]
"""(series, from window, to window): judges those windows by what is before each block."""


def seasonal(series: TrafficSeries, begin: int, end: int) -> Judgement:
    """As the analyzer does, fitted anew every six hours."""
    measure = MEASURES[series.measure]
    parts = []
    for at in range(begin, end, _BLOCK):
        until = min(at + _BLOCK, end)
        baseline = SeasonalBaseline(step=timedelta(seconds=WINDOW_S), scaling=measure.scaling, unit=measure.unit)
        parts.append(
            baseline.fit(series.values[:at], start_s=0).judge(
                series.values[at:until], noise=measure.noise(series.calls[at:until])
            )
        )
    return Judgement(
        values=series.values[begin:end],
        expected=np.concatenate([part.expected for part in parts]),
        z=np.concatenate([part.z for part in parts]),
    )


def trailing(series: TrafficSeries, begin: int, end: int) -> Judgement:
    """The naive peer: mean and standard deviation of the 24 hours before."""
    rows = np.lib.stride_tricks.sliding_window_view(series.values, _TRAILING)[begin - _TRAILING : end - _TRAILING]
    n_known = np.isfinite(rows).sum(axis=1)
    mean = np.nansum(rows, axis=1) / np.maximum(n_known, 1)
    spread = np.sqrt(np.nansum((rows - mean[:, None]) ** 2, axis=1) / np.maximum(n_known - 1, 1))
    mean = np.where(n_known >= 2, mean, np.nan)
    values = series.values[begin:end]
    z = np.divide(values - mean, spread, out=np.zeros(end - begin), where=spread > 0)
    return Judgement(values=values, expected=mean, z=np.where(np.isfinite(mean), z, np.nan))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A rule: |z| at least z, and the value over `ratio` times the expected one or under 1 / drop_ratio of it, in n_windows windows in a
    row (for); alarms less than keep_windows apart are one (keep_firing_for). drop_ratio: None where less is no alarm.
    """

    z: float
    ratio: float
    n_windows: int
    drop_ratio: float | None = None
    keep_windows: int = 3

    def firing(self, judged: Judgement) -> Bools:
        """Whether an alarm is firing at each window's end: (n,)."""
        with np.errstate(invalid="ignore"):
            high: Bools = np.logical_and(judged.z >= self.z, judged.values >= self.ratio * judged.expected)
            if self.drop_ratio is None:
                return self._lasting(high)
            low: Bools = np.logical_and(judged.z <= -self.z, judged.values * self.drop_ratio <= judged.expected)
        return self._lasting(high) | self._lasting(low)

    def _lasting(self, met: Bools) -> Bools:
        """Met in n_windows in a row, and kept for keep_windows after."""
        padded = np.concatenate([np.zeros(self.n_windows - 1, dtype=bool), met])
        raised = np.all(np.lib.stride_tricks.sliding_window_view(padded, self.n_windows), axis=1)
        held = np.concatenate([np.zeros(self.keep_windows, dtype=bool), raised])
        kept: Bools = np.asarray(
            np.any(np.lib.stride_tricks.sliding_window_view(held, self.keep_windows + 1), axis=1), dtype=np.bool_
        )
        return kept


def onsets(firing: Bools) -> NDArray[np.int64]:
    """Where alarms begin."""
    return np.flatnonzero(firing & ~np.concatenate([[False], firing[:-1]]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One plant in one series: the windows from `lead` before its begin to its end, judged."""

    series: str
    judged: Judgement
    lead: int

    def delay_s(self, policy: Policy) -> float | None:
        """Seconds from the plant's begin to the end of the window that raises an alarm; None: not raised. An alarm that was already firing
        when it began counts for nothing."""
        firing = policy.firing(self.judged)
        found = onsets(firing)
        found = found[found >= self.lead]
        if not len(found):
            return None
        return float((found[0] - self.lead + 1) * WINDOW_S)


def plant_trials(
    series: Sequence[TrafficSeries], plant: Plant, subject: Subject, *, n_each: int, longest: int = 72
) -> list[Trial]:
    """n_each trials of every series that the plant fits, at windows with traffic, in the judged days. The same for every subject."""
    made = []
    for one in series:
        if one.measure not in plant.measures:
            continue
        rng = np.random.default_rng([SEED, len(one.name), int(np.nansum(one.values)) % 2**31])
        last = N_WINDOWS - min(plant.n_windows, longest)
        usable = [at for at in range(FIRST + 12, last) if np.nan_to_num(one.values[at : at + 6]).min() > 0]
        if len(usable) < n_each:
            continue
        for at in rng.choice(usable, n_each, replace=False):
            lead = 12
            judged = subject(plant.into(one, int(at)), int(at) - lead, int(at) + min(plant.n_windows, longest))
            made.append(Trial(series=one.name, judged=judged, lead=lead))
    return made


SUBJECTS: Final[dict[str, Subject]] = {"seasonal": seasonal, "trailing": trailing}
