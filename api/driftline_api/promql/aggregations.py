"""Aggregations over the series of a vector: sum, avg, min, max, count, group, stddev, stdvar, quantile, topk, bottomk, count_values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from driftline_api.promql.heaps import best
from driftline_api.promql.numbers import format_value
from driftline_api.promql.quantiles import interpolate
from driftline_api.promql.values import METRIC_NAME, Floats, InstantVector, Labels, Mask, empty_vector, make_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """`by (labels)`, or `without (labels)`; no modifier is `by ()`."""

    labels: tuple[str, ...] = ()
    is_without: bool = False

    def key(self, labels: Labels) -> Labels:
        """The labels of the group that a series belongs to."""
        if self.is_without:
            return tuple(pair for pair in labels if pair[0] not in self.labels and pair[0] != METRIC_NAME)
        return tuple(pair for pair in labels if pair[0] in self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Rows of a vector sorted by group: group i is rows order[starts[i]:starts[i] + sizes[i]]."""

    labels: list[Labels]
    order: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, vector: InstantVector, grouping: Grouping) -> "Groups":
        """Groups in the order of their first series."""
        ids: dict[Labels, int] = {}
        owner = np.fromiter(
            (ids.setdefault(grouping.key(labels), len(ids)) for labels in vector.labels),
            dtype=np.int64,
            count=len(vector.labels),
        )
        sizes = np.bincount(owner, minlength=len(ids)).astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        return cls(labels=list(ids), order=np.argsort(owner, kind="stable"), starts=starts, sizes=sizes)

    def reduce(self, rows: npt.NDArray[np.generic], ufunc: np.ufunc) -> npt.NDArray[np.generic]:
        """`ufunc.reduce` of the rows of each group: (n_groups, n_steps)."""
        reduced: npt.NDArray[np.generic] = ufunc.reduceat(rows[self.order], self.starts, axis=0)
        return reduced

    def spread(self, per_group: Floats) -> Floats:
        """A row a group as a row a series, in the vector's own order."""
        out = np.empty((len(self.order), per_group.shape[1]))
        out[self.order] = np.repeat(per_group, self.sizes, axis=0)
        return out


Reduction = Callable[[Groups, Floats, Mask], Floats]
"""(groups, values (n_series, n_steps), present) -> (n_groups, n_steps); cells of empty groups are ignored."""


def _sum(groups: Groups, values: Floats, present: Mask) -> Floats:
    return groups.reduce(np.where(present, values, 0.0), np.add).astype(np.float64)


def _count(groups: Groups, _values: Floats, present: Mask) -> Floats:
    return groups.reduce(present.astype(np.float64), np.add).astype(np.float64)


def _avg(groups: Groups, values: Floats, present: Mask) -> Floats:
    count = np.maximum(_count(groups, values, present), 1.0)
    mean = _sum(groups, values, present) / count
    if np.isinf(mean).any() and not np.isinf(values[present]).any():
        mean = _sum(groups, values / groups.spread(count), present)
    return mean


def _min(groups: Groups, values: Floats, present: Mask) -> Floats:
    return groups.reduce(np.where(present, values, np.nan), np.fmin).astype(np.float64)


def _max(groups: Groups, values: Floats, present: Mask) -> Floats:
    return groups.reduce(np.where(present, values, np.nan), np.fmax).astype(np.float64)


def _group(groups: Groups, values: Floats, _present: Mask) -> Floats:
    return np.ones((len(groups.labels), values.shape[1]))


def _stdvar(groups: Groups, values: Floats, present: Mask) -> Floats:
    count = np.maximum(_count(groups, values, present), 1.0)
    # From the smallest on, so that equal samples have exactly no variance.
    offset = values - groups.spread(_min(groups, values, present))
    deviation = offset - groups.spread(_sum(groups, offset, present) / count)
    # Of one sample it is 0, be that NaN or infinite.
    return np.where(count == 1, 0.0, _sum(groups, deviation * deviation, present) / count)


