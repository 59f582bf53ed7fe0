"""The same group of outliers in window after window: one id, so that an alert does not repeat."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.outliers.groups import OutlierGroup
from driftline_core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGroup:
    """group_id and the vectors: (e, d) of its examples, the medoid first, as an earlier window had it."""

    group_id: str
    vectors: NDArray[np.float32]


def match_groups(
    previous: Sequence[KnownGroup], now: Sequence[OutlierGroup], *, min_similarity: float = 0.65
) -> tuple[OutlierGroup, ...]:
    """The groups of now in their order, each with the id of the earlier group that it is most like, if that is like enough.

    Alike is the cosine between the means of their examples. Pairs are taken greedily, most alike first, each id once; where two earlier
    groups have become one, the one that is more alike gives its name.
    """
    if not 0 < min_similarity < 1:
        raise ConfigError(f"expected min_similarity between 0 and 1, got {min_similarity}")
    if not previous or not now:
        return tuple(now)
    similarity = _means([group.vectors for group in previous]) @ _means([group.vectors for group in now]).T  # (a, b)
    order = np.argsort(-np.round(similarity, 6), axis=None, kind="stable")
    ids: dict[int, str] = {}
    for flat in order:
        i, j = divmod(int(flat), len(now))
        if similarity[i, j] < min_similarity:
            break
        if j not in ids and previous[i].group_id not in ids.values():
            ids[j] = previous[i].group_id
    taken = {group.group_id for group in previous}
    return tuple(replace(group, group_id=ids.get(j) or _fresh(group.group_id, taken)) for j, group in enumerate(now))


def _fresh(group_id: str, taken: set[str]) -> str:
    """group_id, or, when an earlier group that is another has it, the next free one."""
    while group_id in taken:
        group_id = f"{(int(group_id, 16) + 1) % 16**12:012x}"
    taken.add(group_id)
    return group_id


def _means(vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Unit vectors in the direction of each mean: (g, d)."""
    means = np.stack([one.mean(0, dtype=np.float64) for one in vectors])
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12))
