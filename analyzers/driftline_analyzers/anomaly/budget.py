"""Budgets: what may be spent in a day or a month, and what will have been spent at its end."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from driftline_core.errors import ConfigError

Period = Literal["day", "month"]
PROFILE_DAYS: Final = 7
_NAME: Final = re.compile(r"(?:(?P<project>[^:/]+):)?(?P<period>day|month)(?:/(?P<service>.+))?")
_DAY_HOURS: Final = 24
_LONGEST_TREND: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A limit in USD. Periods are of UTC. service: '' for the whole project."""

    project: str
    period: Period
    service: str
    limit_usd: float

    @classmethod
    def parse(cls, name: str, limit_usd: float) -> "Budget":
        """From a name as in the settings: day, month, day/<service>, <project>:day. Raises ConfigError."""
        match = _NAME.fullmatch(name)
        if match is None:
            raise ConfigError(f"expected day, month, day/<service> or <project>:day, got {name!r}")
        if not 0 < limit_usd < float("inf"):
            raise ConfigError(f"expected a limit above 0 USD for {name}, got {limit_usd}")
        return cls(
            project=match["project"] or "default",
            period=cast("Period", match["period"]),
            service=match["service"] or "",
            limit_usd=limit_usd,
        )

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """The period that holds now: its begin and its end (exclusive)."""
        begin = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.period == "day":
            return begin, begin + timedelta(days=1)
        begin = begin.replace(day=1)
        return begin, (begin + timedelta(days=32)).replace(day=1)


def forecast_usd(
    past: NDArray[np.float64], *, spent_usd: float, elapsed_hours: float, remaining_hours: float, hour_of_day: float
) -> float:
    """What will have been spent at the period's end.

    past: (n,) USD of each of the last whole hours before now, at most 7 days of them. hour_of_day: now, 0 to 24, UTC.
    With a day of past or more: what is spent, and for every hour that remains the mean of that hour of the day, times how the last 24
    hours were to the mean day (a quarter to 4 times), which fades out over a week. With less: at the rate so far.
    """
    if len(past) < _DAY_HOURS:
        return spent_usd * (1 + remaining_hours / elapsed_hours) if elapsed_hours > 0 else spent_usd
    days = past[len(past) % _DAY_HOURS :].reshape(-1, _DAY_HOURS)
    profile = np.roll(
        days.mean(axis=0), int(hour_of_day) % _DAY_HOURS
    )  # by hour of the day: the last whole hour ended at hour_of_day
    trend = 1.0
    if days.mean() > 0:
        trend = float(np.clip(days[-1].mean() / days.mean(), 1 / _LONGEST_TREND, _LONGEST_TREND))
    edges = hour_of_day + np.append(np.arange(0.0, remaining_hours), remaining_hours)
    lengths, middles = np.diff(edges), (edges[1:] + edges[:-1]) / 2
    share = np.exp(np.log(trend) * np.clip(1 - (middles - hour_of_day) / (_DAY_HOURS * PROFILE_DAYS), 0, 1))
    rest = profile[middles.astype(int) % _DAY_HOURS] * share * lengths
    return float(spent_usd + rest.sum())
