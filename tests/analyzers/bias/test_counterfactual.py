"""Pairs of prompts that differ in the group alone."""

from collections.abc import Mapping

import numpy as np
import pytest

from driftline_analyzers.bias.call import BiasCall
from driftline_analyzers.bias.counterfactual import Pairs, corrected, find_pairs, paired_gaps, sign_flip_p
from driftline_analyzers.bias.effect import effect_size
from driftline_analyzers.bias.labels import label_calls
from driftline_analyzers.bias.lexicon import default_lexicon


def call(prompt: str, matched_by: str = "", *, session: str = "", pair: str = "", region: str = "") -> BiasCall:
    return BiasCall(
        trace_id="", span_id="", session=session or prompt, prompt=prompt, completion="", matched_by=matched_by, pair=pair,
        declared={"metadata.region": region} if region else {},
    )  # fmt: skip


def rows_of(pairs: Mapping[tuple[str, str], Pairs]) -> dict[tuple[str, str], list[tuple[int, ...]]]:
    return {groups: list(map(tuple, of_groups.rows.tolist())) for groups, of_groups in pairs.items()}


def each_its_own(n: int) -> Pairs:
    return Pairs(rows=np.arange(2 * n).reshape(n, 2), units=np.arange(n))


def test_what_one_wording_says_counts_once() -> None:
    people = ("a Muslim", "an atheist")
    repeated = [call(f"Write a letter for {one}.", session=f"{n}") for n in range(100) for one in people]
    various = [call(f"Write letter {n} for {one}.", session="batch") for n in range(100) for one in people]
    across = [call(f"Write letter {n} for {one}.", session=one) for n in range(100) for one in people]
    for calls, n_units in ((repeated, 1), (various, 100), (across, 1), ([*repeated, *various], 101)):
        axes = {one.axis: one for one in label_calls(calls, default_lexicon())}
        pairs = find_pairs(calls, axes["religion"], default_lexicon())["Muslims", "atheists"]
        assert len(pairs.rows) == len(calls) // 2
        assert len(np.unique(pairs.units)) == n_units
    rng = np.random.default_rng(0)
    values = rng.normal(size=200) - np.tile([0.5, 0.0], 100)
    assert (
        paired_gaps(
            {("a", "b"): Pairs(rows=pairs.rows[:100], units=np.zeros(100, np.int64))}, {"regard": values}, axis="x"
        )
        == []
    )


def test_pairs_of_declared_groups_and_pairs_that_the_app_names() -> None:
    calls = [
        call("Write a letter for my landlord.", region="north"),
        call("Write a letter for my landlord.", region="south"),
        call("Order a cake for Aisha.", region="north", pair="7"),
        call("Order one cake for Anna.", region="south", pair="7"),
        call("Order one cake for Anna.", region="north", pair="8"),
    ]
    [axis] = [one for one in label_calls(calls, default_lexicon()) if one.is_declared]
    assert rows_of(find_pairs(calls, axis, default_lexicon())) == {("north", "south"): [(0, 1), (2, 3)]}


def test_total_discrimination_is_the_largest_effect() -> None:
    values = np.tile([1.0, 0.0], 80)
    (found,) = corrected(
        paired_gaps({("a", "b"): each_its_own(80)}, {"refusal": values}, axis="religion", n_permutations=999)
    )
    assert (found.gap, found.d) == (1.0, 10.0)
    assert found.q_value is not None
    assert found.q_value < 0.01
    assert (effect_size(-0.5, 0.0), effect_size(0.0, 0.0), effect_size(1e-15, 1e-15)) == (-10.0, 0.0, 0.0)
    assert (effect_size(0.3, 0.6), effect_size(30.0, 0.1)) == (0.5, 10.0)


def test_prompts_that_differ_in_the_group_alone_are_a_pair() -> None:
    calls = [
        call("Write a letter for a Muslim teacher from Kenya."),
        call("Write a letter for an atheist teacher from Kenya."),
        call("Write a letter for a Muslim teacher from Norway."),
        call("Write a letter for a teacher from Kenya."),
        call("write a letter for  a Muslim teacher from Kenya."),
        call("Write a letter for a Jewish teacher from Kenya.", matched_by="another model"),
    ]
    axes = {one.axis: one for one in label_calls(calls, default_lexicon())}
    assert rows_of(find_pairs(calls, axes["religion"], default_lexicon())) == {("Muslims", "atheists"): [(0, 1)]}
    assert rows_of(find_pairs(calls, axes["region"], default_lexicon())) == {
        ("Africans", "Western Europeans"): [(0, 2)]
    }


def test_a_paired_gap_is_found_with_its_interval_and_few_pairs_say_nothing() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=80)
    values = np.c_[base - 0.3 + 0.3 * rng.normal(size=80), base + 0.3 * rng.normal(size=80)].ravel()
    (enough,) = corrected(
        paired_gaps({("a", "b"): each_its_own(80)}, {"regard": values}, axis="religion", n_permutations=999)
    )
    assert enough.q_value is not None
    assert enough.q_value < 0.01
    assert enough.low < -0.3 < enough.high < 0
    assert all(values[one] < values[other] for one, other in enough.pairs)
    (few,) = corrected(
        paired_gaps({("a", "b"): each_its_own(40)}, {"regard": values}, axis="religion", n_permutations=99)
    )
    assert (few.n, few.q_value) == (40, None)
    assert paired_gaps({("a", "b"): each_its_own(9)}, {"regard": values}, axis="religion") == []


def test_sign_flips_are_true_to_their_level_and_never_zero() -> None:
    rng = np.random.default_rng(1)
    p_values = [sign_flip_p(rng.standard_t(3, size=60), n_permutations=199) for _ in range(300)]
    assert 4 <= np.sum(np.array(p_values) <= 0.05) <= 28
    assert sign_flip_p(np.full(60, 1.0), n_permutations=199) == pytest.approx(1 / 200)
    assert sign_flip_p(np.zeros(60), n_permutations=199) == 1.0
