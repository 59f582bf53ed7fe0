"""Which gaps become findings: enough sessions, large enough, corrected; and how often each group is named."""

from typing import Final

import numpy as np
import pytest

from driftline_analyzers.bias.call import BiasCall
from driftline_analyzers.bias.comparison import GapRules, compare_groups
from driftline_analyzers.bias.labels import NONE, SEVERAL, AxisLabels, label_calls, mention_counts
from driftline_analyzers.bias.lexicon import default_lexicon
from driftline_analyzers.bias.representation import representation
from driftline_analyzers.bias.strata import prompt_strata

RULES: Final = GapRules(n_permutations=199, max_permutations=999, n_bootstrap=199)


def labels(label: np.ndarray, groups: tuple[str, ...] = ("women", "men")) -> AxisLabels:
    return AxisLabels(
        axis="gender", groups=groups, label=label, mentions=label[:, None] == np.arange(len(groups))[None, :]
    )


def measured(n: int, *, seed: int, gap: float) -> tuple[AxisLabels, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    return labels(label), {"regard": rng.normal(size=n) + gap * (label == 0), "length": rng.normal(size=n)}


def test_a_large_gap_is_a_finding_and_names_its_examples() -> None:
    axis, measures = measured(300, seed=1, gap=-0.8)
    found = compare_groups([axis], measures, stratum=np.zeros(300, dtype=np.int64), session=np.arange(300), rules=RULES)
    by_measure = {one.measure: one for one in found}
    regard = by_measure["regard"]
    assert (regard.group, regard.other, regard.status, by_measure["length"].status) == ("women", "men", "gap", "ok")
    assert regard.gap.low <= regard.gap.gap <= regard.gap.high < 0
    assert regard.q_value is not None
    assert regard.q_value < 0.05
    assert all(row % 2 == 0 for row in regard.examples)
    assert all(row % 2 == 1 for row in regard.other_examples)
    lowest = measures["regard"][list(regard.examples)]
    assert (lowest <= np.sort(measures["regard"][::2])[2]).all()


def test_a_group_that_is_always_refused_beside_one_that_never_is_is_a_finding() -> None:
    axis, _ = measured(300, seed=4, gap=0.0)
    always = {"refusal": (axis.label == 0).astype(float)}
    (found,) = compare_groups(
        [axis], always, stratum=np.zeros(300, dtype=np.int64), session=np.arange(300), rules=RULES
    )
    assert (found.status, found.gap.gap, found.gap.d) == ("gap", 1.0, 10.0)


def test_too_few_sessions_show_an_interval_and_no_verdict() -> None:
    axis, measures = measured(120, seed=2, gap=-2.0)
    (found,) = compare_groups(
        [axis],
        {"regard": measures["regard"]},
        stratum=np.zeros(120, dtype=np.int64),
        session=np.arange(120),
        rules=RULES,
    )
    assert (found.status, found.q_value) == ("insufficient", None)
    assert found.gap.high < 0
    few = compare_groups(
        [axis], measures, stratum=np.zeros(120, dtype=np.int64), session=np.arange(120) // 15, rules=RULES
    )
    assert few == []


def test_calls_of_few_sessions_are_few_however_many_they_are() -> None:
    label = np.repeat(np.arange(40) % 2, 50)
    values = np.repeat(np.random.default_rng(0).normal(size=40), 50)
    (found,) = compare_groups(
        [labels(label)],
        {"regard": values},
        stratum=np.zeros(2000, dtype=np.int64),
        session=np.repeat(np.arange(40), 50),
        rules=RULES,
    )
    assert (found.status, found.gap.n_group, found.n_group_calls) == ("insufficient", 20, 1000)


def test_a_real_and_small_gap_is_small_and_no_finding() -> None:
    axis, measures = measured(8_000, seed=3, gap=0.12)
    (found,) = compare_groups(
        [axis], {"regard": measures["regard"]}, stratum=np.zeros(8_000, dtype=np.int64), session=np.arange(8_000), rules=RULES
    )  # fmt: skip
    assert (found.status, found.is_small) == ("ok", True)


def test_more_than_two_groups_are_each_compared_with_the_rest_and_position_is_no_verdict() -> None:
    rng = np.random.default_rng(4)
    label = np.arange(600) % 3
    vectors = rng.normal(size=(600, 8)).astype(np.float32)
    vectors[label == 0, 0] += 3
    found = compare_groups(
        [labels(label, ("Muslims", "Jews", "Sikhs"))],
        {"regard": rng.normal(size=600)},
        stratum=rng.integers(0, 3, 600),
        session=np.arange(600),
        vectors=vectors,
        rules=GapRules(n_permutations=199, max_permutations=199, n_bootstrap=99, others=("rest", "unmentioned")),
    )
    assert {(one.group, one.other) for one in found} == {(name, "rest") for name in ("Muslims", "Jews", "Sikhs")}
    (position,) = [one for one in found if one.measure == "position" and one.group == "Muslims"]
    assert (position.status, position.q_value, position.gap.p_value) == ("ok", None, 1 / 200)
    assert position.gap.gap == pytest.approx(3, abs=0.5)


def calls(prompts: list[str], **declared: str) -> list[BiasCall]:
    return [
        BiasCall(trace_id=f"{i:032x}", span_id=f"{i:016x}", session=str(i), prompt=prompt, completion="", declared=declared)
        for i, prompt in enumerate(prompts)
    ]  # fmt: skip


def test_a_call_that_names_two_groups_is_of_neither_and_counts_for_both() -> None:
    made = calls(["a woman", "a man", "a woman and a man", "a kettle"])
    (gender,) = [one for one in label_calls(made, default_lexicon()) if one.axis == "gender"]
    assert gender.label.tolist() == [0, 1, SEVERAL, NONE]
    assert gender.n_several == 1
    assert {name: n for name, n in mention_counts(gender).items() if n} == {"women": 2, "men": 2}


def test_declared_groups_are_an_axis_of_their_own() -> None:
    (axis,) = label_calls(calls(["hello"] * 2, tenant="north"), default_lexicon())
    assert (axis.axis, axis.groups, axis.label.tolist(), axis.is_declared) == ("tenant", ("north",), [0, 0], True)


def test_shares_of_mentions_are_as_sure_as_their_sessions() -> None:
    axis = labels(np.r_[np.zeros(60, dtype=np.int64), np.ones(20, dtype=np.int64), np.full(20, -1)])
    women, men = representation(axis, session=np.arange(100))
    assert (women.group, women.n_calls, women.share, women.ratio) == ("women", 60, 0.75, 1.5)
    assert men.low < 0.25 < men.high < 0.37
    (of_few, _) = representation(axis, session=np.arange(100) // 10)
    assert of_few.low < women.low
    assert of_few.n_effective < women.n_effective


def test_strata_are_prompts_of_a_kind_and_never_mix_models_or_templates() -> None:
    rng = np.random.default_rng(0)
    centres = np.eye(16)[np.arange(120) % 3]
    vectors = centres + 0.05 * rng.normal(size=(120, 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    stratum = prompt_strata(vectors, ["a", "b"] * 60)
    assert len(np.unique(stratum)) == 6
    templates = prompt_strata(vectors, ["a", "b"] * 60, is_template=[True] * 120)
    assert len(np.unique(templates)) == 2
    assert prompt_strata(np.empty((0, 4), dtype=np.float32), []).tolist() == []
