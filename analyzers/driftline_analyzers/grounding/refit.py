"""Fits the head anew to answers that people labelled as a whole, so that it knows what they call unsupported."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from driftline_analyzers.grounding.head import Head, pooled, probability
from driftline_core.errors import InputError

MIN_OF_EACH: Final = 30
"""Answers of each kind that a fit needs."""
_PULL: Final = 10.0
"""How hard weights are held where the given head has them, in units of one answer's log likelihood a squared unit of scaled weight."""
_PARTS: Final = 5
_LEAST: Final = 1e-12

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refit:
    """head: the fitted one. held_out: (n,) probability of each answer by a head that was fitted without it; log_loss: of these;
    given_log_loss: by the given head.
    f1: at thresholds and heads that did not see the answer. n_answers, n_unsupported: that it learnt from.
    """

    head: Head
    held_out: Values
    log_loss: float
    given_log_loss: float
    f1: float
    n_answers: int
    n_unsupported: int


def refit(given: Head, answers: Sequence[Values], labels: NDArray[np.bool_], *, seed: int = 0) -> Refit:
    """answers: each (s, f), features of its s >= 1 sentences; labels: (n,) whether any of them is unsupported, by people.

    Which sentence it was is not known: an answer is unsupported when at least one sentence is (noisy-or; multiple-instance learning, Zhang,
    Platt & Viola 2005), each but the worst taken by what it has beyond a sentence with nothing against it, as `pooled` does. Weights are
    pulled to the given head's, so that few labels change it little. Raises InputError below MIN_OF_EACH of each kind.
    """
    n_unsupported = int(labels.sum())
    if min(n_unsupported, len(labels) - n_unsupported) < MIN_OF_EACH:
        raise InputError(
            f"expected at least {MIN_OF_EACH} unsupported and {MIN_OF_EACH} supported answers with a claim, got {n_unsupported} and "
            f"{len(labels) - n_unsupported}"
        )
    held_out, flagged = np.empty(len(labels)), np.zeros(len(labels), dtype=bool)
    part = np.random.default_rng(seed).permutation(len(labels)) % _PARTS
    for one in range(_PARTS):
        known = part != one
        weights, intercept = _fit(
            given, [one for one, is_known in zip(answers, known, strict=True) if is_known], labels[known]
        )
        found = np.asarray([probability(pooled(values @ weights + intercept, floor=intercept)) for values in answers])
        held_out[~known] = found[~known]
        flagged[~known] = found[~known] >= best_threshold(found[known], labels[known])
    weights, intercept = _fit(given, answers, labels)
    threshold = best_threshold(held_out, labels)
    return Refit(
        head=Head(
            weights=weights,
            intercept=intercept,
            slope=1.0,
            offset=0.0,
            threshold=threshold,
            sentence_threshold=threshold,
            token_model=given.token_model,
        ),
        held_out=held_out,
        log_loss=_log_loss(held_out, labels),
        given_log_loss=_log_loss(np.asarray([given.answer(given.sentences(values)) for values in answers]), labels),
        f1=f1(labels, flagged),
        n_answers=len(labels),
        n_unsupported=n_unsupported,
    )


def best_threshold(probabilities: Values, labels: NDArray[np.bool_], weights: Values | None = None) -> float:
    """The probability, one of those given, from which F1 is largest. weights: (n,) of the answers, all alike if None."""
    order = np.argsort(-probabilities)
    each = np.ones(len(labels)) if weights is None else weights
    hits = np.cumsum(each[order] * labels[order])
    scores = 2 * hits / (np.cumsum(each[order]) + (each * labels).sum())
    return float(probabilities[order][int(scores.argmax())])


def f1(labels: NDArray[np.bool_], flagged: NDArray[np.bool_]) -> float:
    """Of the unsupported."""
    return float(2 * (labels & flagged).sum() / max(1, labels.sum() + flagged.sum()))


def _fit(given: Head, answers: Sequence[Values], labels: NDArray[np.bool_]) -> tuple[Values, float]:
    values = np.concatenate(answers)
    sizes = [len(one) for one in answers]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    answer_of = np.repeat(np.arange(len(sizes)), sizes)
    spread = values.std(0) + 1e-9
    scaled, y = values / spread, labels.astype(np.float64)
    prior = given.weights * spread

    def loss(parameters: Values) -> tuple[float, Values]:
        log_odds = scaled @ parameters[1:] + parameters[0]
        is_worst = np.zeros(len(log_odds), dtype=bool)
        is_worst[np.lexsort((-log_odds, answer_of))[starts]] = True
        is_beyond = ~is_worst & (log_odds > parameters[0])
        beyond = np.logaddexp(0, log_odds) * (is_worst | is_beyond) - np.logaddexp(0, parameters[0]) * is_beyond
        all_supported = np.minimum(-np.add.reduceat(beyond, starts), -_LEAST)
        any_unsupported = -np.expm1(all_supported)
        value = -(y * np.log(any_unsupported) + (1 - y) * all_supported).sum()
        by_answer = y * np.exp(all_supported) / any_unsupported - (1 - y)
        by_sentence = np.repeat(by_answer, sizes)
        slope = by_sentence * -probability(log_odds) * (is_worst | is_beyond)
        of_floor = (by_sentence * is_beyond).sum() * probability(parameters[0])
        apart = parameters[1:] - prior
        gradient = np.concatenate([[slope.sum() + of_floor], scaled.T @ slope + _PULL * apart])
        return float(value + _PULL * (apart**2).sum() / 2), gradient

    found = minimize(loss, np.concatenate([[given.intercept], prior]), jac=True)
    return found.x[1:] / spread, float(found.x[0])


def _log_loss(probabilities: Values, labels: NDArray[np.bool_]) -> float:
    of_truth = np.where(labels, probabilities, 1 - probabilities)
    return float(-np.log(np.clip(of_truth, _LEAST, 1)).mean())
