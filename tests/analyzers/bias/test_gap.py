"""Gaps: true rates of false alarms with sessions and strata, power, intervals, and what too little data gives."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_analyzers.bias.adjustment import PromptAdjustments, Prompts
from driftline_analyzers.bias.gap import measure_gap
from driftline_analyzers.bias.position import position_gap
from driftline_analyzers.bias.units import Units, make_units

QUICK: Final[dict[str, Any]] = {"n_permutations": 199, "max_permutations": 199, "n_bootstrap": 199}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Calls: values depend on the session and on the stratum; the share of the group differs by stratum, so raw means differ."""

    arm: NDArray[np.int64]
    stratum: NDArray[np.int64]
    session: NDArray[np.int64]
    values: NDArray[np.float64]


def draw(n_sessions: int, *, seed: int, gap: float = 0.0, size: int = 4, n_strata: int = 6) -> Drawn:
    rng = np.random.default_rng(seed)
    stratum = rng.integers(0, n_strata, n_sessions)
    arm = (rng.random(n_sessions) < np.linspace(0.2, 0.8, n_strata)[stratum]).astype(np.int64)
    of_session = rng.normal(size=n_sessions) + 2.0 * stratum + gap * arm
    return Drawn(
        arm=np.repeat(arm, size),
        stratum=np.repeat(stratum, size),
        session=np.repeat(np.arange(n_sessions), size),
        values=np.repeat(of_session, size) + 0.2 * rng.normal(size=n_sessions * size),
    )


def units_of(drawn: Drawn) -> Units:
    return make_units(arm=drawn.arm, stratum=drawn.stratum, session=drawn.session)


def test_without_a_gap_few_tests_are_significant_though_topics_and_sessions_differ() -> None:
    p_values, raw = [], []
    for seed in range(200):
        drawn = draw(120, seed=seed)
        gap = measure_gap(units_of(drawn), drawn.values, **QUICK)
        assert gap is not None
        p_values.append(gap.p_value)
        raw.append(drawn.values[drawn.arm == 1].mean() - drawn.values[drawn.arm == 0].mean())
    assert 2 <= np.sum(np.array(p_values) <= 0.05) <= 20  # 5 % of 200, within a binomial 99.9 % interval
    assert np.mean(raw) > 1.0  # what a comparison that is not matched would have reported


def test_a_planted_gap_is_found_and_its_interval_covers_it() -> None:
    found, covered = 0, 0
    for seed in range(60):
        drawn = draw(240, seed=seed, gap=0.6)
        gap = measure_gap(units_of(drawn), drawn.values, **QUICK)
        assert gap is not None
        found += gap.p_value <= 0.05
        covered += gap.low <= 0.6 <= gap.high
    assert found >= 50
    assert covered >= 52


def test_unequal_spread_and_size_of_the_arms_do_not_make_alarms() -> None:
    n_significant = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        arm = np.r_[np.ones(25, dtype=np.int64), np.zeros(150, dtype=np.int64)]
        values = rng.normal(size=175) * np.where(arm == 1, 3.0, 1.0)
        units = make_units(arm=arm, stratum=np.zeros(175, dtype=np.int64), session=np.arange(175))
        gap = measure_gap(units, values, **QUICK)
        assert gap is not None
        n_significant += gap.p_value <= 0.05
    assert n_significant <= 22


def test_a_session_that_speaks_of_both_groups_is_a_unit_in_each_arm() -> None:
    arm = np.array([1, 1, 0, 0, 1, 0, -1])
    units = make_units(arm=arm, stratum=np.array([0, 0, 0, 0, 0, 0, 0]), session=np.array([7, 7, 7, 8, 9, 9, 9]))
    assert (units.n_sessions(1), units.n_sessions(0)) == (2, 3)
    assert (units.n_calls(1), units.n_calls(0)) == (3, 3)
    means = units.means(np.array([1.0, 3, 10, 20, 5, np.nan, 99]))
    assert sorted(means[np.isfinite(means)].tolist()) == [2, 5, 10, 20]


