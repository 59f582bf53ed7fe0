import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.explain.covariates import Covariate, Outcome, covariates, explained_by, residuals
from driftline_analyzers.explain.text_format import FORMAT_FLAGS, format_flags, script
from driftline_core.errors import InputError
from tests.analyzers.explain.retest import energy_test
from tests.analyzers.explain.worlds import sample, usual

NEW = 8


def _length_world(n: int, *, seed: int, factor: float) -> tuple[list[str], NDArray[np.float64]]:
    """Texts whose vectors move with the logarithm of their length."""
    rng = np.random.default_rng(seed)
    lengths = np.exp(rng.normal(size=n) * 0.6 + 4) * factor
    points = sample(usual(n, seed=seed), seed=seed + 1).vectors.astype(np.float64)
    points[:, 0] += 0.8 * (np.log(lengths) - 4)
    return ["x" * max(1, int(length)) for length in lengths], points


def _found(before: list[str], after: list[str], vectors: NDArray[np.floating]) -> tuple[Covariate, ...]:
    whole = energy_test(vectors[: len(before)], vectors[len(before) :])
    assert whole is not None
    return covariates(before, after, vectors, whole=whole, retest=energy_test)


def test_a_shift_of_length_alone_is_explained_by_length() -> None:
    before, a = _length_world(600, seed=1, factor=1.0)
    after, b = _length_world(300, seed=2, factor=2.1)
    found = _found(before, after, np.concatenate([a, b]))
    reason = explained_by(found)
    assert reason is not None
    assert reason.name == "length"
    assert reason.share_explained > 0.8
    assert reason.sentence.startswith("mostly length: the median text is 2.")
    assert "times longer" in reason.sentence


def test_a_new_topic_is_not_explained_by_length_or_format() -> None:
    ends = [" " * (1 + 7 * i % 40) + ("\n- yes" if i % 3 else "") for i in range(400)]
    reference = sample(usual(400, seed=1), seed=2, suffix=ends)
    current = sample([NEW] * 40 + usual(160, seed=3), seed=4, suffix=ends[:200])
    vectors = np.concatenate([reference.vectors, current.vectors])
    found = _found(list(reference.texts), list(current.texts), vectors)
    assert found
    assert explained_by(found) is None
    assert all(one.p_value_without < 0.05 for one in found)


def test_residuals_of_the_same_texts_at_other_lengths_are_tested_at_the_nominal_rate() -> None:
    n_small = 0
    for seed in range(0, 300, 10):
        before, a = _length_world(160, seed=seed, factor=1.0)
        after, b = _length_world(80, seed=seed + 1, factor=1.0)
        found = _found(before, after, np.concatenate([a, b]))
        n_small += next(one for one in found if one.name == "length").p_value_without <= 0.05
    assert n_small <= 5  # P(X >= 6) = 0.3 % for X ~ Bin(30, 0.05)


def test_texts_in_another_format_are_explained_by_format_with_the_real_model(embedder: SentenceEmbedder) -> None:
    items = ("kettle", "lamp", "bicycle", "jacket", "keyboard", "tent", "blender", "guitar", "camera", "phone")
    frames = (
        "Your {} is on its way to you.",
        "You may return the {} in May.",
        "We will replace the {} soon.",
        "The {} can be paid by card.",
    )
    before = [frame.format(item) for item in items for frame in frames] * 3
    after = [f'{{"answer": "{frame.format(item)}"}}' for item in items for frame in frames]
    found = _found(before, after, embedder.embed([*before, *after]))
    formatted = next(one for one in found if one.name == "format")
    assert formatted.share_explained > 0.6
    assert "JSON in 100 % of the texts, 0 % before" in formatted.change


def test_constant_covariates_and_empty_sides_are_left_out() -> None:
    vectors = np.eye(20)
    whole = Outcome(p_value=0.01, effect_size=3.0)
    assert covariates(["a"] * 10, ["a"] * 10, vectors, whole=whole, retest=energy_test) == ()
    assert covariates([], ["a"] * 20, vectors, whole=whole, retest=energy_test) == ()
    assert np.isfinite(residuals(np.ones((5, 3)), np.zeros((5, 1)))).all()
    with pytest.raises(InputError, match="expected a vector and a language for each of 2 texts, got 20"):
        covariates(["a"], ["b"], vectors, whole=whole, retest=energy_test)


def test_formats_and_scripts_are_recognised() -> None:
    def flags(text: str) -> set[str]:
        return {name for name, is_there in zip(FORMAT_FLAGS, format_flags(text), strict=True) if is_there}

    assert flags("Sure:\n- one\n- two") == {"list", "line breaks"}
    assert flags("```python\nprint()\n```") == {"code fence", "line breaks", "all lower case"}
    assert flags('{"a": 1}') == {"JSON", "all lower case"}
    assert flags("# Title\nSee **this** at https://example.org") == {"heading", "bold", "line breaks", "link"}
    assert flags("") == set()
    assert [script(text) for text in ("hello", "привет", "退款", "42 🙂", "")] == ["LATIN", "CYRILLIC", "CJK", "", ""]
