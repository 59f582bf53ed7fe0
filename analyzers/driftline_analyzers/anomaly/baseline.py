"""What a value should be, by the hour of the week and the level of the last day, and how far from it a value is."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.anomaly.season import (
    DAY_HOURS,
    WEEK_HOURS,
    Floats,
    carried,
    day_shape,
    days_of,
    row_medians,
    running_medians,
)
from driftline_core.errors import InputError

_HOUR_S: Final = 3600
_NORMAL_MAD: Final = 1.4826
_TAIL: Final = 0.98
_NORMAL_TAIL: Final = 2.3263
"""|z| that a normal variable exceeds with 1 - _TAIL."""
_BAND: Final = 3.0
_PASSES: Final = 2
_OFFSET_SHARE: Final = 3.0
_WEEKDAYS: Final = 7
_WEIGHTS: Final = (0.0, 0.5, 1.0)
_GAIN: Final = 0.98


class Scaling(StrEnum):
    """How values are made comparable: logarithm for amounts (a change is a ratio), arcsine of the root for shares from 0 to 1."""

    LOG = "log"
    ARCSINE = "arcsine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Of each value, all (n,), NaN where there is too little history: what was expected and a band of 3 scales around it, in the value's
    unit; scale, in transformed units; z, the robust z-score, NaN also where the value is unknown.
    """

    expected: Floats
    lower: Floats
    upper: Floats
    scale: Floats
    z: Floats


