import numpy as np
import pytest

from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.numbers import NUMBERS, number_column, number_effect
from driftline_core.errors import ConfigError, InputError, TooFewSamples


def latencies(n: int, *, seed: int, scale: float = 400.0) -> list[float | None]:
    """Log-normal times in ms."""
    return list(scale * np.random.default_rng(seed).lognormal(0.0, 0.8, size=n))


def test_missing_values_are_dropped_and_counted() -> None:
    column = number_column("output_tokens", [10, None, 0, float("nan"), 5])
    assert column.n_missing == 2
    np.testing.assert_array_equal(column.values, [10, 0, 5])
    np.testing.assert_allclose(column.column, np.log1p([[10], [0], [5]]), rtol=1e-6)
    np.testing.assert_array_equal(column.is_kept, [True, False, True, False, True])


def test_refusals_stay_zero_and_one() -> None:
    column = number_column("refusal", [True, False, None, 1])
    np.testing.assert_array_equal(column.column, [[1], [0], [1]])


@pytest.mark.parametrize("name", list(NUMBERS))
def test_every_number_gives_one_float32_column(name: str) -> None:
    column = number_column(name, [0, 1, 1])
    assert column.column.shape == (3, 1)
    assert column.column.dtype == np.float32


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("duration_ms", [3.0, -1.0], "expected finite numbers of at least 0 for duration_ms, got -1"),
        ("duration_ms", [float("inf")], "got inf"),
        ("refusal", [0, 0.5], "expected 0 or 1 for refusal, got 0.5"),
    ],
)
def test_values_that_cannot_be_are_refused(name: str, values: list[float | None], message: str) -> None:
    with pytest.raises(InputError, match=message):
        number_column(name, values)


def test_an_unknown_number_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"expected a number of input_tokens, .* got 'cost'"):
        number_column("cost", [1.0])


def test_a_slower_model_is_so_many_times_slower() -> None:
    reference = number_column("duration_ms", latencies(2000, seed=0))
    current = number_column("duration_ms", [*latencies(500, seed=1, scale=600.0), None])
    effect = number_effect(reference, current)
    assert effect.low < 1.5 < effect.high
    assert effect.high / effect.low < 1.3
    assert effect.change == pytest.approx(1.5, rel=0.1)
    assert effect.after.median == pytest.approx(600, rel=0.1)
    # two normals half a standard deviation apart: 2 Phi(d / 2) - 1 with d = ln 1.5 / 0.8
    assert effect.moved_share_low < 0.2 < effect.moved_share_high
    assert "; 1 calls without it left out" in effect.sentence
    assert effect.sentence.startswith("duration_ms: median 389.4 before, 599.3 now (1.54 times, ")


def test_the_interval_covers_no_change_and_a_true_change_as_often_as_it_says() -> None:
    covered = {1.0: 0, 1.2: 0}
    for truth in covered:
        for trial in range(60):
            reference = number_column("output_tokens", latencies(400, seed=2 * trial))
            current = number_column("output_tokens", latencies(100, seed=2 * trial + 1, scale=400 * truth))
            effect = number_effect(reference, current, n_bootstraps=100, seed=trial)
            covered[truth] += effect.low <= truth <= effect.high
    assert all(52 <= count <= 60 for count in covered.values())


def test_sessions_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    sides = [np.repeat(100 * rng.lognormal(0, 1, size=40), 10) for _ in range(2)]
    groups = np.repeat(np.arange(40), 10)
    columns = [number_column("output_tokens", list(side)) for side in sides]
    alone = number_effect(columns[0], columns[1])
    whole = number_effect(columns[0], columns[1], reference_groups=groups, current_groups=groups)
    assert np.log(whole.high / whole.low) > 2 * np.log(alone.high / alone.low)


def test_a_share_moves_by_a_difference() -> None:
    reference = number_column("refusal", [1] * 20 + [0] * 980)
    current = number_column("refusal", [1] * 30 + [0] * 170)
    effect = number_effect(reference, current)
    assert effect.change == pytest.approx(0.13)
    assert 0.05 < effect.low < 0.13 < effect.high < 0.2
    assert effect.moved_share == pytest.approx(0.13, abs=0.01)
    assert effect.sentence.startswith("refusal: 2.0% before, 15.0% now (+13.0%, +")


@pytest.mark.parametrize("value", [0, 1])
def test_a_share_that_never_varies_has_not_moved(value: int) -> None:
    column = number_column("refusal", [value] * 50)
    effect = number_effect(column, column)
    assert (effect.change, effect.low, effect.high, effect.moved_share) == (0, 0, 0, 0)


def test_without_a_value_there_is_nothing_to_say() -> None:
    some, none = number_column("duration_ms", [1.0, 2.0]), number_column("duration_ms", [None])
    with pytest.raises(TooFewSamples, match="need at least 1 values of duration_ms in current, got 0"):
        number_effect(some, none)


def test_two_different_numbers_are_not_compared() -> None:
    with pytest.raises(InputError, match="got duration_ms and refusal"):
        number_effect(number_column("duration_ms", [1.0]), number_column("refusal", [1]))


def test_the_drift_test_takes_the_column_as_it_is() -> None:
    detector = DriftDetector(("kolmogorov_smirnov",), count_repeats=True, n_permutations=199, max_permutations=199)
    reference = number_column("duration_ms", [*latencies(1000, seed=0), None])
    detector.fit(reference.column)
    slower = number_column("duration_ms", latencies(100, seed=1, scale=800.0))
    same = number_column("duration_ms", latencies(100, seed=2))
    assert detector.score(slower.column).p_value == 1 / 200
    assert detector.score(same.column).p_value > 0.05


def test_a_refusal_share_that_rises_is_drift() -> None:
    detector = DriftDetector(("kolmogorov_smirnov",), count_repeats=True, n_permutations=199, max_permutations=199)
    detector.fit(number_column("refusal", [1] * 20 + [0] * 980).column)
    result = detector.score(number_column("refusal", [1] * 20 + [0] * 80).column)
    assert result.p_value == 1 / 200
    assert (result.n_reference, result.n_current, result.n_tested) == (1000, 100, 100)
