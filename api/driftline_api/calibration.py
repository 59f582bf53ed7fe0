"""A threshold from labels with a bound that holds for any distribution of scores.

Clopper & Pearson 1934; Learn then Test (Angelopoulos et al. 2021). Both rules rest on labels that stand for the traffic
(`agreement.representative`) and promise: with the stated confidence over the drawing of the labels, the rate at the threshold is as asked,
on traffic like that which was labelled.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from driftline_api.agreement import LabelledScore, Reach, lower_bound, representative, upper_bound
from driftline_core.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """A call is flagged when its value, turned so that higher is more, is at least threshold.

    bound: of the rate there; n_labels: labels that it rests on.
    """

    threshold: float
    bound: float
    n_labels: int


def by_false_positive_rate(
    labels: Sequence[LabelledScore], *, most: float, confidence: float, reach: Reach | None = None
) -> Calibrated:
    """The lowest threshold whose false-positive rate is at most `most`.

    The rate above the (k + 1)-th highest of n negatives is Beta(k + 1, n - k) whatever the distribution, and falls with the threshold, so
    that one test decides. Raises InputError where there are too few negatives.
    """
    error = 1 - confidence
    reach = reach or Reach()
    fair = representative(labels, of_flagged=False, reach=reach)
    values = sorted((one.value for one in fair if not one.is_positive), reverse=True)
    n = len(values)
    needed = math.ceil(math.log(error) / math.log1p(-most))
    if n < needed:
        raise InputError(
            f"expected at least {needed} labels of calls that are not what it looks for, picked in random order, "
            f"got {n}{reach.gap(labels, of_flagged=False)}"
        )
    k = max(k for k in range(n) if upper_bound(k, n, error=error) <= most)
    return Calibrated(
        threshold=float(np.nextafter(values[k], np.inf)), bound=upper_bound(k, n, error=error), n_labels=n
    )


def by_precision(
    labels: Sequence[LabelledScore],
    *,
    least: float,
    confidence: float,
    grid: Sequence[float],
    unflagged_to: float | None,
    reach: Reach | None = None,
) -> Calibrated:
    """The lowest threshold of the grid whose precision is at least `least`, each tested at its share of the error (Bonferroni).

    grid: thresholds to try, chosen without a look at the labels. unflagged_to: highest value that is not flagged now, None where all are:
    above it labels of the flagged count too. Raises InputError where labels are too few or no threshold reaches it.
    """
    tried = sorted(set(grid))
    error = (1 - confidence) / len(tried)
    needed = math.ceil(math.log(error) / math.log(least))
    reach = reach or Reach()
    of_all, of_flagged = (representative(labels, of_flagged=which, reach=reach) for which in (False, True))
    best: Calibrated | None = None
    most_labels = 0
    for threshold in tried:
        fair = of_flagged if unflagged_to is None or threshold > unflagged_to else of_all
        above = [one for one in fair if one.value >= threshold]
        n, k = len(above), sum(one.is_positive for one in above)
        most_labels = max(most_labels, n)
        bound = lower_bound(k, n, error=error)
        if bound >= least:
            return Calibrated(threshold=threshold, bound=bound, n_labels=n)
        if best is None or bound > best.bound:
            best = Calibrated(threshold=threshold, bound=bound, n_labels=n)
    if most_labels < needed or best is None:
        raise InputError(
            f"expected at least {needed} labels above one of the {len(tried)} thresholds tried, picked in the order random or flagged, "
            f"got {most_labels}{reach.gap(labels, of_flagged=False) or reach.gap(labels, of_flagged=True)}"
        )
    raise InputError(
        f"expected a threshold with a precision of at least {least:g}, got none: the best is {best.threshold:.4g}, where it is at least "
        f"{best.bound:.3f} by {best.n_labels} labels"
    )
