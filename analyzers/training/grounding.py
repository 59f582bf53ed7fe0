"""Fits the grounding head and its table of word counts, writes them to driftline_analyzers/weights, and prints what they are worth.

    python -m training.grounding --data ../shared/data [--seed 0]

Learns from openly licensed texts only: HaluEval (MIT; HotpotQA's Wikipedia text CC BY-SA 4.0), BOLD's Wikipedia sentences (CC BY-SA 4.0),
CLINC150 (CC BY 3.0) for word counts, our own rewordings, corruptions and copies. docs/data-cards/grounding.md says what that is good for.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GroupKFold

from driftline_analyzers.grounding.features import FEATURES, claim_features
from driftline_analyzers.grounding.head import pooled, probability
from driftline_analyzers.grounding.rarity import Rarity
from driftline_analyzers.grounding.refit import best_threshold
from driftline_analyzers.grounding.sentences import split_sentences
from driftline_analyzers.grounding.sources import Source
from driftline_analyzers.grounding.words import words_of
from training.grounding_copies import copies
from training.grounding_texts import (
    Example,
    WrittenAnswer,
    question_answers,
    read_rows,
    reworded,
    written_answers,
)

WEIGHTS: Final = Path(__file__).parents[1] / "driftline_analyzers" / "weights"
_PENALTIES: Final = (3.0, 10.0, 30.0, 100.0, 300.0)
_SOURCES: Final = {
    "reworded": "corruptions",
    "corrupted": "corruptions",
    "written": "written",
    "copied": "copies",
    "altered": "copies",
}
_UNSUPPORTED: Final = 0.12
"""Assumed share of unsupported answers among those of one sentence; it grows with the root of their number."""
_LONGEST_RUN: Final = 4
_MAX_CHARS = 200_000
_LENGTHS: Final = (2, 3, 4, 6, 9, 13, 20, 30)


def word_counts(data: Path) -> tuple[dict[str, int], int]:
    """Sentences that hold each key, of keys in two or more; and how many sentences there are."""
    counts: Counter[str] = Counter()
    n_sentences = 0
    texts = [row["knowledge"] for row in read_rows(data, "grounding_halueval/qa.jsonl.gz") if row["kind"] == "right"]
    texts += [row["wikipedia"] for row in read_rows(data, "bias_bold/data.jsonl.gz")]
    texts += [row["text"] for row in read_rows(data, "drift_clinc150/data.jsonl.gz")]
    for text in texts:
        for sentence in split_sentences(text):
            counts.update({word.key for word in words_of(text, sentence.start, sentence.end) if word.kind != "number"})
            n_sentences += 1
    return {key: count for key, count in sorted(counts.items()) if count > 1}, n_sentences


def measured(examples: Sequence[Example], rarity: Rarity) -> tuple[NDArray[np.float64], list[Example]]:
    """(n, f) features of the examples that say something, and those examples."""
    rows, kept = [], []
    for example in examples:
        words = words_of(example.answer)
        if any(word.carries for word in words):
            source = Source(example.documents, max_chars=_MAX_CHARS)
            asked = frozenset(word.key for word in words_of(example.question))
            rows.append(claim_features(words, source, asked=asked, rarity=rarity).values)
            kept.append(example)
    return np.asarray(rows), kept


def fit(
    values: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64], *, penalty: float
) -> tuple[NDArray[np.float64], float]:
    """Logistic regression with weights >= 0 on features in units of their spread: (f,), intercept."""
    spread = values.std(0) + 1e-9
    scaled, y = values / spread, labels.astype(np.float64)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log_odds = scaled @ parameters[1:] + parameters[0]
        slope = weights * (1 / (1 + np.exp(-log_odds)) - y)
        value = (weights * (np.logaddexp(0, log_odds) - y * log_odds)).sum() + penalty * (parameters[1:] ** 2).sum() / 2
        return value, np.concatenate([[slope.sum()], scaled.T @ slope + penalty * parameters[1:]])

    bounds = [(None, None)] + [(0, None)] * values.shape[1]
    found = minimize(loss, np.zeros(values.shape[1] + 1), jac=True, bounds=bounds)
    return found.x[1:] / spread, float(found.x[0])


def balanced(examples: Sequence[Example]) -> NDArray[np.float64]:
    """(n,) weights: HaluEval, corruptions, copies and written answers weigh the same.

    HaluEval's invented answers are longer than its gold ones, and length must not tell them: in each range of lengths both weigh as much
    as the rarer.
    """
    labels = labels_of(examples)
    sources = np.asarray([_SOURCES.get(example.kind, "halueval") for example in examples])
    weights = np.ones(len(examples))
    lengths = np.searchsorted(_LENGTHS, [len(words_of(example.answer)) for example in examples])
    for length in np.unique(lengths):
        cell = (sources == "halueval") & (lengths == length)
        least = min((cell & labels).sum(), (cell & ~labels).sum())
        for rows in (cell & labels, cell & ~labels):
            weights[rows] = least / max(1, rows.sum())
    for source in np.unique(sources):
        weights[sources == source] *= len(examples) / len(np.unique(sources)) / weights[sources == source].sum()
    return weights


def cross_validated(values: NDArray[np.float64], examples: Sequence[Example], *, penalty: float) -> NDArray[np.float64]:
    """(n,) log odds of each example by a head that saw no example of its group."""
    labels, groups = labels_of(examples), [example.group for example in examples]
    weights = balanced(examples)
    log_odds = np.empty(len(examples))
    for train, test in GroupKFold(5).split(values, labels, groups):
        chosen, intercept = fit(values[train], labels[train], weights[train], penalty=penalty)
        log_odds[test] = values[test] @ chosen + intercept
    return log_odds


def log_odds_of(probability_: float) -> float:
    """Of a probability within (0, 1)."""
    return float(np.log(probability_ / (1 - probability_)))


def labels_of(examples: Sequence[Example]) -> NDArray[np.bool_]:
    """(n,) whether each is unsupported."""
    return np.asarray([example.is_unsupported for example in examples])


def pooled_answers(
    log_odds: NDArray[np.float64], answers: Sequence[WrittenAnswer], *, floor: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """log_odds: of all sentences of the answers, in order; floor: as of `pooled`. All runs of their sentences are answers too: pooled log
    odds (n,), labels (n,), weights (n,) by which each length counts the same.
    """
    rows, labels, lengths, at = [], [], [], 0
    for answer in answers:
        n = len(answer.sentences)
        bad = labels_of(answer.sentences)
        for start, end in combinations(range(n + 1), 2):
            rows.append(pooled(log_odds[at + start : at + end], floor=floor))
            labels.append(bool(bad[start:end].any()))
            lengths.append(min(end - start, _LONGEST_RUN))
        at += n
    truths, sizes = np.asarray(labels), np.asarray(lengths)
    weights = np.empty(len(truths))
    for size in np.unique(sizes):
        unsupported = _UNSUPPORTED * size**0.5
        for rows_of, share in ((truths, unsupported), (~truths, 1 - unsupported)):
            cell = rows_of & (sizes == size)
            weights[cell] = share / cell.sum()
    return np.asarray(rows), truths, weights * len(answers) / weights.sum()


def main() -> int:
    """Fit, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts, n_sentences = word_counts(options.data)
    rarity = Rarity(counts=counts, n_sentences=n_sentences)
    written = written_answers()
    sentences = [one for answer in written for one in answer.sentences]
    others = [
        *question_answers(options.data),
        *reworded(options.data, seed=options.seed),
        *copies(options.data, seed=options.seed),
    ]
    values, examples = measured([*sentences, *others], rarity)
    labels, weights = labels_of(examples), balanced(examples)
    held_out = {penalty: cross_validated(values, examples, penalty=penalty) for penalty in _PENALTIES}
    # By what a model says and by single changed words; HaluEval's inventions are unlike both.
    chosen_by = np.asarray([_SOURCES.get(example.kind) is not None for example in examples])
    losses = {
        penalty: log_loss(labels[chosen_by], probability(found[chosen_by]), sample_weight=weights[chosen_by])
        for penalty, found in held_out.items()
    }
    penalty = min(losses, key=lambda one: losses[one])
    chosen, intercept = fit(values, labels, weights, penalty=penalty)
    shift = log_odds_of(_UNSUPPORTED) - log_odds_of(float(np.average(labels, weights=weights)))
    intercept += shift
    of_sentences = held_out[penalty][: len(sentences)] + shift
    pools, truths, shares = pooled_answers(of_sentences, written, floor=intercept)
    slope, offset = fit(pools[:, None], truths, shares, penalty=0.0)
    answer_probabilities = probability(float(slope[0]) * pools + offset)
    # An answer with one changed word shall be flagged as well as one that a model made up.
    single = np.asarray([_SOURCES.get(example.kind) == "corruptions" for example in examples])
    of_single = np.where(labels[single], _UNSUPPORTED, 1 - _UNSUPPORTED)
    single_probabilities = probability(float(slope[0]) * (held_out[penalty][single] + shift) + offset)
    flagging = (
        np.concatenate([answer_probabilities, single_probabilities]),
        np.concatenate([truths, labels[single]]),
        np.concatenate([shares / shares.sum(), of_single / of_single.sum()]),
    )
    kinds = np.asarray([_SOURCES.get(example.kind, "halueval") for example in examples])
    card: dict[str, Any] = {
        "n_sentences": len(examples),
        "kinds": dict(Counter(example.kind for example in examples)),
        "penalty": penalty,
        "log_loss": {str(one): round(loss, 4) for one, loss in losses.items()},
        "auroc": {
            kind: round(roc_auc_score(labels[kinds == kind], held_out[penalty][kinds == kind]), 4)
            for kind in np.unique(kinds)
        },
        "auroc_written_answers": round(roc_auc_score(truths, answer_probabilities, sample_weight=shares), 4),
        "n_written_answers": len(written),
    }
    head = {
        "features": list(FEATURES),
        "weights": [round(float(weight), 5) for weight in chosen],
        "intercept": round(intercept, 5),
        "slope": round(float(slope[0]), 5),
        "offset": round(offset, 5),
        "threshold": round(best_threshold(*flagging), 4),
        "sentence_threshold": round(best_threshold(probability(of_sentences), labels[: len(sentences)]), 4),
        "seed": options.seed,
        "trained_on": "HaluEval QA (MIT, HotpotQA CC BY-SA 4.0), rewordings and altered copies of its documents and ours, our own answers",
    }
    WEIGHTS.mkdir(exist_ok=True)
    (WEIGHTS / "grounding.json").write_text(json.dumps(head, indent=1) + "\n", encoding="utf-8")
    table = {"n_sentences": n_sentences, "counts": counts}
    (WEIGHTS / "grounding_rarity.json").write_text(
        json.dumps(table, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8"
    )
    print(json.dumps(card | {"head": head}, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
