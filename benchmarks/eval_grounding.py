"""How well does the grounding scorer tell unsupported answers, and their words? Prints the figures of docs/detection-quality-grounding.md.

    python -m benchmarks.eval_grounding [--data ../shared/data] [--markdown FILE]

The sets are non-commercial: they measure what ships, which never saw them. Intervals: bootstrap over questions or persons, 95 %.
Floors are computed in the same run. "Fitted here" fits the same features on the set itself, cross-validated by question or person: what
labels of one's own would give; it is not shipped. Without the data it says so and ends with 0.
"""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.drift_tables import Table
from benchmarks.grounding_copies import altered_copies
from benchmarks.grounding_fits import FITS, Sentences, fitted_here
from benchmarks.grounding_sets import FOLDERS, SETS, Labelled, answer_call
from benchmarks.report import emit, machine
from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.grounding.head import shipped_head
from driftline_analyzers.grounding.refit import f1
from driftline_analyzers.grounding.scorer import GroundingScorer
from driftline_analyzers.scoring.scorer import CallScore

_BEGIN, _END = "<!-- eval_grounding begins -->", "<!-- eval_grounding ends -->"
_DRAWS: Final = 400
_BINS: Final = 10
_COPIED: Final = ((1, 9), (10, 29), (30, 99), (100, 200))
"""Sentences of a document, from and to; the scorer reads 200."""
Values = NDArray[np.float64]


def no_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """The first stage asks for none."""
    raise AssertionError(f"expected no text to be embedded, got {len(texts)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A set with what the scorer said; scores: None where it found nothing to judge, which counts as supported."""

    name: str
    items: Sequence[Labelled]
    scores: Sequence[CallScore | None]

    @property
    def labels(self) -> NDArray[np.bool_]:
        return np.asarray([item.is_unsupported for item in self.items])

    @property
    def values(self) -> Values:
        return np.asarray([0.0 if score is None or score.value is None else score.value for score in self.scores])


def words(text: str) -> list[str]:
    """Runs of letters and digits in lower case."""
    return re.findall(r"\w+", text.lower())


def floors(items: Sequence[Labelled]) -> dict[str, Values]:
    """Trivial scores."""
    new_share, n_new, length = [], [], []
    known: dict[int, set[str]] = {}
    for item in items:
        key = id(item.call.documents)
        if key not in known:
            known[key] = {word for document in item.call.documents for word in words(document)}
        said = words(item.call.completion)
        new = {word for word in said if word not in known[key]}
        new_share.append(len(new) / max(1, len(set(said))))
        n_new.append(float(len(new)))
        length.append(float(len(said)))
    return {
        "share of words that are new": np.asarray(new_share),
        "number of words that are new": np.asarray(n_new),
        "length": np.asarray(length),
    }


def interval(items: Sequence[Labelled], figure: Callable[[NDArray[np.int64]], float]) -> tuple[float, float]:
    """95 % of a figure over sets of groups drawn with replacement. figure: of row numbers."""
    groups: dict[str, list[int]] = {}
    for row, item in enumerate(items):
        groups.setdefault(item.group, []).append(row)
    rows = [np.asarray(one) for one in groups.values()]
    rng = np.random.default_rng(0)
    found = [figure(np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])) for _ in range(_DRAWS)]
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def auroc_of(labels: NDArray[np.bool_], values: Values) -> Callable[[NDArray[np.int64]], float]:
    """The figure for `interval`."""
    return lambda rows: float(roc_auc_score(labels[rows], values[rows]))


def ranking(scored: Scored) -> list[tuple[str, ...]]:
    """AUROC of the scorer and of the floors."""
    lines: list[tuple[str, ...]] = []
    for name, values in {"Driftline": scored.values, **floors(scored.items)}.items():
        low, high = interval(scored.items, auroc_of(scored.labels, values))
        auroc = roc_auc_score(scored.labels, values)
        lines.append((scored.name, name, f"{auroc:.3f} [{low:.3f}, {high:.3f}]"))
    return lines


