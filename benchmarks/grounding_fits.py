"""What the grounding features are worth when they are fitted on the labelled set itself: cross-validated by group."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.grounding_sets import Labelled
from driftline_analyzers.embed.token_vectors import TokenEmbedder
from driftline_analyzers.grounding.features import FEATURES
from driftline_analyzers.grounding.head import Head, pooled, shipped_head
from driftline_analyzers.grounding.refit import best_threshold, f1, refit
from driftline_analyzers.grounding.scorer import GroundingScorer

Values = NDArray[np.float64]
_AT_ONCE: Final = 256
_LEAST: Final = 1e-9
_NO_CLAIM: Final = -20.0
"""Log odds of an answer that claims nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """Of all answers of a set: features (s, f), whether a person calls it unsupported (s,), and the answer of each, ascending (s,);
    answers: (n,) their labels; groups: (n,). head: the shipped one, with a weight for each feature.
    """

    features: Values
    labels: NDArray[np.bool_]
    rows: NDArray[np.int64]
    answers: NDArray[np.bool_]
    groups: NDArray[np.str_]
    head: Head

    @classmethod
    def of_items(cls, items: Sequence[Labelled], *, embedder: TokenEmbedder) -> Self:
        """Those that claim something, with the shipped features and TOKEN_FEATURES. Items with the same documents beside each other."""
        head = shipped_head().with_tokens(embedder.model_id)
        scorer = GroundingScorer(head=head, token_embedder=embedder)
        values, labels, rows = [], [], []
        found = [
            one
            for start in range(0, len(items), _AT_ONCE)
            for one in scorer.features([item.call for item in items[start : start + _AT_ONCE]])
        ]
        for row, (item, sentences) in enumerate(zip(items, found, strict=True)):
            for sentence, of_sentence in sentences:
                touched = any(start < sentence.end and end > sentence.start for start, end in item.spans)
                values.append(of_sentence)
                labels.append(touched if item.spans else item.is_unsupported)
                rows.append(row)
        return cls(
            features=np.asarray(values),
            labels=np.asarray(labels),
            rows=np.asarray(rows),
            answers=np.asarray([item.is_unsupported for item in items]),
            groups=np.asarray([item.group for item in items]),
            head=head,
        )

    def words_alone(self) -> Self:
        """The same without TOKEN_FEATURES."""
        return replace(self, features=self.features[:, : len(FEATURES)], head=shipped_head())

    def of(self, answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(s,) which belong to the answers."""
        return np.isin(self.rows, answers)

    def pooled(self, log_odds: Values, *, floor: float) -> Values:
        """(s,) -> (n,) of answers. floor: as of `head.pooled`."""
        found = np.full(len(self.answers), _NO_CLAIM)
        answers, starts = np.unique(self.rows, return_index=True)
        for row, one in zip(answers, np.split(log_odds, starts[1:]), strict=True):
            found[row] = pooled(one, floor=floor)
        return found


class _Both:
    """Mean log odds of a logistic regression and of boosted trees, both fitted on sentences that people labelled."""

    def fit(self, features: Values, labels: NDArray[np.bool_]) -> Self:
        """(n, f), (n,)."""
        trees = GradientBoostingClassifier(
            n_estimators=150, max_depth=3, learning_rate=0.05, min_samples_leaf=20, subsample=0.6, max_features=0.5, random_state=0
        )  # fmt: skip
        linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
        self._models = [one.fit(features, labels) for one in (linear, trees)]
        return self

    def __call__(self, features: Values) -> Values:
        """(n, f) -> (n,) log odds."""
        return np.asarray(np.mean([one.decision_function(features) for one in self._models], axis=0))


def by_answers(sentences: Sentences, train: NDArray[np.int64]) -> tuple[Values, Values]:
    """`grounding.refit`, by whole answers' labels: log odds of sentences (s,), and of answers (n,), those of train held out."""
    known = np.intersect1d(train, sentences.rows)
    parts = [sentences.features[sentences.rows == row] for row in known]
    made = refit(sentences.head, parts, sentences.answers[known])
    log_odds = made.head.sentences(sentences.features)
    of_answers = sentences.pooled(log_odds, floor=made.head.intercept)
    of_answers[known] = logit(np.clip(made.held_out, _LEAST, 1 - _LEAST))
    return log_odds, of_answers


def by_sentences(sentences: Sentences, train: NDArray[np.int64]) -> tuple[Values, Values]:
    """The same by models that see sentences' labels."""
    known = sentences.of(train)
    log_odds = _Both().fit(sentences.features[known], sentences.labels[known])(sentences.features)
    groups = sentences.groups[train]
    for seen, held in GroupKFold(4).split(train, groups=groups):
        rows, out = sentences.of(train[seen]), sentences.of(train[held])
        log_odds[out] = _Both().fit(sentences.features[rows], sentences.labels[rows])(sentences.features[out])
    return log_odds, sentences.pooled(log_odds, floor=-np.inf)


def by_both(sentences: Sentences, train: NDArray[np.int64]) -> tuple[Values, Values]:
    """The mean of the two."""
    pairs = zip(by_answers(sentences, train), by_sentences(sentences, train), strict=True)
    log_odds, of_answers = ((one + other) / 2 for one, other in pairs)
    return log_odds, of_answers


def fitted_here(
    sentences: Sentences, fit: Callable[[Sentences, NDArray[np.int64]], tuple[Values, Values]]
) -> tuple[str, ...]:
    """Fitted in five parts by group, five times; threshold by the other parts. AUROC of sentences, of answers, F1 of answers."""
    groups = sentences.groups
    aurocs, of_sentences, scores = [], [], []
    for seed in range(5):
        log_odds = np.empty(len(sentences.labels))
        values, flagged = np.full(len(groups), _NO_CLAIM), np.zeros(len(groups), dtype=bool)
        for train, test in GroupKFold(5, shuffle=True, random_state=seed).split(groups, groups=groups):
            found, of_answers = fit(sentences, train)
            log_odds = np.where(sentences.of(test), found, log_odds)
            cut = best_threshold(of_answers[train], sentences.answers[train])
            values[test], flagged[test] = of_answers[test], of_answers[test] >= cut
        aurocs.append(roc_auc_score(sentences.answers, values))
        of_sentences.append(roc_auc_score(sentences.labels, log_odds))
        scores.append(f1(sentences.answers, flagged))
    return tuple(f"{np.mean(found):.3f} ± {np.std(found):.3f}" for found in (of_sentences, aurocs, scores))


FITS: Final = {
    "`driftline refit`, by answers' labels": by_answers,
    "by sentences' labels": by_sentences,
    "mean of both": by_both,
}
