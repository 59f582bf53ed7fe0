"""A logistic regression over windows whose worst decides, and how its scores do out of fold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from driftline_analyzers.safety.cues import CUES, cue_values
from driftline_analyzers.safety.ngrams import N_BUCKETS, hashed_ngrams

NGRAM_SCALE: Final = 6.0
VECTOR_SCALE: Final = 1.0
CUE_SCALE: Final = np.array([3.0 if name.endswith(("_share", "_words")) else 1.0 for name in CUES], dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """lexical: (m, N_BUCKETS + cues) n-grams and cues, scaled; vectors: (m, d), scaled; owner: (m,) the example of each window, ascending;
    is_attack: (m,) what each is.
    """

    lexical: Any
    vectors: NDArray[np.float32]
    owner: NDArray[np.int64]
    is_attack: NDArray[np.bool_]

    @property
    def n_cues(self) -> int:
        """How many of lexical's columns, the last ones, are cues."""
        return len(CUES)


def measure_windows(
    texts: Sequence[str], vectors: NDArray[np.float32], owner: Sequence[int], is_attack: Sequence[bool]
) -> Windows:
    """What a head sees of windows."""
    indices, values, ends = [], [], [0]
    for text in texts:
        buckets, weights = hashed_ngrams(text)
        indices.append(buckets)
        values.append(weights * NGRAM_SCALE)
        ends.append(ends[-1] + len(buckets))
    ngrams = sparse.csr_matrix(
        (np.concatenate(values), np.concatenate(indices), ends), shape=(len(texts), N_BUCKETS), dtype=np.float32
    )
    cues = np.stack([cue_values(text) for text in texts]) * CUE_SCALE
    return Windows(
        lexical=sparse.hstack([ngrams, sparse.csr_matrix(cues)]).tocsr(),
        vectors=np.asarray(vectors, dtype=np.float32) * VECTOR_SCALE,
        owner=np.asarray(owner, dtype=np.int64),
        is_attack=np.asarray(is_attack, dtype=np.bool_),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Weights of scaled features: lexical (N_BUCKETS + cues,), vector (d,) or None, bias."""

    lexical: NDArray[np.float64]
    vector: NDArray[np.float64] | None
    bias: float

    def window_scores(self, windows: Windows) -> NDArray[np.float64]:
        """Log-odds (m,)."""
        scores = windows.lexical @ self.lexical + self.bias
        return np.asarray(scores if self.vector is None else scores + windows.vectors @ self.vector)

    def scores(self, windows: Windows, n: int) -> NDArray[np.float64]:
        """Log-odds of the worst window of each of n examples; -inf where it has none."""
        worst = np.full(n, -np.inf)
        np.maximum.at(worst, windows.owner, self.window_scores(windows))
        return worst

    def weights(self, prefix: str) -> dict[str, Any]:
        """For the weights file: scales are multiplied in."""
        made = {
            f"{prefix}_ngrams": self.lexical[:N_BUCKETS] * NGRAM_SCALE,
            f"{prefix}_cues": self.lexical[N_BUCKETS:] * CUE_SCALE,
            f"{prefix}_bias": round(self.bias, 5),
        }
        return made if self.vector is None else made | {f"{prefix}_vector": self.vector * VECTOR_SCALE}


def fit_head(
    windows: Windows,
    is_attack: NDArray[np.bool_],
    source: NDArray[np.str_],
    chosen: NDArray[np.bool_],
    *,
    has_vectors: bool,
    c: float = 1.0,
    rounds: int = 2,
) -> Head:
    """Fit to the chosen examples. A source weighs as the root of its examples, attacks and harmless texts the same in sum, and an example's
    windows share its weight. Of an attack only windows that are attacks are used, after the first round the worse half of them.
    """
    example_weight = np.zeros(len(is_attack))
    for name in np.unique(source[chosen]):
        members = chosen & (source == name)
        example_weight[members] = members.sum() ** -0.5
    for side in (is_attack, ~is_attack):
        example_weight[side & chosen] *= chosen.sum() / 2 / example_weight[side & chosen].sum()
    candidates = chosen[windows.owner] & (windows.is_attack | ~is_attack[windows.owner])
    used = candidates
    features = (
        sparse.hstack([windows.lexical, sparse.csr_matrix(windows.vectors)]).tocsr() if has_vectors else windows.lexical
    )
    for _ in range(rounds):
        rows = np.flatnonzero(used)
        n_used = np.bincount(windows.owner[rows], minlength=len(is_attack))
        weight = (example_weight / np.maximum(n_used, 1))[windows.owner[rows]]
        model = LogisticRegression(C=c, max_iter=400, tol=1e-4)
        model.fit(features[rows], windows.is_attack[rows], sample_weight=weight)
        split = N_BUCKETS + len(CUES)
        coefficients = model.coef_[0]
        head = Head(
            lexical=coefficients[:split],
            vector=coefficients[split:] if has_vectors else None,
            bias=float(model.intercept_[0]),
        )
        used = candidates & _worse_half(head.window_scores(windows), windows)
    return head


def _worse_half(scores: NDArray[np.float64], windows: Windows) -> NDArray[np.bool_]:
    """All harmless windows, and of an example's attacking windows the half (rounded up) with the higher scores."""
    keep = ~windows.is_attack
    rows = np.flatnonzero(windows.is_attack)
    owner = windows.owner[rows]
    order = np.lexsort((-scores[rows], owner))
    starts = np.searchsorted(owner[order], owner[order])
    rank = np.arange(len(rows)) - starts
    n_windows = np.bincount(owner)[owner[order]]
    keep[rows[order[rank < np.ceil(n_windows / 2)]]] = True
    return keep


def out_of_fold(
    windows: Windows,
    is_attack: NDArray[np.bool_],
    source: NDArray[np.str_],
    group: NDArray[np.str_],
    *,
    has_vectors: bool,
    c: float,
    seed: int,
    n_folds: int = 5,
    learned: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float64], list[Head], NDArray[np.int64]]:
    """Scores of examples by the head that has not seen their group, the heads, and the fold of each example. learned: those that heads may
    be fitted to, all of them if None.
    """
    n = len(is_attack)
    may_learn = np.ones(n, dtype=np.bool_) if learned is None else learned
    scores, fold_of, heads = np.zeros(n), np.zeros(n, dtype=np.int64), []
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed).split(np.zeros(n), source, group)
    for fold, (train, test) in enumerate(folds):
        head = fit_head(
            windows, is_attack, source, np.isin(np.arange(n), train) & may_learn, has_vectors=has_vectors, c=c
        )
        scores[test] = head.scores(windows, n)[test]
        fold_of[test] = fold
        heads.append(head)
    return scores, heads, fold_of
