"""What a window's strangeness in its document is worth: a weight beside the log-odds of the head that reads windows alone."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from driftline_analyzers.safety.context import others_of, strangeness
from training.injection_head import Head, Windows

_FLOOR_QUANTILE: Final = 0.97
"""Harmless documents below the floor are never embedded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """weight: log-odds of the head a unit of strangeness; floor: log-odds from which on a window's context is looked at."""

    weight: float
    floor: float

    def scores(
        self, alone: NDArray[np.float64], strange: NDArray[np.float64], windows: Windows, n: int
    ) -> NDArray[np.float64]:
        """Log-odds (n,) of each example's worst window. alone, strange: (m,)."""
        judged = np.where(alone >= self.floor, alone + self.weight * strange, alone)
        worst = np.full(n, -np.inf)
        np.maximum.at(worst, windows.owner, judged)
        return worst

    def weights(self, prefix: str) -> dict[str, Any]:
        """For the weights file."""
        return {f"{prefix}_context_weight": round(self.weight, 5), f"{prefix}_context_floor": round(self.floor, 5)}


def strangeness_of(windows: Windows) -> NDArray[np.float64]:
    """(m,) of each window in its example."""
    made = np.zeros(len(windows.owner))
    starts = np.flatnonzero(np.diff(windows.owner, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(made)], strict=True):
        vectors = windows.vectors[start:stop]
        for place in range(len(vectors)):
            made[start + place] = strangeness(vectors[[place, *others_of(len(vectors), place)]])
    return made


def scores_of_windows(windows: Windows, heads: list[Head], fold_of: NDArray[np.int64]) -> NDArray[np.float64]:
    """(m,) log-odds by the head that has not seen the window's example."""
    fold = fold_of[windows.owner]
    made = np.zeros(len(fold))
    for i, head in enumerate(heads):
        made[fold == i] = head.window_scores(windows)[fold == i]
    return made


def fit_context(
    alone: NDArray[np.float64],
    strange: NDArray[np.float64],
    windows: Windows,
    is_attack: NDArray[np.bool_],
    source: NDArray[np.str_],
) -> Context:
    """From scores out of fold. A source weighs as the root of its examples, an example's windows share its weight, and attacking windows
    weigh as much as harmless ones; windows of an attacked document that are no attack are left out.
    """
    used = np.flatnonzero(windows.is_attack | ~is_attack[windows.owner])
    owner = windows.owner[used]
    n_of_source = {name: int((source == name).sum()) for name in np.unique(source)}
    weight = 1 / np.bincount(owner, minlength=len(is_attack))[owner]
    weight *= np.array([n_of_source[name] ** -0.5 for name in source[owner]])
    sides = windows.is_attack[used]
    weight[sides] *= weight[~sides].sum() / weight[sides].sum()
    model = LogisticRegression(C=1e3, max_iter=500)
    model.fit(np.stack([alone[used], strange[used]], axis=1), sides, sample_weight=weight * len(weight) / weight.sum())
    worst = np.full(len(is_attack), -np.inf)
    np.maximum.at(worst, windows.owner, alone)
    of_alone, of_strange = model.coef_[0]
    return Context(weight=float(of_strange / of_alone), floor=float(np.quantile(worst[~is_attack], _FLOOR_QUANTILE)))