def decisions(scored: Scored) -> tuple[str, ...]:
    """At the shipped threshold, which was set on made-up answers; beside it the best threshold of the set itself."""
    labels, values = scored.labels, scored.values
    flagged = np.asarray([score is not None and score.is_flagged for score in scored.scores])
    best = max(f1(labels, values >= cut) for cut in np.quantile(values, np.linspace(0, 1, 200)))
    hits = (labels & flagged).sum()
    low, high = interval(scored.items, lambda rows: f1(labels[rows], flagged[rows]))
    return (
        scored.name, f"{labels.mean():.3f}", f"{flagged.mean():.3f}", f"{hits / max(1, flagged.sum()):.3f}", f"{hits / labels.sum():.3f}",
        f"{f1(labels, flagged):.3f} [{low:.3f}, {high:.3f}]", f"{f1(labels, np.ones_like(labels)):.3f}", f"{best:.3f}",
    )  # fmt: skip


def span_line(scored: Scored, name: str, spans_of: Callable[[CallScore], list[tuple[int, int]]]) -> tuple[str, ...]:
    """Overlap of characters with people's spans, over all answers together."""
    hit = marked = true = 0
    for item, score in zip(scored.items, scored.scores, strict=True):
        people = {place for start, end in item.spans for place in range(start, end)}
        ours = {place for start, end in (spans_of(score) if score is not None else []) for place in range(start, end)}
        hit, marked, true = hit + len(people & ours), marked + len(ours), true + len(people)
    precision, recall = hit / max(1, marked), hit / max(1, true)
    return (scored.name, name, f"{precision:.3f}", f"{recall:.3f}", f"{2 * hit / max(1, marked + true):.3f}")


def marked_words(score: CallScore) -> list[tuple[int, int]]:
    """The spans that the scorer marks."""
    return [(span["start"], span["end"]) for span in score.evidence["spans"]]


def marked_sentences(score: CallScore) -> list[tuple[int, int]]:
    """The whole sentences that it calls unsupported, of answers that it flags."""
    threshold = shipped_head().sentence_threshold
    weak = [one for one in score.evidence["sentences"] if score.is_flagged and one["probability"] >= threshold]
    return [(one["start"], one["end"]) for one in weak]


def sentence_auroc(scored: Scored) -> tuple[str, ...]:
    """Sentences that the scorer judged, unsupported where a person's span touches them."""
    labels, values = [], []
    for item, score in zip(scored.items, scored.scores, strict=True):
        for one in score.evidence["sentences"] if score is not None else []:
            labels.append(any(start < one["end"] and end > one["start"] for start, end in item.spans))
            values.append(one["probability"])
    return (scored.name, str(len(labels)), f"{np.mean(labels):.3f}", f"{roc_auc_score(labels, values):.3f}")


def reliability(scored: Scored) -> list[tuple[str, ...]]:
    """Answers by their probability: how often they are unsupported; and the mean distance, weighted by answers (ECE)."""
    labels, values = scored.labels, scored.values
    number = np.minimum((values * _BINS).astype(int), _BINS - 1)
    error = 0.0
    lines = []
    for one in range(_BINS):
        rows = number == one
        if rows.any():
            error += rows.mean() * abs(labels[rows].mean() - values[rows].mean())
            said = f"{values[rows].mean():.2f}"
            lines.append(
                (
                    scored.name,
                    f"{one / _BINS:.1f}-{(one + 1) / _BINS:.1f}",
                    str(int(rows.sum())),
                    said,
                    f"{labels[rows].mean():.2f}",
                )
            )
    return [*lines, (scored.name, "ECE", str(len(labels)), "", f"{error:.3f}")]


