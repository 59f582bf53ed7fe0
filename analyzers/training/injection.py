"""Train the injection heads that ship.

    python -m training.injection [--heads direct,sentence,indirect] [--data ../shared/data] [--seed 0] [--cache __cache__/training]
        [--card docs/data-cards/injection.md]

Heads: direct (prompts) and indirect (documents, tool results), each with vectors and without, the latter of documents also in context, and
sentence (prompts by the sentence, without vectors): analyzers/driftline_analyzers/weights/injection.json. Those not named in --heads stay.
Thresholds are the 99.5 % quantile of our own harmless training texts' out-of-fold scores (the other harmless texts are easier and would
only thin them), for sentences 99.8 %; folds by template or near-duplicate group. Figures go into the data card between its markers. Minutes
on one core.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.safety.weights import load_weights, save_weights
from driftline_analyzers.safety.window_head import PROBE
from driftline_core.errors import InputError
from training.injection_context import Context, fit_context, scores_of_windows, strangeness_of
from training.injection_data import (
    MIN_CHARS,
    SHORT_CHARS,
    WINDOW_CHARS,
    Example,
    cut,
    direct_examples,
    indirect_examples,
)
from training.injection_head import Head, Windows, fit_head, measure_windows, out_of_fold

C: Final = 1.0
QUANTILE: Final = 0.995
SENTENCE_QUANTILE: Final = 0.998
"""Stricter, for what the head of sentences flags comes on top."""
_BEGIN, _END = "<!-- training begins -->", "<!-- training ends -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """Examples of one head as arrays (n,), and their windows; learned: those that it is fitted to."""

    examples: Sequence[Example]
    windows: Windows
    is_attack: NDArray[np.bool_]
    source: NDArray[np.str_]
    group: NDArray[np.str_]
    learned: NDArray[np.bool_]


class CachedVectors:
    """Vectors by the bundled model, kept in a file; vectors: (n, d) of the texts given."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, NDArray[np.float16]] = {}
        if path.exists():
            with np.load(path) as kept:
                self._known = dict(zip(bytes(kept["texts"]).decode().split("\0"), kept["vectors"], strict=True))

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed what is not known yet and keep it."""
        missing = list(dict.fromkeys(text for text in texts if text not in self._known))
        if missing:
            made = (
                SentenceEmbedder(threads=1).embed(missing).astype(np.float16)
            )  # as they are kept, so that no run differs
            self._known.update(zip(missing, made, strict=True))
            self._path.parent.mkdir(parents=True, exist_ok=True)
            known = np.frombuffer("\0".join(self._known).encode(), dtype=np.uint8)
            np.savez(self._path, texts=known, vectors=np.stack(list(self._known.values())))
        return np.stack([np.asarray(self._known[text], dtype=np.float32) for text in texts])


def load_set(head: str, data: Path, vectors: CachedVectors, *, seed: int) -> Set:
    """Examples of a head, measured and, where it has vectors, embedded. Those of direct and sentence are the same in the same order."""
    examples = (indirect_examples if head == "indirect" else direct_examples)(data, seed=seed)
    texts, owner, is_attack = cut(examples, head=head)
    of_texts = np.empty((len(texts), 0), dtype=np.float32) if head == "sentence" else vectors.vectors(texts)
    return Set(
        examples=examples,
        windows=measure_windows(texts, of_texts, owner, is_attack),
        learned=np.array([head != "sentence" or not one.is_attack or len(one.text) <= SHORT_CHARS for one in examples]),
        is_attack=np.array([one.is_attack for one in examples]),
        source=np.array([one.source for one in examples]),
        group=np.array([one.group for one in examples]),
    )


def train_head(
    kit: Set, *, has_vectors: bool, seed: int, quantile: float = QUANTILE
) -> tuple[Head, float, NDArray[np.float64]]:
    """The head on everything, its threshold in log-odds, and scores out of fold (n,)."""
    scores, _, _ = fold_scores(kit, has_vectors=has_vectors, seed=seed)
    head = fit_head(kit.windows, kit.is_attack, kit.source, kit.learned, has_vectors=has_vectors, c=C)
    return head, threshold_of(kit, scores, quantile=quantile), scores


def fold_scores(kit: Set, *, has_vectors: bool, seed: int) -> tuple[NDArray[np.float64], list[Head], NDArray[np.int64]]:
    """Of each example (n,) by the head of the fold that lacks its group; the heads; the fold of each example."""
    return out_of_fold(
        kit.windows,
        kit.is_attack,
        kit.source,
        kit.group,
        has_vectors=has_vectors,
        c=C,
        seed=seed,
        learned=kit.learned,
    )


def train_context(kit: Set, *, seed: int) -> tuple[Context, float, NDArray[np.float64]]:
    """What the strangeness of windows is worth beside the head without vectors, the threshold in log-odds, and scores out of fold (n,)."""
    _, heads, fold_of = fold_scores(kit, has_vectors=False, seed=seed)
    alone, strange = scores_of_windows(kit.windows, heads, fold_of), strangeness_of(kit.windows)
    context = fit_context(alone, strange, kit.windows, kit.is_attack, kit.source)
    scores = context.scores(alone, strange, kit.windows, len(kit.examples))
    return context, threshold_of(kit, scores), scores


def threshold_of(kit: Set, scores: NDArray[np.float64], *, quantile: float = QUANTILE) -> float:
    """The quantile of our own harmless texts' scores out of fold."""
    is_hard = ~kit.is_attack & np.char.startswith(kit.source, "own_")
    return float(np.quantile(scores[is_hard], quantile))


