"""Which topics grew or shrank between reference and window."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.correction import benjamini_hochberg
from driftline_analyzers.explain.clusters import cluster
from driftline_analyzers.explain.examples import spread_out
from driftline_analyzers.explain.intervals import block_shares, difference
from driftline_analyzers.explain.pool import Pool, Sample, pool_samples
from driftline_analyzers.explain.terms import distinguishing_terms, text_terms
from driftline_analyzers.explain.topic_tree import topic_nodes

_FIRST_DRAWS = 999
_ENOUGH_EXCEEDANCES = 10
_EXAMPLES = 3
_EXAMPLE_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic whose share changed. Shares of all texts of a side with 95 % intervals; low, high: of share_after - share_before.

    p_value: one-sided, by redrawn blocks; q_value: corrected over all topics that were looked at. rows: of the texts that show it, in
    the window if it grew, in the reference if it shrank. examples: texts nearest the most central one. clusters: the clusters in it.
    """

    terms: tuple[str, ...]
    n_before: int
    n_after: int
    share_before: float
    share_before_low: float
    share_before_high: float
    share_after: float
    share_after_low: float
    share_after_high: float
    low: float
    high: float
    p_value: float
    q_value: float
    is_significant: bool
    examples: tuple[str, ...]
    example_rows: tuple[int, ...]
    rows: tuple[int, ...]
    clusters: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: figures rounded, row numbers left out."""
        return {
            "terms": list(self.terms),
            "n_before": self.n_before,
            "n_after": self.n_after,
            **{
                name: round(getattr(self, name), 4)
                for name in (
                    "share_before",
                    "share_before_low",
                    "share_before_high",
                    "share_after",
                    "share_after_low",
                    "share_after_high",
                    "low",
                    "high",
                )
            },
            "p_value": self.p_value,
            "q_value": self.q_value,
            "is_significant": self.is_significant,
            "examples": list(self.examples),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicShift:
    """grown, shrunk: at most `limit` each, the most significant first; those with q <= alpha, or else the one nearest to it.

    labels: (n_reference + n_current,) cluster of each text, reference first. n_tested: topics that were looked at.
    """

    grown: tuple[Topic, ...]
    shrunk: tuple[Topic, ...]
    labels: NDArray[np.int64]
    n_tested: int

    @property
    def is_significant(self) -> bool:
        """Any topic's share changed by more than chance."""
        return any(topic.is_significant for topic in (*self.grown, *self.shrunk))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "grown": [topic.as_dict() for topic in self.grown],
            "shrunk": [topic.as_dict() for topic in self.shrunk],
            "n_tested": self.n_tested,
        }


def topic_shift(
    reference: Sample,
    current: Sample,
    *,
    alpha: float = 0.05,
    limit: int = 5,
    max_draws: int = 9_999,
    seed: int = 0,
    labels: NDArray[np.int64] | None = None,
) -> TopicShift:
    """Cluster both sides together, and test each cluster and each group of near clusters for a change of its share.

    Null: whole blocks are redrawn from both sides as in the drift tests; the clusters do not know the sides, so that the p-values
    are exact; Benjamini-Hochberg over topics and both directions. Of nested topics only the most significant is told. labels: clusters
    made before, (n_reference + n_current,). Without texts on a side there is nothing to tell.
    """
    n, m = len(current.texts), len(reference.texts)
    if labels is None:
        labels = cluster(_stacked(reference, current), seed=seed)
    if n == 0 or m == 0:
        return TopicShift(grown=(), shrunk=(), labels=labels, n_tested=0)
    vectors = _stacked(reference, current)
    nodes = topic_nodes(vectors, labels)
    pool = pool_samples(reference, current)
    profile = pool.profile(labels, nodes.shape[1])
    grown_p, shrunk_p, z = _node_tests(pool, profile, nodes, alpha=alpha, max_draws=max_draws, seed=seed)
    q = benjamini_hochberg(np.concatenate([grown_p, shrunk_p]))
    terms = [text_terms(text) for text in (*reference.texts, *current.texts)]
    describe = _Describer(reference, current, vectors, labels, nodes, pool, profile, terms, alpha)
    return TopicShift(
        grown=describe.topics(grown_p, q[: len(nodes)], z, is_grown=True, limit=limit),
        shrunk=describe.topics(shrunk_p, q[len(nodes) :], -z, is_grown=False, limit=limit),
        labels=labels,
        n_tested=len(nodes),
    )


def _stacked(reference: Sample, current: Sample) -> NDArray[np.floating]:
    return np.concatenate([reference.vectors, current.vectors])


