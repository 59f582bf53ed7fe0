"""Estimates from labels: true on average whatever reviewers looked at first, and silent where labels cannot carry them."""

from collections.abc import Sequence

import numpy as np
import pytest

from driftline_api.agreement import Estimate, LabelledScore, agree, representative
from driftline_api.calibration import by_false_positive_rate, by_precision
from driftline_core.errors import InputError

N = 4000


def population(seed: int, *, prevalence: float = 0.1, threshold: float = 0.6) -> list[LabelledScore]:
    """Scored calls with their truth, as if all were labelled by nobody yet."""
    generator = np.random.default_rng(seed)
    truth = generator.random(N) < prevalence
    values = np.where(truth, generator.beta(5, 2, N), generator.beta(2, 5, N))
    places = generator.permutation(N)
    return [
        LabelledScore(
            value=float(value), is_flagged=bool(value >= threshold), truth=float(is_true), place=int(place),
            is_random=False, is_picked_flagged=False,
        )
        for value, is_true, place in zip(values, truth, places, strict=True)
    ]  # fmt: skip


def reviewed(calls: Sequence[LabelledScore], *, n_each: int) -> list[LabelledScore]:
    """Labels after n_each picks of every order: nearest to the threshold first, then flagged, then random, as the queue gives them."""
    by_place = sorted(calls, key=lambda one: one.place)
    uncertain = sorted(calls, key=lambda one: abs(one.value - 0.6))[:n_each]
    done = {one.place: one for one in uncertain}
    for name, order in (("is_picked_flagged", [one for one in by_place if one.is_flagged]), ("is_random", by_place)):
        fresh = [one for one in order if one.place not in done][:n_each]
        for one in fresh:
            changes = {field: getattr(one, field) for field in LabelledScore.__slots__} | {name: True}
            done[one.place] = LabelledScore(**changes)
    return list(done.values())


def truth_of(calls: Sequence[LabelledScore]) -> tuple[float, float, float]:
    """Precision, recall and kappa of the whole population."""
    flagged = np.array([one.is_flagged for one in calls])
    positive = np.array([one.is_positive for one in calls])
    hits, n = (flagged & positive).sum(), len(calls)
    observed = (flagged == positive).mean()
    by_chance = (flagged.mean() * positive.mean()) + (1 - flagged.mean()) * (1 - positive.mean())
    assert n == N
    return hits / flagged.sum(), hits / positive.sum(), (observed - by_chance) / (1 - by_chance)


def test_intervals_hold_the_truth_though_reviewers_saw_the_unsure_first() -> None:
    n_inside = np.zeros(3)
    estimates = []
    n_runs = 60
    for seed in range(n_runs):
        calls = population(seed)
        measured = agree(reviewed(calls, n_each=150), n_scored=N, n_flagged=sum(one.is_flagged for one in calls))
        rates = (measured.precision, measured.recall, measured.kappa)
        truths = truth_of(calls)
        estimates.append([(rate.value or 0) - truth for rate, truth in zip(rates, truths, strict=True)])
        n_inside += [
            rate.low is not None and rate.high is not None and rate.low <= truth <= rate.high
            for rate, truth in zip(rates, truths, strict=True)
        ]
    assert (n_inside >= 0.88 * n_runs).all(), n_inside
    assert np.abs(np.mean(estimates, axis=0)).max() < 0.04


def test_the_labels_as_they_are_would_mislead() -> None:
    calls = population(1)
    precision, recall, _ = truth_of(calls)
    measured = agree(reviewed(calls, n_each=150), n_scored=N, n_flagged=sum(one.is_flagged for one in calls))
    naive = measured.true_positives / (measured.true_positives + measured.false_negatives)
    assert abs(naive - recall) > 0.05
    assert measured.precision.value == pytest.approx(precision, abs=0.1)
    assert measured.n_labelled > measured.n_representative > 150


def test_too_few_labels_say_so_instead_of_a_number() -> None:
    calls = population(2)
    n_flagged = sum(one.is_flagged for one in calls)
    nothing = agree([], n_scored=N, n_flagged=n_flagged)
    assert nothing.precision == Estimate(
        value=None, low=None, high=None, n=0,
        reason="expected at least 20 labels of flagged calls picked in the order flagged or random, got 0",
    )  # fmt: skip
    only_flagged = [one for one in reviewed(calls, n_each=60) if not one.is_random]
    measured = agree(only_flagged, n_scored=N, n_flagged=n_flagged)
    assert measured.precision.value is not None
    assert measured.recall.value is None
    assert "not flagged, picked in random order, got 0" in measured.kappa.reason


def test_split_annotators_count_for_nobody_and_rates_are_defined_or_say_not() -> None:
    calls = [
        LabelledScore(
            value=0.1, is_flagged=False, truth=0.5 if n < 5 else 0.0, place=n, is_random=True, is_picked_flagged=False
        )
        for n in range(80)
    ]
    measured = agree(calls, n_scored=80, n_flagged=0)
    assert (measured.n_disputed, measured.true_negatives) == (5, 75)
    assert "none of the labelled calls" in measured.recall.reason
    assert "not defined" in measured.kappa.reason


def test_a_threshold_for_a_false_positive_rate_keeps_its_promise() -> None:
    n_broken = 0
    n_runs = 100
    for seed in range(n_runs):
        calls = population(seed)
        labels = reviewed(calls, n_each=400)
        found = by_false_positive_rate(labels, most=0.05, confidence=0.9)
        negatives = np.array([one.value for one in calls if not one.is_positive])
        n_broken += bool((negatives >= found.threshold).mean() > 0.05)
        assert found.bound <= 0.05
    assert n_broken <= 18  # 10 % is allowed; more than 18 of 100 would happen with probability below 0.5 %


def test_a_threshold_for_a_precision_keeps_its_promise() -> None:
    n_broken, n_found = 0, 0
    for seed in range(60):
        calls = population(seed, prevalence=0.3, threshold=0.5)
        grid = [float(np.quantile([one.value for one in calls], q)) for q in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)]
        unflagged_to = max(one.value for one in calls if not one.is_flagged)
        try:
            found = by_precision(
                reviewed(calls, n_each=300), least=0.85, confidence=0.9, grid=grid, unflagged_to=unflagged_to
            )
        except InputError:
            continue
        n_found += 1
        above = [one.is_positive for one in calls if one.value >= found.threshold]
        n_broken += bool(np.mean(above) < 0.85)
        assert found.bound >= 0.85
    assert n_found >= 40
    assert n_broken <= 0.2 * n_found


def test_too_few_labels_for_a_threshold_are_refused_with_their_number() -> None:
    labels = reviewed(population(3), n_each=100)
    n = sum(not one.is_positive for one in representative(labels, of_flagged=False))
    with pytest.raises(InputError, match=rf"expected at least 299 labels .*, got {n}$"):
        by_false_positive_rate(labels, most=0.01, confidence=0.95)
    with pytest.raises(InputError, match=r"expected at least 29 labels above one of the 1 thresholds tried"):
        by_precision(labels[:5], least=0.9, confidence=0.95, grid=[0.7], unflagged_to=0.6)
    with pytest.raises(
        InputError, match=r"expected a threshold with a precision of at least 0\.99, got none: the best"
    ):
        by_precision(reviewed(population(3), n_each=900), least=0.99, confidence=0.5, grid=[0.2], unflagged_to=None)
