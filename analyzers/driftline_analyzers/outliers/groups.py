"""New outliers in groups: one novel attack with its paraphrases is one finding, not five hundred rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xxhash
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import AgglomerativeClustering

from driftline_analyzers.vectors import Groups, as_groups
from driftline_core.errors import ConfigError, InputError

Terms = Callable[[Sequence[str], Sequence[str]], Sequence[str]]
"""(texts of the group, all other texts of the window) -> the terms that tell them apart, most telling first."""
_MAX_CLUSTERED = 2000
"""Average linkage needs all pairs; outliers beyond so many join the group whose mean is nearest, if it is near enough."""
_N_EXAMPLES = 3
_ALIKE_SHARE = 0.05
"""Outliers are one group when they are as alike as the closest 5 % of pairs of ordinary texts: within one domain everything is alike."""
_LEAST_SIMILARITY, _MOST_SIMILARITY = 0.25, 0.7
_MIN_ORDINARY, _MAX_ORDINARY = 50, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlierGroup:
    """group_id: 12 hex digits, kept over windows by `match_groups`. rows: row numbers in the window, strangest first.

    medoid: the row nearest to all others; examples: rows that show the breadth, the medoid first; vectors: (e, d) theirs.
    n_sessions: groups of the window that it was seen in. strangest: its smallest p-value.
    """

    group_id: str
    rows: tuple[int, ...]
    medoid: int
    examples: tuple[int, ...]
    texts: tuple[str, ...]
    vectors: NDArray[np.float32]
    terms: tuple[str, ...]
    n_texts: int
    n_sessions: int
    strangest: float

    def as_json(self) -> dict[str, Any]:
        """What a finding's explanation keeps of it; `texts` are its examples', from which a later window's vectors can be had again."""
        return {
            "id": self.group_id,
            "n_texts": self.n_texts,
            "n_sessions": self.n_sessions,
            "terms": list(self.terms),
            "texts": list(self.texts),
            "rows": list(self.examples),
            "p_value": self.strangest,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlierGroups:
    """groups: largest by sessions first; single_rows: outliers like no other one, strangest first, counted and not listed one by one."""

    groups: tuple[OutlierGroup, ...]
    single_rows: tuple[int, ...]


def group_outliers(
    vectors: NDArray[np.floating],
    is_flagged: ArrayLike,
    texts: Sequence[str],
    *,
    p_values: ArrayLike,
    groups: Groups | None = None,
    min_similarity: float | None = None,
    min_texts: int = 3,
    terms: Terms | None = None,
) -> OutlierGroups:
    """Average-linkage clusters of the flagged texts. vectors: (n, d) of the window, is_flagged, p_values: (n,), groups: (n,) sessions.

    min_similarity: mean cosine between two clusters from which they are one; None: what 5 % of the pairs of unflagged texts exceed.
    min_texts: fewer make no group.
    Raises InputError on lengths that differ; ConfigError on hyperparameters out of range. The same input gives the same groups and ids.
    """
    if (min_similarity is not None and not 0 < min_similarity < 1) or min_texts < 2:
        raise ConfigError(
            f"expected min_similarity between 0 and 1 and min_texts >= 2, got min_similarity={min_similarity}, min_texts={min_texts}"
        )
    flagged, p = np.asarray(is_flagged, dtype=bool), np.asarray(p_values, dtype=np.float64)
    if not len(vectors) == len(flagged) == len(texts) == len(p):
        raise InputError(
            f"expected as many flags, texts and p-values as the {len(vectors)} vectors, got {len(flagged)}, {len(texts)}, {len(p)}"
        )
    sessions = as_groups(groups, n_rows=len(p)).numpy()
    rows = np.flatnonzero(flagged)
    rows = rows[np.argsort(p[rows], kind="stable")]  # strangest first
    unit = _unit(vectors[rows])
    labels = _clusters(unit, min_similarity=min_similarity or _usual_similarity(vectors[~flagged]))
    found, single = [], []
    for label in dict.fromkeys(labels.tolist()):
        members = np.flatnonzero(labels == label)
        if label < 0 or len(members) < min_texts:
            single.extend(rows[members].tolist())
            continue
        inside = set(rows[members].tolist())
        others = [text for i, text in enumerate(texts) if i not in inside] if terms is not None else []
        examples = members[_examples(unit[members])]
        medoid = int(rows[examples[0]])
        found.append(
            OutlierGroup(
                group_id=xxhash.xxh3_64_hexdigest(texts[medoid].encode("utf-8", errors="replace"))[:12],
                rows=tuple(rows[members].tolist()),
                medoid=medoid,
                examples=tuple(rows[examples].tolist()),
                texts=tuple(texts[i] for i in rows[examples]),
                vectors=unit[examples].astype(np.float32),
                terms=tuple(terms([texts[i] for i in rows[members]], others)) if terms is not None else (),
                n_texts=len(members),
                n_sessions=len(np.unique(sessions[rows[members]])),
                strangest=float(p[rows[members]].min()),
            )
        )
    found.sort(key=lambda group: (-group.n_sessions, -group.n_texts, group.medoid))
    rank = {row: i for i, row in enumerate(rows.tolist())}
    return OutlierGroups(groups=tuple(found), single_rows=tuple(sorted(single, key=rank.__getitem__)))


def _usual_similarity(ordinary: NDArray[np.floating]) -> float:
    """(n, d) -> the cosine that 5 % of the pairs exceed, within bounds; the lower bound where there are too few texts to tell."""
    if len(ordinary) < _MIN_ORDINARY:
        return _LEAST_SIMILARITY
    chosen = np.unique(np.linspace(0, len(ordinary) - 1, min(len(ordinary), _MAX_ORDINARY)).round().astype(np.int64))
    unit = _unit(ordinary[chosen])
    pairs = (unit @ unit.T)[np.triu_indices(len(unit), 1)]
    return float(np.clip(np.quantile(pairs, 1 - _ALIKE_SHARE), _LEAST_SIMILARITY, _MOST_SIMILARITY))


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))


