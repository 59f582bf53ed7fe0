"""How far an analyzer agrees with people: counts over all labels, and rates of all traffic from the labels that stand for it.

Reviewers look where the analyzer is unsure or says something, so the labels are no fair sample. The review queue's random order is that of
a hash of the call, and so is the order within the flagged. Labelled calls up to the furthest place that was reached in such an order are a
simple random sample of all scored calls, or of the flagged: rates are estimated from those alone, for flagged and others apart, and put
together by how many there are of each. Intervals: Clopper & Pearson 1934 for a share of one group; for what combines both groups, draws
from their Jeffreys posteriors (Brown, Cai & DasGupta 2001).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

LEAST_FLAGGED: Final = 20
LEAST_OTHERS: Final = 50
_DRAWS: Final = 20_000
_SEED: Final = 20_261_128

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledScore:
    """One scored call with its label. truth: mean of its annotators' verdicts, 0 to 1. place: in the queue's random order.

    is_random, is_picked_flagged: reached by the queue's random order of all, or of the flagged.
    """

    value: float
    is_flagged: bool
    truth: float
    place: int
    is_random: bool
    is_picked_flagged: bool

    @property
    def is_disputed(self) -> bool:
        """Its annotators are split evenly."""
        return self.truth == 0.5

    @property
    def is_positive(self) -> bool:
        """Most annotators say that it is what the analyzer looks for."""
        return self.truth > 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Places of the random order before which every part of the calls was walked, of all and of the flagged; None: to where labels go.

    random_gap, flagged_gap: which part ends it, in words.
    """

    random_until: int | None = None
    flagged_until: int | None = None
    random_gap: str = ""
    flagged_gap: str = ""

    def gap(self, labels: Sequence[LabelledScore], *, of_flagged: bool) -> str:
        """What keeps labels from standing for the whole, to be put behind a reason; '' when nothing does."""
        n_without = len(representative(labels, of_flagged=of_flagged))
        is_short = n_without > len(representative(labels, of_flagged=of_flagged, reach=self))
        gap = self.flagged_gap if of_flagged else self.random_gap
        return f": {gap}" if is_short and gap else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A rate with its interval, or why there is none. n: labels that it rests on."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Counts are of the labels as they are; precision, recall and kappa are estimates for all scored calls."""

    n_labelled: int
    n_disputed: int
    n_representative: int
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    precision: Estimate
    recall: Estimate
    kappa: Estimate


def representative(
    labels: Sequence[LabelledScore], *, of_flagged: bool, reach: Reach | None = None
) -> list[LabelledScore]:
    """The labels that are a simple random sample of all scored calls; of_flagged: of the flagged ones alone. Without disputed ones.

    reach: how far every part of the calls was walked; without one, as far as any was.
    """
    last_random = max((one.place for one in labels if one.is_random), default=-1)
    if of_flagged:
        last = max((one.place for one in labels if one.is_picked_flagged and one.is_flagged), default=-1)
        furthest = _cut(max(last, last_random), reach.flagged_until if reach else None)
        return [one for one in labels if one.is_flagged and one.place <= furthest and not one.is_disputed]
    furthest = _cut(last_random, reach.random_until if reach else None)
    return [one for one in labels if one.place <= furthest and not one.is_disputed]


def agree(
    labels: Sequence[LabelledScore],
    *,
    n_scored: int,
    n_flagged: int,
    reach: Reach | None = None,
    confidence: float = 0.95,
) -> Agreement:
    """n_scored, n_flagged: calls that the analyzer scored and flagged, labelled or not."""
    reach = reach or Reach()
    clear = [one for one in labels if not one.is_disputed]
    flagged = representative(labels, of_flagged=True, reach=reach)
    others = [one for one in representative(labels, of_flagged=False, reach=reach) if not one.is_flagged]
    gap, flagged_gap = (reach.gap(labels, of_flagged=of_flagged) for of_flagged in (False, True))
    k_flagged, k_others = (sum(one.is_positive for one in group) for group in (flagged, others))
    precision = _precision(k_flagged, len(flagged), gap=flagged_gap, confidence=confidence)
    n_both = len(flagged) + len(others)
    lack = _lack(
        len(flagged),
        len(others),
        n_flagged=n_flagged,
        n_others=n_scored - n_flagged,
        gap=gap,
        flagged_gap=flagged_gap,
    )
    if lack:
        recall = kappa = Estimate(value=None, low=None, high=None, n=n_both, reason=lack)
    else:
        recall, kappa = _combined(
            (k_flagged, len(flagged), n_flagged), (k_others, len(others), n_scored - n_flagged), confidence=confidence
        )
    return Agreement(
        n_labelled=len(labels),
        n_disputed=len(labels) - len(clear),
        n_representative=n_both,
        true_positives=sum(one.is_flagged and one.is_positive for one in clear),
        false_positives=sum(one.is_flagged and not one.is_positive for one in clear),
        false_negatives=sum(not one.is_flagged and one.is_positive for one in clear),
        true_negatives=sum(not one.is_flagged and not one.is_positive for one in clear),
        precision=precision,
        recall=recall,
        kappa=kappa,
    )


