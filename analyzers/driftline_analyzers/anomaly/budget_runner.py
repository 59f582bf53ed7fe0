"""Writes what was spent of every budget, and what will have been spent at its period's end."""

from datetime import datetime, timedelta
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.anomaly.budget import PROFILE_DAYS, Budget, forecast_usd
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.clock import Clock, utc_now
from driftline_core.prices import COST_SQL
from driftline_core.service import PeriodicService
from driftline_core.store import Store

COLUMNS: Final = (
    "project", "period", "service", "at", "period_start", "limit_usd", "spent_usd", "forecast_usd",
)  # fmt: skip
_HOURS: Final = (
    (files("driftline_analyzers") / "sql" / "budget_hours.sql")
    .read_text(encoding="utf-8")
    .replace("-- include cost", COST_SQL)
)
_EVERY: Final = timedelta(minutes=5)
_HOUR_S: Final = 3600


class BudgetRunner:
    """A row for every budget and five minutes. Workers that share a store write the same rows, so there is no lease.

    Calls without a price cost nothing here; driftline_unpriced_calls_total counts them.
    """

    def __init__(self, store: Store, settings: AnalyzerSettings | None = None, clock: Clock = utc_now) -> None:
        self.budgets = [Budget.parse(*entry) for entry in (settings or AnalyzerSettings()).budgets.items()]
        self._store = store
        self._clock = clock

    def run_once(self) -> int:
        """Write a row for each budget; returns how many. Raises StoreError."""
        now = self._clock()
        at = now - (now - now.replace(hour=0, minute=0, second=0, microsecond=0)) % _EVERY
        rows = [self._row(budget, at) for budget in self.budgets]
        self._store.insert("budget_points", COLUMNS, rows)
        return len(rows)

    def service(self) -> PeriodicService:
        """The runner as a service; its health is bad while the store does not answer."""
        return PeriodicService(name="budgets", interval_s=_EVERY.total_seconds() / 2, tick=self.run_once)

    def _row(self, budget: Budget, at: datetime) -> tuple[object, ...]:
        begin, end = budget.bounds(at)
        hour = at.replace(minute=0)
        spent = sum(self._hours(budget, begin, at).values())
        forecast = forecast_usd(
            self._past(budget, hour),
            spent_usd=spent,
            elapsed_hours=(at - begin) / timedelta(hours=1),
            remaining_hours=(end - at) / timedelta(hours=1),
            hour_of_day=at.hour + at.minute / 60,
        )
        return (budget.project, budget.period, budget.service, at, begin, budget.limit_usd, spent, forecast)

    def _past(self, budget: Budget, hour: datetime) -> NDArray[np.float64]:
        """USD of each whole hour before, from the first with any cost on, at most 7 days."""
        n = PROFILE_DAYS * 24
        usd = np.zeros(n)
        first = int(hour.timestamp()) // _HOUR_S - n
        hours = self._hours(budget, hour - timedelta(hours=n), hour)
        for number, cost in hours.items():
            usd[number - first] = cost
        known = np.flatnonzero(usd > 0)
        return usd[known[0] :] if len(known) else usd[:0]

    def _hours(self, budget: Budget, begin: datetime, end: datetime) -> dict[int, float]:
        parameters = {
            "project": budget.project,
            "service": budget.service,
            "from_s": int(begin.timestamp()),
            "to_s": int(end.timestamp()),
        }
        return {int(row["hour"]): float(row["usd"]) for row in self._store.rows(_HOURS, parameters)}
