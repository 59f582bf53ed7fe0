"""Train the toxicity heads that ship: logistic regressions on character n-grams and on vectors of texts whose group words are masked.

    python -m training.toxicity [--data ../shared/data] [--seed 0] [--cache __cache__/training] [--card docs/data-cards/toxicity.md]

HateCheck (CC BY 4.0) for what is hateful and what only looks like it; CLINC150 (CC BY 3.0), Banking77 (CC BY 4.0), Wikipedia passages of
BOLD about groups of people (CC BY-SA 4.0) and our own harmless prompts for what is ordinary. The head of n-grams judges every text and
below FLOOR decides, so that hardly any ordinary text is embedded. The threshold is the 99.9 % quantile of the ordinary texts' out-of-fold
scores, or even odds where that is higher.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from driftline_analyzers.safety.group_words import mask_groups
from driftline_analyzers.safety.weights import save_weights
from driftline_analyzers.safety.window_head import PROBE
from training.injection import CachedVectors, write_card
from training.injection_data import load_rows
from training.injection_head import NGRAM_SCALE, Windows, measure_windows
from training.injection_texts import expand_many, load_templates

VECTOR_SCALE: Final = 5.0
C: Final = 1.0
QUANTILE: Final = 0.999
WINDOW_CHARS: Final = 400
FLOOR: Final = -3.5
"""Log-odds by n-grams: of the hateful texts that the head with vectors flags out of fold, 99.5 % lie above."""
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Masked texts as arrays (n,). source: hatecheck or where an ordinary text is from; group: what must not be split over folds;
    target, functionality: HateCheck's own, '' elsewhere; vectors: (n, d), scaled.
    """

    is_hateful: Flags
    source: NDArray[np.str_]
    group: NDArray[np.str_]
    target: NDArray[np.str_]
    functionality: NDArray[np.str_]
    windows: Windows

    @property
    def vectors(self) -> NDArray[np.float32]:
        """(n, d) times VECTOR_SCALE."""
        return self.windows.vectors * VECTOR_SCALE

    @property
    def ngrams(self) -> Any:
        """(n, N_BUCKETS) sparse."""
        return self.windows.lexical[:, : -self.windows.n_cues]

    @property
    def is_hatecheck(self) -> Flags:
        """Which are HateCheck's."""
        return np.asarray(self.source == "hatecheck")


