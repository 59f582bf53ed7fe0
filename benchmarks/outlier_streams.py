"""What eval_outliers.py draws from: public queries with their vectors, and sessions and windows made of them."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.embed.embedder import SentenceEmbedder

Rows = NDArray[np.int64]
N_OOS_CHOOSING = 100
"""Of the 200 out-of-scope rows the first (oos_train) chose the default's weight, with the domains at even places in the alphabet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """CLINC150's dev rows: vectors (n, d), intent and domain (n,); train, val, oos: row numbers. wiki, banking: (k, d)."""

    vectors: NDArray[np.float32]
    texts: list[str]
    intent: NDArray[np.str_]
    domain: NDArray[np.str_]
    train: Rows
    val: Rows
    oos: Rows
    wiki: NDArray[np.float32]
    banking: NDArray[np.float32]

    def held_back(self, rows: Rows) -> Rows:
        """Those of the domains that chose nothing."""
        return rows[np.isin(self.domain[rows], sorted(set(self.domain[self.val]))[1::2])]


def load_rows(path: Path) -> list[dict[str, Any]]:
    """The lines of a gzipped JSONL file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def load_queries(data: Path, cache: Path) -> Queries:
    """Read and embed (minutes the first time; vectors are kept in `cache` by model)."""
    rows = load_rows(data / "drift_clinc150" / "data.jsonl.gz")
    wiki = load_rows(data / "drift_clinc150" / "wiki_sentences.jsonl.gz")
    banking = load_rows(data / "drift_banking77" / "data.jsonl.gz")
    split = np.array([row["official_split"] for row in rows])
    texts = [row["text"] for row in rows]
    return Queries(
        vectors=embedded("clinc", texts, cache),
        texts=texts,
        intent=np.array([row["intent"] for row in rows]),
        domain=np.array([row["domain"] for row in rows]),
        train=np.flatnonzero(split == "train"),
        val=np.flatnonzero(split == "val"),
        oos=np.concatenate([np.flatnonzero(split == "oos_train"), np.flatnonzero(split == "oos_val")]),
        wiki=embedded("clinc_wiki", [row["text"] for row in wiki], cache)[:3000],
        banking=embedded("banking77", [row["text"] for row in banking], cache)[::5],
    )


def embedded(name: str, texts: Sequence[str], cache: Path) -> NDArray[np.float32]:
    """Vectors by the bundled model, from cache/<model>/<name>.npy where that has as many rows."""
    embedder = SentenceEmbedder()
    path = cache / embedder.model_id.replace("/", "_") / f"{name}.npy"
    if path.exists() and len(known := np.load(path)) == len(texts):
        return np.asarray(known, dtype=np.float32)
    vectors = embedder.embed(texts)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, vectors)
    return np.asarray(vectors, dtype=np.float32)


def sessions(rows: Rows, topic: NDArray[np.str_], *, size: int, rng: np.random.Generator) -> list[Rows]:
    """Rows in shuffled sessions of `size` texts of one topic; size 1: each its own. Left-over texts of a topic are dropped."""
    if size == 1:
        return [np.array([row]) for row in rng.permutation(rows)]
    found = []
    for name in np.unique(topic[rows]):
        members = rng.permutation(rows[topic[rows] == name])
        found += [members[i : i + size] for i in range(0, len(members) - size + 1, size)]
    return [found[i] for i in rng.permutation(len(found))]


def with_groups(chosen: Sequence[Rows]) -> tuple[Rows, Rows]:
    """Sessions -> their rows, and the number of the session of each."""
    return np.concatenate(chosen), np.repeat(np.arange(len(chosen)), [len(one) for one in chosen])


def placements(
    scores: NDArray[np.float64], is_new: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each new text the share of ordinary ones below it, for each ordinary text the share of new ones above; ties count half."""
    new, old = np.sort(scores[is_new]), np.sort(scores[~is_new])

    def below(ordered: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
        both = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
        return np.asarray(both / (2 * len(ordered)))

    return below(old, scores[is_new]), 1 - below(new, scores[~is_new])