def _clusters(unit: NDArray[np.floating], *, min_similarity: float) -> NDArray[np.int64]:
    """(n, d) unit vectors -> (n,) labels; -1: beyond the clustered ones and near no cluster."""
    head = unit[:_MAX_CLUSTERED]
    if len(head) < 2:
        return np.zeros(len(unit), dtype=np.int64)
    distances = np.clip(1 - head @ head.T, 0, 2)
    np.fill_diagonal(distances, 0)
    labels = (
        AgglomerativeClustering(
            n_clusters=None, metric="precomputed", linkage="average", distance_threshold=1 - min_similarity
        )
        .fit(distances)
        .labels_.astype(np.int64)
    )
    if len(unit) == len(head):
        return np.asarray(labels)
    means = np.zeros((labels.max() + 1, unit.shape[1]))
    np.add.at(means, labels, head)
    means /= np.bincount(labels)[:, None]  # x . mean is the mean cosine with the cluster
    similarity = unit[len(head) :] @ means.T
    rest = np.where(similarity.max(1) >= min_similarity, similarity.argmax(1), -1)
    return np.concatenate([labels, rest])


def _examples(unit: NDArray[np.floating]) -> NDArray[np.int64]:
    """(n, d) -> the medoid, then the rows farthest from those chosen before, copies left out; at most one more than _N_EXAMPLES."""
    centre = unit.mean(0)
    chosen = [int(np.argmax(np.round(unit @ centre, 6)))]
    while len(chosen) <= _N_EXAMPLES:
        nearest = (unit @ unit[chosen].T).max(1)
        farthest = int(np.argmin(np.round(nearest, 6)))
        if nearest[farthest] > 1 - 1e-4:
            break
        chosen.append(farthest)
    return np.asarray(chosen, dtype=np.int64)
