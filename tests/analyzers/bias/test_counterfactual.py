"""Pairs of prompts that differ in the group alone."""

import numpy as np
import pytest

from driftline_analyzers.bias.call import BiasCall
from driftline_analyzers.bias.counterfactual import corrected, find_pairs, paired_gaps, sign_flip_p
from driftline_analyzers.bias.labels import label_calls
from driftline_analyzers.bias.lexicon import default_lexicon


def call(prompt: str, matched_by: str = "") -> BiasCall:
    return BiasCall(trace_id="", span_id="", session=prompt, prompt=prompt, completion="", matched_by=matched_by)


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
    assert find_pairs(calls, axes["religion"], default_lexicon()) == {("Muslims", "atheists"): [(0, 1)]}
    assert find_pairs(calls, axes["region"], default_lexicon()) == {("Africans", "Western Europeans"): [(0, 2)]}


def test_a_paired_gap_is_found_with_its_interval_and_few_pairs_say_nothing() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=80)
    values = np.c_[base - 0.3 + 0.3 * rng.normal(size=80), base + 0.3 * rng.normal(size=80)].ravel()
    rows = [(2 * i, 2 * i + 1) for i in range(80)]
    (enough,) = corrected(paired_gaps({("a", "b"): rows}, {"regard": values}, axis="religion", n_permutations=999))
    assert enough.q_value is not None
    assert enough.q_value < 0.01
    assert enough.low < -0.3 < enough.high < 0
    assert all(values[one] < values[other] for one, other in enough.pairs)
    (few,) = corrected(paired_gaps({("a", "b"): rows[:40]}, {"regard": values}, axis="religion", n_permutations=99))
    assert (few.n, few.q_value) == (40, None)
    assert paired_gaps({("a", "b"): rows[:9]}, {"regard": values}, axis="religion") == []


def test_sign_flips_are_true_to_their_level_and_never_zero() -> None:
    rng = np.random.default_rng(1)
    p_values = [sign_flip_p(rng.standard_t(3, size=60), n_permutations=199) for _ in range(300)]
    assert 4 <= np.sum(np.array(p_values) <= 0.05) <= 28
    assert sign_flip_p(np.full(60, 1.0), n_permutations=199) == pytest.approx(1 / 200)
    assert sign_flip_p(np.zeros(60), n_permutations=199) == 1.0
