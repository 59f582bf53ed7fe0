"""The sequential monitor: rare false alarms as configured, also against an imperfect reference, and changes that single windows miss."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_analyzers.drift.run_length import design_cusum, run_lengths
from driftline_analyzers.drift.sequential import SequentialMonitor, normal_score
from driftline_core.errors import ConfigError, InputError

RATIO = 8.0
SHARE = 1 / (1 + RATIO)


def p_of(score: float) -> float:
    """The upper tail of the standard normal."""
    return math.erfc(score / math.sqrt(2)) / 2


def scores(rng: np.random.Generator, *, n: int, share: float, shift: float = 0.0) -> NDArray[np.float64]:
    """n scores against one new reference whose error is that share of their variance."""
    bias = rng.normal() * share**0.5
    drawn: NDArray[np.float64] = shift + bias + rng.normal(size=n) * (1 - share) ** 0.5
    return drawn


def p_values(values: NDArray[np.float64]) -> list[float]:
    """(n,) scores -> p-values."""
    return [p_of(float(value)) for value in values]


def n_alarms(monitor: SequentialMonitor, *, share: float, references: int, windows: int) -> int:
    """False alarms over many references, windows each."""
    rng = np.random.default_rng(0)
    return sum(len(monitor.run(p_values(scores(rng, n=windows, share=share))).alarms) for _ in range(references))


def test_false_alarms_are_as_rare_as_configured_over_references() -> None:
    monitor = SequentialMonitor(100, reference_ratio=RATIO)
    expected = 400 * 200 / 100
    assert 0.75 * expected < n_alarms(monitor, share=SHARE, references=400, windows=200) < 1.25 * expected


def test_a_threshold_that_ignores_the_references_error_alarms_too_often() -> None:
    ignorant = SequentialMonitor(100, reference_ratio=1e9)
    assert n_alarms(ignorant, share=SHARE, references=200, windows=200) > 1.5 * 200 * 200 / 100


def test_run_lengths_match_a_simulation() -> None:
    rng = np.random.default_rng(1)
    expected = run_lengths(np.asarray([0.0, 1.0]), allowance=0.5, threshold=2.0, spread=1.0)
    for mean, length in zip((0.0, 1.0), expected, strict=True):
        steps = rng.normal(size=(4000, 400)) + mean - 0.5
        path, alarmed_at = np.zeros(4000), np.full(4000, 400)
        for window in range(400):
            path = np.maximum(0, path + steps[:, window])
            alarmed_at = np.where((path >= 2.0) & (alarmed_at == 400), window + 1, alarmed_at)
        assert alarmed_at.mean() == pytest.approx(length, rel=0.06)


def test_known_cusum_run_lengths_are_reproduced() -> None:
    # The textbook values for both sides together at k = 0.5, h = 4 and 5 are 168 and 465: one side alone runs twice as long.
    for threshold, length in ((4.0, 336.0), (5.0, 930.0)):
        found = run_lengths(np.asarray([0.0]), allowance=0.5, threshold=threshold, spread=1.0)[0]
        assert found == pytest.approx(length, rel=0.02)


@pytest.mark.parametrize("run_length", [10.0, 1_000.0, 100_000.0])
@pytest.mark.parametrize("share", [0.0, 0.02, SHARE])
def test_the_design_reaches_what_was_asked_and_not_much_more(run_length: float, share: float) -> None:
    design = design_cusum(run_length=run_length, reference_share=share, shift=1.5)
    assert run_length <= design.run_length < 1.02 * run_length


def test_a_weak_change_is_found_that_no_window_shows() -> None:
    rng = np.random.default_rng(2)
    series = p_values(np.concatenate([scores(rng, n=60, share=0.0), rng.normal(size=20) * 0.3 + 1.5]))
    assert min(series[60:]) > 0.005
    alarms = SequentialMonitor(720, reference_ratio=64).run(series).alarms
    assert alarms[0].window in range(60, 75)
    assert abs(alarms[0].change_start - 60) <= 2


def test_it_restarts_after_an_alarm_and_alarms_again_while_the_change_lasts() -> None:
    result = SequentialMonitor(720).run([0.5] * 5 + [0.001] * 12)
    assert len(result.alarms) >= 3
    assert result.alarms[0].change_start == 5
    assert all(a.window < b.change_start for a, b in zip(result.alarms, result.alarms[1:], strict=False))
    assert all(alarm.score == result.path[alarm.window] >= result.threshold for alarm in result.alarms)


def test_windows_without_a_p_value_change_nothing_but_the_positions() -> None:
    monitor = SequentialMonitor(200)
    plain = monitor.run([0.4, 0.02, 0.01, 0.03, 0.004])
    gaps = monitor.run([None, 0.4, 0.02, None, None, 0.01, 0.03, 0.004])
    assert [alarm.score for alarm in gaps.alarms] == [alarm.score for alarm in plain.alarms]
    assert [value for i, value in enumerate(gaps.path) if i not in (0, 3, 4)] == list(plain.path)
    assert gaps.path[3] == gaps.path[2]


def test_the_rise_at_the_end_has_a_start() -> None:
    result = SequentialMonitor(5_000).run([0.5, 0.5, 0.02, 0.02])
    assert not result.alarms
    assert result.change_start == 2
    assert SequentialMonitor(5_000).run([0.02, 0.99]).change_start is None
    assert SequentialMonitor().run([]).path == ()


def test_scores_are_normal_quantiles_and_bounded() -> None:
    assert normal_score(0.025) == pytest.approx(1.96, abs=0.001)
    assert normal_score(1e-300) == pytest.approx(-normal_score(1.0)) == pytest.approx(4.265, abs=0.001)


@pytest.mark.parametrize("p_value", [0.0, -0.1, 1.1, math.nan])
def test_what_is_no_p_value_is_refused(p_value: float) -> None:
    with pytest.raises(InputError, match="p-value"):
        SequentialMonitor().run([0.5, p_value])


@pytest.mark.parametrize(
    "monitor",
    [
        SequentialMonitor(1),
        SequentialMonitor(math.nan),
        SequentialMonitor(reference_ratio=0.5),
        SequentialMonitor(shift=0),
        SequentialMonitor(1e6, reference_ratio=1),
    ],
)
def test_what_no_threshold_can_give_is_refused(monitor: SequentialMonitor) -> None:
    with pytest.raises(ConfigError, match="expected"):
        monitor.run([0.5])