def load_texts(data: Path, vectors: CachedVectors, *, seed: int, mask: Callable[[str], str] = mask_groups) -> Texts:
    """HateCheck's rows, then ordinary texts, each masked."""
    rng = np.random.default_rng(seed)
    rows = load_rows(data / "toxicity_hatecheck" / "data.jsonl.gz")
    texts = [mask(row["text"]) for row in rows]
    source = ["hatecheck"] * len(rows)
    group = [f"hatecheck:{row['templ_id']}" for row in rows]
    held_out = {
        row["text"]
        for row in load_rows(data / "injection_jailbreak" / "data.jsonl.gz")
        if row["kind"] == "benign_assistant_query"
    }
    for folder, key, n in (
        ("drift_clinc150", "text", 1500),
        ("drift_banking77", "text", 500),
        ("bias_bold", "wikipedia", 2000),
    ):
        found = [row[key][:WINDOW_CHARS] for row in load_rows(data / folder / "data.jsonl.gz")]
        found = sorted(set(found) - held_out)
        chosen = rng.permutation(len(found))[:n]
        texts += [mask(found[i]) for i in chosen]
        source += [folder] * len(chosen)
        group += [f"{folder}:{i}" for i in chosen]
    ours = expand_many(load_templates("injection_harmless"), each=3, rng=rng)
    texts += [mask(text[:WINDOW_CHARS]) for text, _ in ours]
    source += ["own_harmless"] * len(ours)
    group += [template.id for _, template in ours]
    n_ordinary = len(texts) - len(rows)
    is_hateful = [bool(row["hateful"]) for row in rows] + [False] * n_ordinary
    return Texts(
        is_hateful=np.array(is_hateful),
        source=np.array(source),
        group=np.array(group),
        target=np.array([row["target_ident"] or "none" for row in rows] + [""] * n_ordinary),
        functionality=np.array([row["functionality"] for row in rows] + [""] * n_ordinary),
        windows=measure_windows(texts, vectors.vectors(texts), range(len(texts)), is_hateful),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """by_ngrams: judges every text; by_vector: those above FLOOR."""

    by_ngrams: LogisticRegression
    by_vector: LogisticRegression

    def scores(self, texts: Texts, rows: NDArray[np.int64]) -> Floats:
        """Log-odds of these rows."""
        first = self.by_ngrams.decision_function(texts.ngrams[rows])
        second = self.by_vector.decision_function(texts.vectors[rows])
        return np.asarray(np.where(first >= FLOOR, second, first), dtype=np.float64)


def fit(texts: Texts, chosen: Flags) -> Cascade:
    """Hateful texts weigh as much as harmless ones; for the second head, HateCheck's harmless ones as much as ordinary ones."""
    weight = np.zeros(len(chosen))
    hard = texts.is_hatecheck & ~texts.is_hateful
    for members, share in ((texts.is_hateful, 0.5), (hard, 0.25), (~texts.is_hatecheck, 0.25)):
        weight[members & chosen] = share * chosen.sum() / max(1, (members & chosen).sum())
    is_hateful = texts.is_hateful[chosen]
    by_ngrams = LogisticRegression(C=C, max_iter=300, class_weight="balanced")
    by_vector = LogisticRegression(C=C, max_iter=500)
    return Cascade(
        by_ngrams=by_ngrams.fit(texts.ngrams[np.flatnonzero(chosen)], is_hateful),
        by_vector=by_vector.fit(texts.vectors[chosen], is_hateful, sample_weight=weight[chosen]),
    )


def out_of_fold(texts: Texts, groups: NDArray[np.str_], *, n_folds: int = 10) -> Floats:
    """Log-odds (n,), each by heads that have seen nothing of the text's group."""
    scores = np.zeros(len(groups))
    n_folds = min(n_folds, len(np.unique(groups)))
    for train, test in GroupKFold(n_folds).split(scores, groups=groups):
        scores[test] = fit(texts, np.isin(np.arange(len(groups)), train)).scores(texts, test)
    return scores


def threshold_of(texts: Texts, scores: Floats) -> float:
    """In log-odds."""
    return max(0.0, float(np.quantile(scores[~texts.is_hatecheck], QUANTILE)))


def table(texts: Texts, scores: Floats, threshold: float) -> str:
    """Markdown: the share flagged out of fold by source, and AUROC."""
    lines = ["| source | kind | n | groups | flagged, 95 % interval |", "|---|---|---|---|---|"]
    for source in np.unique(texts.source):
        for is_hateful in (True, False):
            members = (texts.source == source) & (texts.is_hateful == is_hateful)
            if members.any():
                hits, n = int((scores[members] >= threshold).sum()), int(members.sum())
                interval = binomtest(hits, n).proportion_ci()
                kind = "hateful" if is_hateful else "harmless"
                lines.append(
                    f"| {source} | {kind} | {n} | {len(np.unique(texts.group[members]))}"
                    f" | {hits / n:.3f} [{interval.low:.3f}, {interval.high:.3f}] |"
                )
    hatecheck = texts.is_hatecheck
    auroc = roc_auc_score(texts.is_hateful[hatecheck], scores[hatecheck])
    lines += [
        "",
        f"AUROC within HateCheck {auroc:.3f}; threshold at a probability of {1 / (1 + np.exp(-threshold)):.3f}.",
    ]
    return "\n".join(lines)


def main() -> int:
    """Train, save, and write the card's figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("__cache__/training"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--card", type=Path, help="a page: the table replaces what is between its markers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    vectors = CachedVectors(options.cache / "toxicity.npz")
    texts = load_texts(options.data, vectors, seed=options.seed)
    scores = out_of_fold(texts, texts.group)
    threshold = threshold_of(texts, scores)
    everything = np.ones(len(scores), dtype=np.bool_)
    cascade = fit(texts, everything)
    path = save_weights(
        "toxicity",
        {
            "seed": options.seed,
            "c": C,
            "quantile": QUANTILE,
            "probe": vectors.vectors([PROBE])[0],
            "toxicity_window_chars": WINDOW_CHARS,
            "toxicity_full_vector": cascade.by_vector.coef_[0] * VECTOR_SCALE,
            "toxicity_full_bias": round(float(cascade.by_vector.intercept_[0]), 5),
            "toxicity_full_threshold": round(threshold, 5),
            "toxicity_floor": FLOOR,
            "toxicity_lexical_ngrams": cascade.by_ngrams.coef_[0] * NGRAM_SCALE,
            "toxicity_lexical_bias": round(float(cascade.by_ngrams.intercept_[0]), 5),
        },
    )
    text = table(texts, scores, threshold)
    print(text)
    if options.card is not None:
        write_card(options.card, text)
    print(f"{path}: {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