def table(name: str, kit: Set, scores: NDArray[np.float64], threshold: float) -> str:
    """Markdown: of each source how many examples, and the share above the threshold out of fold."""
    lines = [f"### {name}", "", "| source | kind | n | groups | flagged, 95 % interval |", "|---|---|---|---|---|"]
    for source in np.unique(kit.source):
        members = kit.source == source
        hits, n = int((scores[members] >= threshold).sum()), int(members.sum())
        interval = binomtest(hits, n).proportion_ci()
        kind = "attack" if kit.is_attack[members].any() else "harmless"
        n_groups = len(np.unique(kit.group[members]))
        lines.append(
            f"| {source} | {kind} | {n} | {n_groups} | {hits / n:.3f} [{interval.low:.3f}, {interval.high:.3f}] |"
        )
    auroc = roc_auc_score(kit.is_attack, scores)
    lines += ["", f"AUROC of all {auroc:.3f}; threshold at a probability of {1 / (1 + np.exp(-threshold)):.3f}."]
    return "\n".join(lines)


def merged(old: str, new: str) -> str:
    """Tables of a page, each under '### ' and its name: new ones in the place of those of their name, the others behind the one before."""
    parts = [re.split(r"(?m)^(?=### )", text.strip() + "\n") for text in (old, new)]
    kept, made = [{part.partition("\n")[0]: part.strip() for part in side if part.strip()} for side in parts]
    names, last = list(kept), -1
    for name in made:
        if name not in kept:
            names.insert(last + 1, name)
        last = names.index(name)
    return "\n\n".join((kept | made)[name] for name in names)


def write_card(card: Path, text: str) -> None:
    """Put the tables between the card's markers, where those of other heads stay. Raises InputError where it has none."""
    before, found, rest = card.read_text(encoding="utf-8").partition(_BEGIN)
    if not found:
        raise InputError(f"expected {_BEGIN} in {card}, got a page without it")
    old, _, after = rest.partition(_END)
    card.write_text(f"{before}{_BEGIN}\n\n{merged(old, text)}\n\n{_END}{after}", encoding="utf-8")


def main() -> int:
    """Train, save, and write the card's figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("__cache__/training"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--heads", default=",".join(WINDOW_CHARS), help="those to train; the others stay as they are")
    parser.add_argument("--card", type=Path, help="a page: the tables replace what is between its markers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    vectors = CachedVectors(options.cache / "injection.npz")
    chosen = options.heads.split(",")
    weights: dict[str, Any] = {"seed": options.seed, "c": C, "quantile": QUANTILE}
    if set(chosen) == set(WINDOW_CHARS):
        weights |= {"probe": vectors.vectors([PROBE])[0]}
    else:
        weights = dict(load_weights("injection")) | weights
    tables = []
    for name in chosen:
        kit = load_set(name, options.data, vectors, seed=options.seed)
        weights[f"{name}_window_chars"] = WINDOW_CHARS[name]
        if name in MIN_CHARS:
            weights[f"{name}_min_chars"] = MIN_CHARS[name]
        for kind in ("lexical",) if name == "sentence" else ("full", "lexical"):
            head, threshold, scores = train_head(
                kit,
                has_vectors=kind == "full",
                seed=options.seed,
                quantile=SENTENCE_QUANTILE if name == "sentence" else QUANTILE,
            )
            weights |= head.weights(f"{name}_{kind}") | {f"{name}_{kind}_threshold": round(threshold, 5)}
            what = "vectors, n-grams and cues" if kind == "full" else "n-grams and cues alone"
            tables.append(table(f"{name}: {what}", kit, scores, threshold))
        if name == "indirect":
            context, threshold, scores = train_context(kit, seed=options.seed)
            weights |= context.weights(name) | {f"{name}_context_threshold": round(threshold, 5)}
            tables.append(table(f"{name}: n-grams and cues, in context", kit, scores, threshold))
    path = save_weights("injection", weights)
    text = "\n\n".join(tables)
    print(text)
    if options.card is not None:
        write_card(options.card, text)
    print(f"{path}: {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