class SeasonalBaseline:
    """Seasonal medians around a level that follows, in transformed units: y = level + hour of the week + noise.

    step: distance of values; an hour is a multiple of it. scaling: see Scaling; values are at least 0.
    unit: what is next to nothing (one request, a tenth of a cent). The logarithm is of value + offset, offset the larger of unit and 3
    times the median positive value: changes of twice and half are nearly in proportion, and a burst of a hundredfold does not count a
    hundredfold.
    min_scale: smallest scale in transformed units, so that a constant series does not explode; 0.0125 is about 5 % of the median.
    level_window: the level is the median of that much before the hour, the season taken out; a shift that lasts becomes the level from half
    of it on, wholly after all of it, while the shape of the day keeps its old size until most days are new ones. min_history: known time
    before which nothing is said.
    daily_prior, weekly_prior: days and weeks that pull the shape of the day to flat, and the weekday's to that of the day; what weekdays
    differ in as a whole is learned from two weeks on. Of the season none, half or all is used, whichever misses least on days left out.
    scale_prior: days that pull the scale of an hour of the day to that of all.

    Scales are those of one-step-ahead residuals against shapes made without the residual's own day, above and below apart, since bursts
    have one side: the larger of 1.4826 MAD and the 98 % quantile over the normal one. Up to 2 % strange values leave it alone, more make
    it wider. Hours are UTC. Deterministic; input unchanged. Raises InputError.
    """

    def __init__(
        self,
        *,
        step: timedelta,
        scaling: Scaling = Scaling.LOG,
        unit: float = 1.0,
        min_scale: float = 0.0125,
        level_window: timedelta = timedelta(days=1),
        min_history: timedelta = timedelta(days=1),
        daily_prior: float = 1.0,
        weekly_prior: float = 1.0,
        scale_prior: float = 7.0,
    ) -> None:
        step_s = int(step.total_seconds())
        if step_s <= 0 or _HOUR_S % step_s:
            raise InputError(f"expected a step that divides an hour, got {step}")
        if unit <= 0 or min_scale <= 0:
            raise InputError(f"expected unit and min_scale above 0, got {unit} and {min_scale}")
        self.step = step
        self.scaling = scaling
        self.unit = unit
        self.min_scale = min_scale
        self.level_window = level_window
        self.min_history = min_history
        self.daily_prior = daily_prior
        self.weekly_prior = weekly_prior
        self.scale_prior = scale_prior
        self._step_s = step_s
        self._level_hours = max(2, round(level_window.total_seconds() / _HOUR_S))

    def fit(self, values: Floats, *, start_s: int) -> Self:
        """Learn from values (n,) of steps from start_s (Unix seconds, on a step) on; NaN: unknown. Any length, also none."""
        self._start_s = start_s
        self._history = self._checked(values)
        if start_s % self._step_s:
            raise InputError(f"expected a start on a step of {self._step_s} s, got {start_s}")
        known = self._history[np.isfinite(self._history)]
        positive = known[known > 0]
        self._offset = max(self.unit, _OFFSET_SHARE * float(np.median(positive))) if len(positive) else self.unit
        self._is_known = len(known) * self._step_s >= self.min_history.total_seconds()
        if self._is_known:
            self._learn(self._transform(self._history))
        return self

    def judge(self, values: Floats, *, noise: Floats | None = None) -> Judged:
        """The values (n,) right after the history. Each is held against what was before its hour; shapes and scales are the history's.

        noise: (n,) standard error of each value in transformed units where it is known, else NaN; the scale is at least that.
        """
        current = self._checked(values)
        if not self._is_known:
            unknown = np.full(len(current), np.nan)
            return Judged(expected=unknown, lower=unknown, upper=unknown, scale=unknown, z=unknown)
        n = len(self._history)
        y = self._transform(np.concatenate([self._history, current]))
        hours = self._hours(len(y))
        level = self._trailing_level(self._by_hour(y), self._shapes)[hours - hours[0]] if len(y) else y
        centre = (level + self._between_hours(self._shapes.ravel(), len(y)))[n:]
        up, down = (scales[hours[n:] % DAY_HOURS] for scales in (self._above, self._below))
        if noise is not None:
            up, down = np.fmax(up, noise), np.fmax(down, noise)
        scale = np.where(y[n:] < centre, down, up)
        return Judged(
            expected=self._inverse(centre),
            lower=self._inverse(centre - _BAND * down),
            upper=self._inverse(centre + _BAND * up),
            scale=scale,
            z=(y[n:] - centre) / scale,
        )

    def _learn(self, y: Floats) -> None:
        """Shapes (7, 24) and the scales above and below (24,) from transformed values (n,)."""
        hourly = self._by_hour(y)
        first_hour = self._start_s // _HOUR_S
        shapes = np.zeros((_WEEKDAYS, DAY_HOURS))
        half = (WEEK_HOURS if len(hourly) >= 2 * WEEK_HOURS else DAY_HOURS) // 2
        for _ in range(_PASSES):
            level = running_medians(self._flat(hourly, shapes), before=half, after=half + 1)[:-1]
            days = days_of(hourly - carried(level), first_hour=first_hour)
            weekdays = (first_hour // DAY_HOURS + np.arange(len(days))) % _WEEKDAYS
            shapes = np.stack([self._shape(days, weekdays, weekday) for weekday in range(_WEEKDAYS)])
        others = [
            self._shape(np.delete(days, i, axis=0), np.delete(weekdays, i), int(weekdays[i])) for i in range(len(days))
        ]
        without = self._between_hours(np.concatenate(others), len(y), first_hour=first_hour // DAY_HOURS * DAY_HOURS)
        weight, residuals = self._weighed(y, hourly, shapes, without)
        self._shapes = weight * shapes
        self._above, self._below = (
            self._scale_of_hours(np.where(side >= 0, side, np.nan)) for side in (residuals, -residuals)
        )

    def _weighed(self, y: Floats, hourly: Floats, shapes: Floats, without: Floats) -> tuple[float, Floats]:
        """How much of the season is used, and the residuals (n,) then: more only where it misses clearly less on days it has not seen."""
        hours = self._hours(len(y))
        chosen, residuals, least = 0.0, np.full(len(y), np.nan), np.inf
        for weight in _WEIGHTS:
            level = self._trailing_level(hourly, weight * shapes)[hours - hours[0]]
            candidate = y - level - weight * without
            known = candidate[np.isfinite(candidate)]
            if len(known) and (miss := float(np.abs(known).mean())) < _GAIN * least:
                chosen, residuals, least = weight, candidate, miss
        return chosen, residuals

    def _scale_of_hours(self, residuals: Floats) -> Floats:
        """Scale at each hour of the day, shrunk to the overall one. residuals: (n,) from 0, NaN: unknown. Returns (24,)."""
        per_day = DAY_HOURS * _HOUR_S // self._step_s
        lead = self._start_s % (DAY_HOURS * _HOUR_S) // self._step_s
        padded = np.pad(residuals, (lead, -(lead + len(residuals)) % per_day), constant_values=np.nan)
        by_hour = padded.reshape(-1, DAY_HOURS, per_day // DAY_HOURS)  # (days, 24, steps of an hour)
        n_days = len(by_hour)
        overall = _spreads(residuals[np.newaxis])[0]
        own = _spreads(by_hour.transpose(1, 0, 2).reshape(DAY_HOURS, -1))
        weight = n_days / (n_days + self.scale_prior)
        mixed = weight * np.where(np.isfinite(own), own, overall) + (1 - weight) * overall
        scales: Floats = np.maximum(np.nan_to_num(mixed), self.min_scale)
        return scales

    def _shape(self, days: Floats, weekdays: NDArray[np.int64], weekday: int) -> Floats:
        return day_shape(days, weekdays, weekday=weekday, daily_prior=self.daily_prior, weekly_prior=self.weekly_prior)

    def _flat(self, hourly: Floats, shapes: Floats) -> Floats:
        """Hours with the season taken out."""
        hours = self._start_s // _HOUR_S + np.arange(len(hourly))
        return hourly - shapes[hours // DAY_HOURS % _WEEKDAYS, hours % DAY_HOURS]

    def _trailing_level(self, hourly: Floats, shapes: Floats) -> Floats:
        """Level before each hour, the last known one over gaps. Returns (hours + 1,)."""
        return carried(running_medians(self._flat(hourly, shapes), before=self._level_hours, after=0))

    def _hours(self, n: int) -> NDArray[np.int64]:
        """Hours since the epoch of the first n steps."""
        return (self._start_s + self._step_s * np.arange(n, dtype=np.int64)) // _HOUR_S

    def _between_hours(self, shape: Floats, n: int, *, first_hour: int = 0) -> Floats:
        """A shape at the first n steps, straight between the middles of its hours. shape: (hours,) from first_hour on, repeated. (n,)"""
        middles = (self._start_s + self._step_s * (np.arange(n) + 0.5)) / _HOUR_S - 0.5 - first_hour
        before = np.floor(middles).astype(np.int64)
        share = middles - before
        between: Floats = (1 - share) * shape[before % len(shape)] + share * shape[(before + 1) % len(shape)]
        return between

    def _by_hour(self, y: Floats) -> Floats:
        per_hour = _HOUR_S // self._step_s
        lead = self._start_s % _HOUR_S // self._step_s
        padded = np.pad(y, (lead, -(lead + len(y)) % per_hour), constant_values=np.nan)
        return row_medians(padded.reshape(-1, per_hour))

    def _transform(self, values: Floats) -> Floats:
        if self.scaling is Scaling.LOG:
            return np.log(values + self._offset)
        return np.arcsin(np.sqrt(values))

    def _inverse(self, y: Floats) -> Floats:
        if self.scaling is Scaling.LOG:
            return np.maximum(np.exp(y) - self._offset, 0.0)
        return np.sin(np.clip(y, 0.0, np.pi / 2)) ** 2

    def _checked(self, values: Floats) -> Floats:
        checked = np.array(values, dtype=np.float64)
        highest = np.inf if self.scaling is Scaling.LOG else 1.0
        if checked.ndim != 1 or (checked < 0).any() or (checked > highest).any() or np.isinf(checked).any():
            raise InputError(f"expected values (n,) from 0 to {highest}, finite or NaN, got shape {checked.shape}")
        return checked


def _spreads(rows: Floats) -> Floats:
    """Robust scale of each row's residuals. rows: (k, m) from 0, NaN: unknown. Returns (k,), NaN where none is known."""
    ordered = np.sort(rows, axis=1)  # NaN last
    last = np.isfinite(rows).sum(axis=1) - 1
    every = np.arange(len(rows))

    def quantile(share: float) -> Floats:
        at = share * np.maximum(last, 0)
        before = np.floor(at).astype(np.int64)
        low, high = ordered[every, before], ordered[every, np.ceil(at).astype(np.int64)]
        between: Floats = low + (high - low) * (at - before)
        return between

    return np.maximum(_NORMAL_MAD * quantile(0.5), quantile(_TAIL) / _NORMAL_TAIL)
