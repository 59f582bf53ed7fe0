"""Real embeddings in which nothing drifts: CLINC150's in-scope queries, and pairs of a reference and a window drawn from the one pool."""

import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.drift_peers import Comparisons
from driftline_analyzers.embed.embedder import SentenceEmbedder

SESSION_SIZE: Final = 5
CACHE: Final = Path(".driftline/benchmarks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Vectors: (v, d) float32, and the rows of each intent."""

    vectors: NDArray[np.float32]
    rows_by_intent: tuple[NDArray[np.int64], ...]


def load_pool(folder: Path) -> Pool:
    """The in-scope queries of the data set in folder, embedded by the bundled model or read from the cache."""
    texts: list[str] = []
    rows: dict[str, list[int]] = defaultdict(list)
    with gzip.open(folder / "data.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if not row["oos"]:
                rows[row["intent"]].append(len(texts))
                texts.append(row["text"])
    return Pool(vectors=embedded(texts), rows_by_intent=tuple(np.array(found) for _, found in sorted(rows.items())))


def embedded(texts: Sequence[str]) -> NDArray[np.float32]:
    """(n,) texts -> (n, d) by the bundled model, cached under .driftline by the texts and the model."""
    embedder = SentenceEmbedder()
    digest = sha256("\0".join((embedder.model_id, *texts)).encode()).hexdigest()
    path = CACHE / f"{digest[:16]}.npy"
    if path.exists():
        cached: NDArray[np.float32] = np.load(path)
        return cached
    vectors = embedder.embed(texts)
    CACHE.mkdir(parents=True, exist_ok=True)
    np.save(path, vectors)
    return vectors


def independent_windows(pool: Pool, *, n_trials: int, n_reference: int, n_current: int, seed: int) -> Comparisons:
    """Each trial: single queries, none twice."""
    rng = np.random.default_rng(seed)
    drawn = np.stack([rng.choice(len(pool.vectors), n_reference + n_current, replace=False) for _ in range(n_trials)])
    return Comparisons(vectors=pool.vectors, reference=drawn[:, :n_reference], current=drawn[:, n_reference:])


def session_windows(pool: Pool, *, n_trials: int, n_reference: int, n_current: int, seed: int) -> Comparisons:
    """Each trial: sessions of five queries of one intent, no query twice. The sizes are multiples of five."""
    rng = np.random.default_rng(seed)
    trials = []
    for _ in range(n_trials):
        sessions = []
        for rows in pool.rows_by_intent:
            whole = len(rows) // SESSION_SIZE * SESSION_SIZE
            sessions.append(rng.permutation(rows)[:whole].reshape(-1, SESSION_SIZE))
        every = np.concatenate(sessions)  # (sessions, 5)
        trials.append(every[rng.choice(len(every), (n_reference + n_current) // SESSION_SIZE, replace=False)].ravel())
    drawn = np.stack(trials)
    return Comparisons(vectors=pool.vectors, reference=drawn[:, :n_reference], current=drawn[:, n_reference:])
