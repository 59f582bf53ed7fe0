from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_analyzers.grounding.features import FEATURES
from driftline_analyzers.grounding.head import Head, probability, shipped_head
from driftline_analyzers.grounding.refit import MIN_OF_EACH, refit
from driftline_analyzers.grounding.scorer import GroundingScorer
from driftline_core.errors import ConfigError, InputError


def answers(n: int, seed: int) -> tuple[list[NDArray[np.float64]], NDArray[np.bool_]]:
    """Answers whose sentences are unsupported by the sixth feature alone, which the shipped head does not weigh."""
    rng = np.random.default_rng(seed)
    assert shipped_head().weights[5] == 0
    found = [rng.uniform(size=(rng.integers(1, 6), len(FEATURES))) for _ in range(n)]
    bad = [rng.uniform(size=len(one)) < probability(12 * one[:, 5] - 11) for one in found]
    return found, np.asarray([one.any() for one in bad])


def test_a_feature_that_tells_is_learnt_from_answers_alone() -> None:
    found, labels = answers(800, seed=1)
    made = refit(shipped_head(), found, labels)
    assert made.log_loss < made.given_log_loss - 0.1
    assert int(np.argmax(made.head.weights)) == 5
    fresh, truth = answers(400, seed=2)
    said = np.asarray([made.head.answer(made.head.sentences(one)) for one in fresh])
    assert said[truth].mean() > said[~truth].mean() + 0.25
    assert abs(said.mean() - truth.mean()) < 0.08
    assert made.f1 > 2 * labels.sum() / (len(labels) + labels.sum())


def test_what_is_fitted_is_what_an_answer_gets() -> None:
    found, labels = answers(400, seed=6)
    given = shipped_head()
    made = refit(given, found, labels)
    spread = np.concatenate(found).std(0)

    def loss(intercept: float, weights: NDArray[np.float64]) -> float:
        head = replace(made.head, weights=weights, intercept=intercept)
        said = np.asarray([head.answer(head.sentences(one)) for one in found])
        pull = 5 * (((weights - given.weights) * spread) ** 2).sum()
        return float(-np.log(np.where(labels, said, 1 - said)).sum() + pull)

    best = loss(made.head.intercept, made.head.weights)
    for step in (-0.2, 0.2):
        assert loss(made.head.intercept + step, made.head.weights) > best
        for one in range(len(FEATURES)):
            assert (
                loss(made.head.intercept, made.head.weights + step * (np.arange(len(FEATURES)) == one) / spread) > best
            )


def test_labels_without_a_pattern_do_not_beat_the_shipped_head_by_much() -> None:
    found, labels = answers(200, seed=3)
    shuffled = np.random.default_rng(0).permutation(labels)
    made = refit(shipped_head(), found, shuffled)
    rate = shuffled.mean()
    assert made.log_loss > -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate)) - 0.02


def test_the_same_labels_make_the_same_head() -> None:
    found, labels = answers(200, seed=4)
    assert (
        refit(shipped_head(), found, labels).head.fingerprint == refit(shipped_head(), found, labels).head.fingerprint
    )


def test_too_few_labels_are_refused() -> None:
    found, labels = answers(200, seed=5)
    labels[:] = False
    labels[: MIN_OF_EACH - 1] = True
    with pytest.raises(InputError, match=f"expected at least {MIN_OF_EACH} unsupported .* got {MIN_OF_EACH - 1} and"):
        refit(shipped_head(), found, labels)


def test_a_head_survives_its_file_and_names_the_scorer() -> None:
    head = Head.load(shipped_head().dump())
    np.testing.assert_array_equal(head.weights, shipped_head().weights)
    assert GroundingScorer(head=head).version == f"3/{head.fingerprint}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected a grounding head as JSON"),
        ("[]", "expected a grounding head as JSON"),
        (
            shipped_head().dump().replace('"apart"', '"elsewhere"'),
            f"expected {len(FEATURES)} weights for missing, .* elsewhere",
        ),
        (shipped_head().dump().replace('"slope": ', '"slope": NaN, "was": '), "finite numbers"),
    ],
)
def test_another_file_is_no_head(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Head.load(text)