def _stddev(groups: Groups, values: Floats, present: Mask) -> Floats:
    return np.sqrt(_stdvar(groups, values, present))


REDUCTIONS: Final[dict[str, Reduction]] = {
    "sum": _sum,
    "count": _count,
    "avg": _avg,
    "min": _min,
    "max": _max,
    "group": _group,
    "stdvar": _stdvar,
    "stddev": _stddev,
}


def reduce_groups(op: str, vector: InstantVector, grouping: Grouping) -> InstantVector:
    """One of REDUCTIONS over each group."""
    if not vector.labels:
        return vector
    groups = Groups.of(vector, grouping)
    present = groups.reduce(vector.present, np.logical_or).astype(np.bool_)
    return InstantVector(
        labels=groups.labels, values=REDUCTIONS[op](groups, vector.values, vector.present), present=present
    )


def quantile(vector: InstantVector, grouping: Grouping, parameter: Floats) -> InstantVector:
    """`quantile(parameter, vector)`; parameter: (n_steps,)."""
    if not vector.labels:
        return vector
    groups = Groups.of(vector, grouping)
    n_steps = vector.values.shape[1]
    values = np.full((len(groups.labels), n_steps), np.nan)
    present = np.zeros(values.shape, dtype=np.bool_)
    for i, (start, size) in enumerate(zip(groups.starts, groups.sizes, strict=True)):
        rows = groups.order[start : start + size]
        cells, mask = vector.values[rows], vector.present[rows]
        # NaN sorts first, a missing sample last and out of the count.
        rank = np.where(mask, np.where(np.isnan(cells), 0, 1), 2)
        order = np.lexsort((cells, rank), axis=0)
        ascending = np.take_along_axis(cells, order, axis=0).T.ravel()
        counts = mask.sum(axis=0)
        filled = np.nonzero(counts)[0]
        values[i, filled] = interpolate(ascending, filled * size, counts[filled], parameter[filled])
        present[i, filled] = True
    return InstantVector(labels=groups.labels, values=values, present=present)


def top(vector: InstantVector, grouping: Grouping, limit: npt.NDArray[np.int64], *, is_bottom: bool) -> InstantVector:
    """`topk` and `bottomk`: the `limit` (n_steps,) best samples of each group; with one step, best first."""
    if not vector.labels:
        return vector
    groups = Groups.of(vector, grouping)
    n_steps = vector.values.shape[1]
    kept = np.zeros_like(vector.present)
    order: list[int] = []
    for start, size in zip(groups.starts, groups.sizes, strict=True):
        rows = groups.order[start : start + size]
        for step in np.nonzero(limit >= 1)[0]:
            alive = rows[vector.present[rows, step]]
            chosen = alive[best(vector.values[alive, step], int(limit[step]), is_bottom=is_bottom)]
            kept[chosen, step] = True
            if n_steps == 1:
                order.extend(chosen.tolist())
    if n_steps == 1:
        return InstantVector(
            labels=[vector.labels[row] for row in order], values=vector.values[order], present=kept[order]
        )
    return InstantVector(labels=vector.labels, values=vector.values, present=kept).compact()


def count_values(vector: InstantVector, grouping: Grouping, label: str) -> InstantVector:
    """How many series of each group have which value, the value in a label."""
    n_steps = vector.values.shape[1]
    if not vector.labels:
        return empty_vector(n_steps)
    if not grouping.is_without:
        grouping = Grouping(labels=(*grouping.labels, label))
    rows: dict[Labels, int] = {}
    counts: list[Floats] = []
    for i, labels in enumerate(vector.labels):
        for step in np.nonzero(vector.present[i])[0]:
            named = make_labels({**dict(labels), label: format_value(float(vector.values[i, step]))})
            row = rows.setdefault(grouping.key(named), len(rows))
            if row == len(counts):
                counts.append(np.zeros(n_steps))
            counts[row][step] += 1
    values = np.array(counts).reshape(len(counts), n_steps)
    return InstantVector(labels=list(rows), values=values, present=values > 0)
