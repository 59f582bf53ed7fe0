"""Budgets: what their names mean, what is forecast, and the rows over a real store."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from driftline_analyzers.anomaly.budget import Budget, forecast_usd
from driftline_analyzers.anomaly.budget_runner import BudgetRunner
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.errors import ConfigError
from driftline_core.store import Store
from tests.analyzers.anomaly.test_anomaly_runner import NOW, days, priced, put


def test_a_name_says_what_is_limited() -> None:
    assert Budget.parse("day", 5.0) == Budget(project="default", period="day", service="", limit_usd=5.0)
    told = Budget.parse("staging:month/team/chat", 9.0)
    assert (told.project, told.period, told.service) == ("staging", "month", "team/chat")


@pytest.mark.parametrize(("name", "limit"), [("week", 5.0), ("day/", 5.0), ("day", 0.0), ("day", float("nan"))])
def test_what_cannot_be_a_budget_is_refused(name: str, limit: float) -> None:
    with pytest.raises(ConfigError, match="expected"):
        Budget.parse(name, limit)
    with pytest.raises(ValueError, match="expected"):
        AnalyzerSettings(budgets={name: limit})


@pytest.mark.parametrize(
    ("period", "begin", "end"), [("day", (12, 31), (1, 1)), ("month", (12, 1), (1, 1))], ids=["day", "month"]
)
def test_periods_are_of_the_calendar(period: str, begin: tuple[int, int], end: tuple[int, int]) -> None:
    bounds = Budget.parse(period, 1.0).bounds(datetime(2026, 12, 31, 17, 30, tzinfo=UTC))
    assert bounds == (datetime(2026, *begin, tzinfo=UTC), datetime(2027, *end, tzinfo=UTC))


def test_an_even_rate_is_carried_on() -> None:
    flat = np.full(7 * 24, 2.0)
    figures = {"spent_usd": 19.0, "elapsed_hours": 9.5, "remaining_hours": 14.5, "hour_of_day": 9.5}
    assert forecast_usd(flat, **figures) == pytest.approx(48.0)
    assert forecast_usd(flat[:5], **figures) == pytest.approx(48.0)
    assert forecast_usd(flat[:0], **(figures | {"elapsed_hours": 0.0})) == 19.0


def test_a_night_that_is_to_come_costs_what_nights_cost() -> None:
    of_day = np.where(np.arange(24) < 12, 3.0, 1.0)
    past = np.roll(np.tile(of_day, 7), -12)  # the last whole hour is 11 to 12
    assert forecast_usd(past, spent_usd=36.0, elapsed_hours=12, remaining_hours=12, hour_of_day=12.0) == pytest.approx(
        48.0
    )


def test_a_day_that_is_twice_as_dear_as_usual_goes_on_so_for_a_while() -> None:
    past = np.concatenate([np.full(6 * 24, 1.0), np.full(24, 2.0)])
    usual = 8 / 7
    rest = forecast_usd(past, spent_usd=0.0, elapsed_hours=24, remaining_hours=24, hour_of_day=0.0)
    assert 1.5 * 24 * usual < rest < 2 * 24
    assert (
        forecast_usd(past, spent_usd=0.0, elapsed_hours=24, remaining_hours=1000, hour_of_day=0.0) < 1.2 * 1000 * usual
    )


def test_rows_say_what_was_spent_and_will_be(store: Store) -> None:
    """2 USD every ten minutes of one service, 1 of the other."""
    priced(store)
    put(store, days(8))
    put(store, days(8, calls=10, service="other"))
    settings = AnalyzerSettings(budgets={"day": 300.0, "day/other": 200.0, "month": 1e4, "elsewhere:day": 1.0})
    runner = BudgetRunner(store, settings, lambda: NOW + timedelta(minutes=2))
    assert runner.run_once() == 4
    runner.run_once()
    found = store.rows("SELECT * FROM budget_points FINAL ORDER BY project, period, service")
    assert [(row["project"], row["period"], row["service"], row["limit_usd"]) for row in found] == [
        ("default", "day", "", 300.0),
        ("default", "day", "other", 200.0),
        ("default", "month", "", 1e4),
        ("elsewhere", "day", "", 1.0),
    ]
    spent = [row["spent_usd"] for row in found]
    assert spent == pytest.approx([72 * 3.0, 72 * 1.0, 8 * 144 * 3.0, 0.0])
    assert [row["forecast_usd"] for row in found] == pytest.approx([432.0, 144.0, spent[2] + 18.5 * 432.0, 0.0])
    assert {row["at"].replace(tzinfo=UTC) for row in found} == {NOW}