def own_answers(scorer: GroundingScorer, scored: Scored) -> list[tuple[str, ...]]:
    """All documents of a question or person as the answer, copied word for word: what is flagged of it, by how many sentences it has."""
    documents = list(dict.fromkeys(tuple(item.call.documents) for item in scored.items))
    found = scorer.score([answer_call("", "\n".join(one), one) for one in documents], embed=no_vectors)
    told = [(one.evidence["n_claims"], one.is_flagged, one.value or 0.0) for of_call in found for one in of_call]
    lines: list[tuple[str, ...]] = []
    for least, most in _COPIED:
        cell = [(flagged, value) for n, flagged, value in told if least <= n <= most]
        if cell:
            flagged, values = zip(*cell, strict=True)
            share, highest = f"{np.mean(flagged):.3f}", f"{max(values):.3f}"
            lines.append((scored.name, f"{least} to {most}", str(len(cell)), share, highest))
    return lines


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--markdown", type=Path, help="a page: the tables replace what is between its markers")
    options = parser.parse_args()
    if missing := [folder for folder in FOLDERS if not (options.data / folder).is_dir()]:
        emit(bench="eval_grounding", skipped=f"no {', '.join(missing)} in {options.data}")
        return 0
    emit(bench="eval_grounding", subject="machine", **machine())
    scorer, embedder = GroundingScorer(), SentenceEmbedder()
    sets = []
    for name, read in SETS.items():
        items = list(read(options.data))
        found = scorer.score([item.call for item in items], embed=no_vectors)
        sets.append(Scored(name=name, items=items, scores=[one[0] if one else None for one in found]))
    with_spans = [one for one in sets if any(item.spans for item in one.items)]
    tables = [
        Table(
            name="Ranking: AUROC of unsupported answers or facts",
            columns=("set", "by", "AUROC [95 %]"),
            rows=[line for one in sets for line in ranking(one)],
        ),
        Table(
            name="Sentences", columns=("set", "sentences judged", "unsupported", "AUROC"), rows=[sentence_auroc(one) for one in with_spans]
        ),
        Table(
            name="Decisions at the shipped threshold",
            columns=(
                "set", "unsupported", "flagged", "precision", "recall", "F1 [95 %]", "F1 of flagging all", "F1 at its best threshold",
            ),
            rows=[decisions(one) for one in sets],
        ),
        Table(
            name="Documents as their own answers",
            columns=("set", "sentences", "answers", "flagged", "highest probability"),
            rows=[line for one in sets for line in own_answers(scorer, one)],
        ),
        Table(
            name="Altered copies",
            columns=("set", "altered", "sentences", "flagged", "flagged as they stand"),
            rows=[line for one in sets for line in altered_copies(scorer, one.name, one.items, embed=no_vectors)],
        ),
        Table(
            name="Marked text, characters",
            columns=("set", "marked", "precision", "recall", "F1"),
            rows=[
                line
                for one in with_spans
                for line in (span_line(one, "unsupported words", marked_words), span_line(one, "whole sentences", marked_sentences))
            ],
        ),
        Table(
            name="Calibration",
            columns=("set", "probability", "answers", "said", "unsupported"),
            rows=[line for one in sets for line in reliability(one)],
        ),
        Table(
            name="Fitted here, five times five parts",
            columns=("set", "fitted", "features", "sentences, AUROC", "answers, AUROC", "F1"),
            rows=[
                (one.name, name, features, *fitted_here(sentences, fit))
                for one in sets
                for with_tokens in (Sentences.of_items(one.items, embedder=embedder),)
                for features, sentences in {"words": with_tokens.words_alone(), "and token vectors": with_tokens}.items()
                for name, fit in FITS.items()
            ],
        ),
    ]  # fmt: skip
    for table in tables:
        for row in table.rows:
            emit(bench="eval_grounding", table=table.name, **dict(zip(table.columns, row, strict=True)))
    if options.markdown is not None:
        text = options.markdown.read_text()
        before, _, rest = text.partition(_BEGIN)
        body = "\n\n".join(table.markdown() for table in tables)
        options.markdown.write_text(f"{before}{_BEGIN}\n\n{body}\n\n{_END}{rest.partition(_END)[2]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
