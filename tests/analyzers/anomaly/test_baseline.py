"""The baseline on planted series: spikes, shifts, gaps, weekends, constants and nothing at all."""

from datetime import timedelta

import numpy as np
import pytest

from driftline_analyzers.anomaly.baseline import Judged, Scaling, SeasonalBaseline
from driftline_analyzers.anomaly.season import Floats, carried, running_medians
from driftline_core.errors import InputError

STEP = timedelta(minutes=10)
DAY = 144
MONDAY_S = 1_798_416_000  # 2026-12-28


def traffic(n_days: int, *, seed: int = 0, weekend: float = 1.0, scale: float = 200.0) -> Floats:
    """Calls of 10 minutes with a daily cycle; fewer on weekends."""
    at = np.arange(n_days * DAY)
    usual = scale * np.exp(np.sin(2 * np.pi * at / DAY)) * np.where(at // DAY % 7 >= 5, weekend, 1.0)
    return np.random.default_rng(seed).poisson(usual).astype(np.float64)


def judged(history: Floats, current: Floats, *, start_s: int = MONDAY_S) -> Judged:
    return SeasonalBaseline(step=STEP).fit(history, start_s=start_s).judge(current)


def test_ordinary_values_are_within_the_band_and_near_what_is_expected() -> None:
    values = traffic(15)
    found = judged(values[: 14 * DAY], values[14 * DAY :])
    assert np.abs(found.z).max() < 4
    assert ((found.lower < values[14 * DAY :]) & (values[14 * DAY :] < found.upper)).mean() > 0.97
    assert np.median(np.abs(values[14 * DAY :] / found.expected - 1)) < 0.1


@pytest.mark.parametrize(("factor", "sign"), [(3.0, 1), (1.5, 1), (0.0, -1)])
def test_a_planted_change_is_far_from_expected_and_its_neighbours_are_not(factor: float, sign: int) -> None:
    values = traffic(15)
    values[14 * DAY + 60 : 14 * DAY + 66] *= factor
    found = judged(values[: 14 * DAY], values[14 * DAY :])
    planted = np.arange(DAY) // 6 == 10
    assert (sign * found.z[planted]).min() > 4 > np.abs(found.z[~planted]).max()


def test_a_spike_in_the_history_teaches_nothing() -> None:
    values = traffic(15)
    spoilt = values.copy()
    spoilt[13 * DAY + 60 : 13 * DAY + 72] *= 10
    clean, after = (judged(one[: 14 * DAY], values[14 * DAY :]) for one in (values, spoilt))
    assert np.allclose(clean.expected, after.expected, rtol=0.05)


def test_a_level_shift_is_told_at_once_and_fades_from_half_the_level_window_to_all_of_it() -> None:
    values = traffic(16)
    values[14 * DAY :] *= 1.8
    found = judged(values[: 14 * DAY], values[14 * DAY :])
    assert found.z[: 11 * 6].min() > 4
    first, half, second = (np.abs(found.z[rows]).mean() for rows in (slice(0, 66), slice(78, DAY), slice(DAY, None)))
    assert first > 8
    assert max(half, second) < 4


def test_weekends_are_learned_from_whole_weeks() -> None:
    values = traffic(34, weekend=0.3)
    saturday = slice(33 * DAY, 34 * DAY)
    found = judged(values[: 33 * DAY], values[saturday])
    assert np.median(np.abs(values[saturday] / found.expected - 1)) < 0.35
    short = judged(values[26 * DAY : 33 * DAY], values[saturday], start_s=MONDAY_S + 26 * DAY * 600)
    assert np.abs(short.z[:36]).mean() > np.abs(found.z[:36]).mean()


def test_gaps_are_stepped_over() -> None:
    values = traffic(15)
    history = values[: 14 * DAY].copy()
    history[3 * DAY : 5 * DAY] = np.nan
    history[13 * DAY :] = np.nan
    history[::7] = np.nan
    current = values[14 * DAY :].copy()
    current[5] = np.nan
    found = judged(history, current)
    assert np.isfinite(found.expected).all()
    assert np.flatnonzero(np.isnan(found.z)).tolist() == [5]
    assert np.nanmax(np.abs(found.z)) < 4


@pytest.mark.parametrize("constant", [0.0, 100.0])
def test_a_constant_series_says_nothing_about_itself_and_a_change_is_finite(constant: float) -> None:
    found = judged(np.full(5 * DAY, constant), np.array([constant, constant + 50.0]))
    assert found.z[0] == pytest.approx(0.0, abs=1e-9)
    assert 5 < found.z[1] < 1000
    assert found.scale[0] == pytest.approx(0.0125)


@pytest.mark.parametrize("history", [np.empty(0), np.full(DAY, np.nan), np.full(DAY - 1, 3.0)])
def test_with_too_little_history_nothing_is_said(history: Floats) -> None:
    found = judged(history, np.array([1.0, np.nan]))
    assert all(np.isnan(getattr(found, name)).all() for name in Judged.__slots__)
    assert len(found.z) == 2


def test_shares_stay_within_0_and_1_and_few_calls_say_little() -> None:
    rng = np.random.default_rng(0)
    history = rng.binomial(200, 0.02, 5 * DAY) / 200
    baseline = SeasonalBaseline(step=STEP, scaling=Scaling.ARCSINE, unit=0.001).fit(history, start_s=MONDAY_S)
    sure, unsure = (baseline.judge(np.array([0.3]), noise=np.array([0.5 / np.sqrt(n)])) for n in (400, 4))
    assert sure.z[0] > 5 > unsure.z[0] > 0
    assert 0 <= sure.lower[0] <= sure.expected[0] <= sure.upper[0] <= 1


def test_it_is_deterministic_leaves_its_input_and_need_not_begin_on_an_hour() -> None:
    values = traffic(8)
    before = values.copy()
    first, second = (judged(values[: 7 * DAY], values[7 * DAY :], start_s=MONDAY_S + 1200) for _ in range(2))
    assert np.array_equal(first.z, second.z)
    assert np.array_equal(values, before)
    assert np.isfinite(first.z).all()


@pytest.mark.parametrize(
    ("step", "values", "start_s"),
    [(timedelta(minutes=7), [1.0], 0), (STEP, [-1.0], 0), (STEP, [np.inf], 0), (STEP, [1.0], 30)],
)
def test_what_cannot_be_is_refused(step: timedelta, values: list[float], start_s: int) -> None:
    with pytest.raises(InputError, match="expected"):
        SeasonalBaseline(step=step).fit(np.array(values), start_s=start_s)


def test_medians_and_carrying_step_over_what_is_unknown() -> None:
    values = np.array([np.nan, 1.0, np.nan, 3.0])
    assert carried(values)[1:].tolist() == [1.0, 1.0, 3.0]
    running = running_medians(values, before=2, after=0)
    assert np.isnan(running[:2]).all()
    assert running[2:].tolist() == [1.0, 1.0, 3.0]