def test_calls_without_a_counterpart_in_their_stratum_are_left_out() -> None:
    units = make_units(
        arm=np.array([1, 0, 1, 1, 0]), stratum=np.array([0, 0, 1, 1, 2]), session=np.array([0, 1, 2, 3, 4])
    )
    assert units.rows.tolist() == [0, 1]
    assert (units.n_strata, units.n_labelled) == (1, 5)


def test_without_matched_calls_there_is_no_gap() -> None:
    units = make_units(arm=np.array([1, 1, 0]), stratum=np.array([0, 0, 1]), session=np.array([0, 1, 2]))
    assert measure_gap(units, np.ones(3)) is None
    assert position_gap(units, np.ones((3, 4), dtype=np.float32)) is None
    nothing = make_units(arm=np.full(3, -1), stratum=np.zeros(3, dtype=np.int64), session=np.arange(3))
    assert measure_gap(nothing, np.ones(3)) is None


def test_unknown_values_are_left_out_and_a_constant_measure_has_no_gap() -> None:
    drawn = draw(60, seed=1)
    values = drawn.values.copy()
    values[drawn.session < 20] = np.nan
    gap = measure_gap(units_of(drawn), values, **QUICK)
    assert gap is not None
    assert gap.n_group + gap.n_other <= 40
    flat = measure_gap(units_of(drawn), np.zeros(len(values)), **QUICK)
    assert flat is not None
    assert (flat.gap, flat.d, flat.p_value) == (0.0, 0.0, 1.0)
    assert measure_gap(units_of(drawn), np.full(len(values), np.nan)) is None


def test_the_same_seed_gives_the_same_gap_and_leaves_the_input_alone() -> None:
    drawn = draw(60, seed=2, gap=1.0)
    before = drawn.values.copy()
    first, second = (measure_gap(units_of(drawn), drawn.values, seed=3, **QUICK) for _ in range(2))
    assert first == second
    np.testing.assert_array_equal(drawn.values, before)


def test_a_far_tail_gets_more_permutations() -> None:
    drawn = draw(120, seed=3, gap=2.0)
    gap = measure_gap(units_of(drawn), drawn.values, n_permutations=99, max_permutations=1_999, n_bootstrap=99)
    assert gap is not None
    assert gap.n_permutations == 1_999
    assert gap.p_value == pytest.approx(1 / 2_000)


def test_position_finds_a_moved_mean_and_is_silent_without_one() -> None:
    n_false = n_found = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        arm = rng.integers(0, 2, 120)
        vectors = rng.normal(size=(120, 24)) * 0.2
        units = make_units(arm=arm, stratum=rng.integers(0, 4, 120), session=np.arange(120))
        still = position_gap(units, vectors.astype(np.float32), n_permutations=99, n_bootstrap=99)
        moved = position_gap(
            units, (vectors + 0.25 * arm[:, None] * np.eye(24)[0]).astype(np.float32), n_permutations=99, n_bootstrap=99
        )
        assert still is not None
        assert moved is not None
        n_false += still.p_value <= 0.05
        n_found += moved.p_value <= 0.05
        assert 0 <= moved.low <= moved.high
    assert n_false <= 9
    assert n_found >= 50


def test_groups_that_only_ask_about_other_things_have_no_gap() -> None:
    n_adjusted = n_unadjusted = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        prompts = rng.normal(size=(150, 16))
        arm = (rng.random(150) < 1 / (1 + np.exp(-prompts[:, 0] - prompts[:, 1]))).astype(np.int64)
        values = prompts[:, 0] + prompts[:, 1] + 0.5 * rng.normal(size=150)
        units = make_units(arm=arm, stratum=np.arange(150) % 5, session=np.arange(150))
        asked = PromptAdjustments(Prompts(vectors=prompts.astype(np.float32), features=prompts[:, :1]))
        adjusted = measure_gap(units, values, adjustments=asked, **QUICK)
        unadjusted = measure_gap(units, values, **QUICK)
        planted = measure_gap(units, values + 0.6 * arm, adjustments=asked, **QUICK)
        assert adjusted is not None
        assert unadjusted is not None
        assert planted is not None
        n_adjusted += adjusted.p_value <= 0.05
        n_unadjusted += unadjusted.p_value <= 0.05
        assert planted.p_value <= 0.05
    assert n_adjusted <= 9
    assert n_unadjusted >= 55