def lower_bound(k: int, n: int, *, error: float) -> float:
    """Clopper-Pearson: a share of k of n is at least this, but with probability `error`."""
    return float(betaincinv(k, n - k + 1, error)) if k else 0.0


def upper_bound(k: int, n: int, *, error: float) -> float:
    """Clopper-Pearson: a share of k of n is at most this, but with probability `error`."""
    return float(betaincinv(k + 1, n - k, 1 - error)) if k < n else 1.0


def _cut(furthest: int, until: int | None) -> int:
    return furthest if until is None else min(furthest, until - 1)


def _precision(k: int, n: int, *, gap: str, confidence: float) -> Estimate:
    if n < LEAST_FLAGGED:
        reason = f"expected at least {LEAST_FLAGGED} labels of flagged calls picked in the order flagged or random, got {n}{gap}"
        return Estimate(value=None, low=None, high=None, n=n, reason=reason)
    error = (1 - confidence) / 2
    return Estimate(value=k / n, low=lower_bound(k, n, error=error), high=upper_bound(k, n, error=error), n=n)


def _lack(
    n_flagged_labels: int, n_other_labels: int, *, n_flagged: int, n_others: int, gap: str, flagged_gap: str
) -> str:
    if n_flagged and n_flagged_labels < min(LEAST_FLAGGED, n_flagged):
        return (
            f"expected at least {LEAST_FLAGGED} labels of flagged calls picked in the order flagged or random, "
            f"got {n_flagged_labels}{flagged_gap}"
        )
    if n_others and n_other_labels < LEAST_OTHERS:
        return (
            f"expected at least {LEAST_OTHERS} labels of calls that are not flagged, picked in random order, "
            f"got {n_other_labels}{gap}"
        )
    return "" if n_flagged or n_others else "expected scored calls, got none"


def _combined(
    flagged: tuple[int, int, int], others: tuple[int, int, int], *, confidence: float
) -> tuple[Estimate, Estimate]:
    """Recall and Cohen's kappa. Each group: positives among the labels, labels, calls."""
    generator = np.random.default_rng(_SEED)
    n_labels = flagged[1] + others[1]
    drawn, other_drawn = [
        generator.beta(k + 0.5, n - k + 0.5, size=_DRAWS) if n else np.zeros(_DRAWS) for k, n, _ in (flagged, others)
    ]
    point, other_point = [np.array([k / n if n else 0.0]) for k, n, _ in (flagged, others)]
    sizes = (flagged[2], others[2])
    tails = [100 * (1 - confidence) / 2, 100 * (1 + confidence) / 2]
    found = []
    for measure, nothing in (
        (_recall, "none of the labelled calls is what the analyzer looks for"),
        (_kappa, "all calls, or none, are flagged and positive: kappa is not defined"),
    ):
        value = float(measure(point, other_point, *sizes)[0])
        if not np.isfinite(value):
            found.append(Estimate(value=None, low=None, high=None, n=n_labels, reason=nothing))
            continue
        draws = measure(drawn, other_drawn, *sizes)
        low, high = np.percentile(draws[np.isfinite(draws)], tails)
        found.append(Estimate(value=value, low=min(float(low), value), high=max(float(high), value), n=n_labels))
    return found[0], found[1]


def _recall(p_flagged: Floats, p_others: Floats, n_flagged: int, n_others: int) -> Floats:
    hits = n_flagged * p_flagged
    with np.errstate(invalid="ignore", divide="ignore"):
        recall: Floats = hits / (hits + n_others * p_others)
    return recall


def _kappa(p_flagged: Floats, p_others: Floats, n_flagged: int, n_others: int) -> Floats:
    """Cohen 1960, from the expected two-by-two table."""
    n = n_flagged + n_others
    share = n_flagged / n
    positive = share * p_flagged + (1 - share) * p_others
    observed = share * p_flagged + (1 - share) * (1 - p_others)
    by_chance = share * positive + (1 - share) * (1 - positive)
    with np.errstate(invalid="ignore", divide="ignore"):
        kappa: Floats = (observed - by_chance) / (1 - by_chance)
    return kappa
