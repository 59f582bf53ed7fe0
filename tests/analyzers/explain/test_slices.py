import json
from collections.abc import Mapping, Sequence

import numpy as np

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.explain.covariates import Outcome
from driftline_analyzers.explain.pool import Sample
from driftline_analyzers.explain.slices import Carrier, Rows, Slice, carried_by, slice_shift
from tests.analyzers.explain.retest import energy_test
from tests.analyzers.explain.worlds import sample, usual

NEW = 8
Columns = Mapping[str, Sequence[str]]


def _explained(
    reference: Sample, current: Sample, before: Columns, after: Columns
) -> tuple[tuple[Slice, ...], Carrier | None]:
    def test(rows: Rows, others: Rows) -> Outcome | None:
        return energy_test(reference.vectors[rows], current.vectors[others])

    whole = energy_test(reference.vectors, current.vectors)
    assert whole is not None
    slices = slice_shift(before, after, whole=whole, test=test)
    json.dumps([one.as_dict() for one in slices])
    return slices, carried_by(slices, whole=whole)


def _values(n: int, values: Sequence[str], *, seed: int) -> list[str]:
    return [str(value) for value in np.random.default_rng(seed).choice(values, size=n)]


def test_the_prompt_version_whose_texts_changed_is_found() -> None:
    versions_before, versions_after = _values(400, ("v1", "v2"), seed=1), _values(200, ("v1", "v2"), seed=2)
    topics = [
        NEW if v == "v2" and i % 3 == 0 else t
        for i, (v, t) in enumerate(zip(versions_after, usual(200, seed=3), strict=True))
    ]
    slices, carrier = _explained(
        sample(usual(400, seed=4), seed=5),
        sample(topics, seed=6),
        {"prompt_version": versions_before, "model": _values(400, ("a", "b"), seed=7)},
        {"prompt_version": versions_after, "model": _values(200, ("a", "b"), seed=8)},
    )
    assert carrier is not None
    assert (carrier.name, carrier.value, carrier.kind) == ("prompt_version", "v2", "content")
    changed = next(one for one in slices if one.value == "v2")
    steady = next(one for one in slices if one.value == "v1")
    assert changed.share_of_shift is not None
    assert changed.share_of_shift > 0.8
    assert steady.p_value is not None
    assert steady.p_value > 0.01


def test_a_tenant_that_grew_is_a_change_of_the_mix() -> None:
    tenants_before = ["acme" if i < 20 else "others"[: 3 + i % 3] for i in range(400)]
    tenants_after = ["acme" if i < 60 else "others"[: 3 + i % 3] for i in range(200)]
    _, carrier = _explained(
        sample([NEW] * 20 + usual(380, seed=1), seed=2),
        sample([NEW] * 60 + usual(140, seed=3), seed=4),
        {"metadata.tenant": tenants_before},
        {"metadata.tenant": tenants_after},
    )
    assert carrier is not None
    assert (carrier.value, carrier.kind) == ("acme", "mix")


def test_a_tenant_that_left_is_found() -> None:
    tenants_before = ["acme" if i < 120 else "others"[: 3 + i % 3] for i in range(400)]
    _, carrier = _explained(
        sample([NEW] * 120 + usual(280, seed=1), seed=2),
        sample(usual(200, seed=3), seed=4),
        {"tenant": tenants_before},
        {"tenant": ["others"[: 3 + i % 3] for i in range(200)]},
    )
    assert carrier is not None
    assert carrier.value == "acme"


def test_a_model_swap_names_all_that_changed_with_it() -> None:
    _, carrier = _explained(
        sample(usual(400, seed=1), seed=2),
        sample([8 + t % 2 for t in usual(200, seed=3)], seed=4),
        {"model": ["old"] * 400, "tenant": _values(400, ("x", "y"), seed=5), "release": ["1"] * 400},
        {"model": ["new"] * 200, "tenant": _values(200, ("x", "y"), seed=6), "release": ["2"] * 200},
    )
    assert carrier is not None
    assert {(carrier.name, carrier.value), *carrier.also} == {("model", "new"), ("release", "2")}


def test_a_shift_that_is_everywhere_has_no_carrier() -> None:
    n_found = 0
    for seed in range(0, 120, 10):
        topics = [NEW if i % 4 == 0 else t for i, t in enumerate(usual(200, seed=seed))]
        _, carrier = _explained(
            sample(usual(400, seed=seed + 1), seed=seed + 2),
            sample(topics, seed=seed + 3),
            {"tenant": _values(400, ("x", "y", "z"), seed=seed + 4), "model": _values(400, ("a", "b"), seed=seed + 5)},
            {"tenant": _values(200, ("x", "y", "z"), seed=seed + 6), "model": _values(200, ("a", "b"), seed=seed + 7)},
        )
        n_found += carrier is not None
    assert n_found <= 1


def test_without_a_shift_nothing_carries_it() -> None:
    _, carrier = _explained(
        sample(usual(400, seed=1), seed=2),
        sample(usual(200, seed=3), seed=4),
        {"tenant": _values(400, ("x", "y"), seed=5)},
        {"tenant": _values(200, ("x", "y"), seed=6)},
    )
    assert carrier is None


def test_rare_values_are_tested_together_and_the_number_of_tests_is_bounded() -> None:
    n_tests = 0

    def test(rows: Rows, others: Rows) -> Outcome:
        nonlocal n_tests
        n_tests += 1
        assert len(rows)
        assert len(others)
        return Outcome(p_value=0.5, effect_size=0.0)

    names = [f"t{i % 100}" for i in range(1000)]
    slices = slice_shift(
        {"tenant": names, "constant": ["x"] * 1000},
        {"tenant": names, "constant": ["x"] * 1000},
        whole=Outcome(p_value=0.001, effect_size=5.0),
        test=test,
        max_values=5,
        min_texts=5,
    )
    assert len(slices) == 6
    assert sum(one.n_texts for one in slices) == 1000
    assert n_tests == 12
    assert slice_shift({"t": []}, {"t": ["a"]}, whole=Outcome(p_value=1.0, effect_size=0.0), test=test) == ()


def test_the_tenant_with_new_questions_is_found_by_the_real_model(embedder: SentenceEmbedder) -> None:
    usual_texts = (
        "where is the {} that I ordered",
        "can I return the {} I bought last week",
        "the {} arrived broken, please send another",
        "how do I pay for the {} by invoice",
    )
    odd = (
        "the charge for the {} is fraud, I want my bank to reverse it",
        "dispute the card payment for a {} I never made",
    )
    items = (
        "kettle",
        "lamp",
        "bicycle",
        "jacket",
        "keyboard",
        "tent",
        "blender",
        "guitar",
        "camera",
        "phone",
        "desk",
        "sofa",
    )
    texts = [question.format(item) for item in items for question in usual_texts]
    tenants = ("acme", "globex", "initech")
    before = [(text, tenants[i % 3]) for i, text in enumerate(texts * 4)]
    strange = [question.format(item) for item in items for question in odd]
    after = [(text, "globex" if i % 2 else "initech") for i, text in enumerate(texts)]
    after += [(text, "acme") for text in [*strange, *texts[:6]]]
    reference = Sample(texts=[t for t, _ in before], vectors=embedder.embed([t for t, _ in before]))
    current = Sample(texts=[t for t, _ in after], vectors=embedder.embed([t for t, _ in after]))
    _, carrier = _explained(
        reference, current, {"metadata.tenant": [v for _, v in before]}, {"metadata.tenant": [v for _, v in after]}
    )
    assert carrier is not None
    assert carrier.value == "acme"