def _node_tests(
    pool: Pool, profile: NDArray[np.int64], nodes: NDArray[np.bool_], *, alpha: float, max_draws: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """One-sided p-values of growth and of shrinking, and z of the difference of shares, of each node: (t,), (t,), (t,)."""
    total = profile.sum(0)
    n_texts = int(total.sum())
    membership = nodes.T.astype(np.float64)  # (k, t)

    def differences(counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share inside minus share outside a window: (draws, k) -> (draws, t)."""
        inside = counts.sum(1, keepdims=True)
        return np.asarray((counts / inside - (total - counts) / (n_texts - inside)) @ membership)

    observed = differences(profile[pool.block_is_current].sum(0)[None, :])[0]
    n_draws = min(_FIRST_DRAWS, max_draws)
    null = differences(pool.redraw(profile, n_draws=n_draws, seed=seed))
    mean, spread = null.mean(0), null.std(0)
    above, below = (null >= observed - 1e-9).sum(0), (null <= observed + 1e-9).sum(0)
    n_tests = 2 * len(nodes)
    may_reach = (1 + np.minimum(above, below)) / (1 + n_draws) <= _ENOUGH_EXCEEDANCES * alpha / n_tests
    if n_draws < max_draws and may_reach.any():
        n_more = max_draws - n_draws
        more = differences(pool.redraw(profile, n_draws=n_more, seed=seed + 1))
        above += (more >= observed - 1e-9).sum(0)
        below += (more <= observed + 1e-9).sum(0)
        n_draws += n_more
    z = np.divide(observed - mean, spread, out=np.zeros_like(mean), where=spread > 0)
    return (1 + above) / (1 + n_draws), (1 + below) / (1 + n_draws), z


@dataclass(frozen=True, slots=True)
class _Describer:
    """From tested nodes to topics that a person can read."""

    reference: Sample
    current: Sample
    vectors: NDArray[np.floating]
    labels: NDArray[np.int64]
    nodes: NDArray[np.bool_]
    pool: Pool
    profile: NDArray[np.int64]
    terms: Sequence[frozenset[str]]
    alpha: float

    def topics(
        self,
        p_values: NDArray[np.float64],
        q_values: NDArray[np.float64],
        z: NDArray[np.float64],
        *,
        is_grown: bool,
        limit: int,
    ) -> tuple[Topic, ...]:
        """The significant ones that do not overlap, by p and then z; without any, the first alone if it moved this way at all."""
        chosen: list[int] = []
        taken = np.zeros(self.nodes.shape[1], dtype=bool)
        for t in np.lexsort((-z, p_values)):
            if len(chosen) == limit or (q_values[t] > self.alpha and chosen) or z[t] <= 0:
                break
            if not (taken & self.nodes[t]).any():
                chosen.append(int(t))
                taken |= self.nodes[t]
        return tuple(self.topic(t, float(p_values[t]), float(q_values[t]), is_grown=is_grown) for t in chosen)

    def topic(self, t: int, p_value: float, q_value: float, *, is_grown: bool) -> Topic:
        """One node with its shares, terms and examples."""
        counts = self.profile[:, self.nodes[t]].sum(1, keepdims=True)  # (s, 1)
        current = self.pool.block_is_current
        before = block_shares(counts[~current], self.pool.block_sizes[~current])
        after = block_shares(counts[current], self.pool.block_sizes[current])
        low, high = difference(before, after)
        inside = self.nodes[t][self.labels]
        side = inside & (self.pool.is_current == is_grown)
        rows = np.flatnonzero(side)
        shown = _most_central(self.vectors, rows)
        offset = self.pool.n_reference if is_grown else 0
        texts = self.current.texts if is_grown else self.reference.texts
        return Topic(
            terms=distinguishing_terms(self.terms, inside),
            n_before=int(counts[~current].sum()),
            n_after=int(counts[current].sum()),
            share_before=float(before.share[0]),
            share_before_low=float(before.low[0]),
            share_before_high=float(before.high[0]),
            share_after=float(after.share[0]),
            share_after_low=float(after.low[0]),
            share_after_high=float(after.high[0]),
            low=float(low[0]),
            high=float(high[0]),
            p_value=p_value,
            q_value=q_value,
            is_significant=q_value <= self.alpha,
            examples=tuple(texts[i - offset][:_EXAMPLE_CHARS] for i in shown),
            example_rows=tuple(i - offset for i in shown),
            rows=tuple(int(i) - offset for i in rows),
            clusters=tuple(int(c) for c in np.flatnonzero(self.nodes[t])),
        )


def _most_central(vectors: NDArray[np.floating], rows: NDArray[np.int64]) -> list[int]:
    """The text nearest the middle, and those nearest to it that do not repeat one another."""
    if len(rows) == 0:
        return []
    medoid = vectors[rows[int((vectors[rows] @ vectors[rows].mean(0)).argmax())]]
    return [int(rows[i]) for i in spread_out(vectors[rows], vectors[rows] @ medoid, limit=_EXAMPLES)]
