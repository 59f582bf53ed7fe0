"""Exact nearest neighbours, in blocks of bounded memory, and what they look like with one group left out.

Leaving a group out of the reference is how a reference text is judged as a new text would be: a new text has none of its session there.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from driftline_analyzers.drift.mmd import squared_distances

_CELLS_PER_BLOCK = 2**24
"""Numbers held at once: 64 MiB in float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """distances: (n, k) Euclidean, ascending; rows: (n, k) int64. Where fewer than k exist the distances end in infinity."""

    distances: Tensor
    rows: Tensor

    def block(self, rows: slice) -> "Neighbours":
        """These rows."""
        return Neighbours(distances=self.distances[rows], rows=self.rows[rows])


def nearest(
    queries: Tensor,
    reference: Tensor,
    *,
    k: int,
    query_groups: Tensor | None = None,
    reference_groups: Tensor | None = None,
) -> Neighbours:
    """The k nearest rows of reference: (m, d), k <= m, of each query: (n, d), those of the query's own group left out.

    Found by |x|^2 - 2 x y + |y|^2, then measured again by |x - y|, so that a copy is at distance 0 and a CPU and a GPU agree.
    """
    parts = []
    for block in blocks_of_rows(len(queries), cells_per_row=max(len(reference), k * reference.shape[1])):
        x = queries[block]
        squared = squared_distances(x, reference)  # (c, m)
        if query_groups is not None and reference_groups is not None:
            squared.masked_fill_(query_groups[block][:, None] == reference_groups[None, :], torch.inf)
        found = squared.topk(k, dim=1, largest=False, sorted=False)
        rows, order = found.indices.sort(dim=1)
        is_left_out = found.values.gather(1, order).isinf()
        distances = torch.linalg.vector_norm(reference[rows] - x[:, None, :], dim=2)  # (c, k)
        distances, order = distances.masked_fill_(is_left_out, torch.inf).sort(dim=1, stable=True)
        parts.append(Neighbours(distances=distances, rows=rows.gather(1, order)))
    return Neighbours(
        distances=torch.cat([part.distances for part in parts]), rows=torch.cat([part.rows for part in parts])
    )


class NeighbourGraph:
    """The reference as a graph: the neighbours of each of its distinct texts in other groups, long enough to leave any one group out."""

    def __init__(self, vectors: Tensor, owners: Tensor, *, k: int) -> None:
        """vectors: (u, d) distinct; owners: (u,) int64. Needs k texts outside any two owners."""
        largest = int(torch.unique(owners, return_counts=True)[1].max())
        self.owners = owners
        self.near = nearest(
            vectors, vectors, k=min(len(vectors) - 1, k + largest), query_groups=owners, reference_groups=owners
        )

    def lists(self, rows: Tensor, *, k: int, without: Tensor) -> Neighbours:
        """The first k neighbours of rows: (c, a) outside the groups without: (c, b) -> (c, a, b, k)."""
        of_rows, distances = self.near.rows[rows], self.near.distances[rows]  # (c, a, L)
        is_out = self.owners[of_rows][:, :, None, :] == without[:, None, :, None]  # (c, a, b, L)
        order = is_out.to(torch.uint8).sort(dim=3, stable=True).indices[..., :k]  # kept ones first, still by distance
        shape = (*is_out.shape[:3], -1)
        return Neighbours(
            distances=distances[:, :, None, :].expand(shape).gather(3, order),
            rows=of_rows[:, :, None, :].expand(shape).gather(3, order),
        )


class RowStatistic:
    """A number of each reference text's k nearest distances, and the same with any one group left out of the reference."""

    def __init__(self, graph: NeighbourGraph, *, k: int, value: Callable[[Tensor], Tensor]) -> None:
        """value: distances (..., k) -> (...)."""
        self.whole = value(graph.near.distances[:, :k])  # (u,)
        self._owners_near = graph.owners[graph.near.rows[:, :k]]  # (u, k)
        parts = []
        rows = torch.arange(len(self.whole), device=self.whole.device)
        for block in blocks_of_rows(len(rows), cells_per_row=2 * k * graph.near.rows.shape[1]):
            lists = graph.lists(rows[block][:, None], k=k, without=self._owners_near[block])
            parts.append(value(lists.distances[:, 0]))
        self._without_near = torch.cat(parts)  # (u, k): without the owner of the p-th neighbour

    def at(self, rows: Tensor, *, without: Tensor | None) -> Tensor:
        """rows: (c, ...); without: (c,) the group left out of the reference for each -> (c, ...)."""
        values = self.whole[rows]
        if without is None:
            return values
        is_out = self._owners_near[rows] == without.view(-1, *[1] * rows.ndim)  # (c, ..., k)
        position = is_out.to(torch.uint8).argmax(dim=-1)
        return torch.where(is_out.any(dim=-1), self._without_near[rows, position], values)


def blocks_of_rows(n_rows: int, *, cells_per_row: int) -> list[slice]:
    """Slices of so many rows that at most 2^24 numbers are held at once."""
    step = max(1, _CELLS_PER_BLOCK // cells_per_row)
    return [slice(start, start + step) for start in range(0, n_rows, step)]
