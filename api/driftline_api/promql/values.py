"""What expressions evaluate to, for all steps of a query at once.

A value has one column a step; an instant query is a range of one step. Whether a series has a sample at a step is the mask
`present`, because NaN is a value like any other in PromQL. Times are int64 milliseconds since 1970 (UTC) throughout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from driftline_api.promql.errors import ExecutionError

Labels = tuple[tuple[str, str], ...]
"""Pairs of name and value, sorted by name, without empty values."""
Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

METRIC_NAME: Final = "__name__"
STALE_NAN: Final[float] = float(np.array([0x7FF0000000000002], dtype=np.uint64).view(np.float64)[0])
"""Prometheus' staleness marker: the series ends here. Told from other NaNs by its bits."""
_STALE_BITS: Final = np.uint64(0x7FF0000000000002)
SAME_LABELSET: Final = "vector cannot contain metrics with the same labelset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What a source yields: timestamps (n,) int64 ms ascending, values (n,) float64."""

    labels: Labels
    timestamps: Times
    values: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalars:
    """One number a step: values (n_steps,)."""

    values: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string literal."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstantVector:
    """values, present: (n_series, n_steps). Rows keep the order that Prometheus would give them."""

    labels: list[Labels]
    values: Floats
    present: Mask

    def compact(self) -> "InstantVector":
        """Without the rows that have no sample at any step."""
        kept: Mask = np.asarray(self.present.any(axis=1))
        if kept.all():
            return self
        labels = [labels for labels, keep in zip(self.labels, kept, strict=True) if keep]
        return InstantVector(labels=labels, values=self.values[kept], present=self.present[kept])

    def without_name(self) -> "InstantVector":
        """Without the metric's name. Raises ExecutionError when that makes two series one at the same step."""
        return merge_equal(
            InstantVector(
                labels=[drop_name(labels) for labels in self.labels], values=self.values, present=self.present
            )
        )

    def with_values(self, values: Floats) -> "InstantVector":
        """The same series and steps with other values."""
        return InstantVector(labels=self.labels, values=values, present=self.present)


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeVector:
    """Samples of all series end to end, and for each series and step the slice of them that is in its window.

    timestamps, values: (n_samples,). first, last: (n_series, n_steps), samples first <= i < last.
    window_start, window_end: (n_steps,) ms. range_ms: the window's length.
    """

    labels: list[Labels]
    timestamps: Times
    values: Floats
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    window_start: Times
    window_end: Times
    range_ms: int

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Samples in each window: (n_series, n_steps)."""
        return self.last - self.first


Value = Scalars | Text | InstantVector | RangeVector


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSeries:
    """One series of an answer: times_ms and values (n,)."""

    labels: Mapping[str, str]
    times_ms: Times
    values: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """An answer. kind vector and scalar: one sample a series; matrix: many; string: `text` alone. time_ms: when it was asked for."""

    kind: Literal["vector", "matrix", "scalar", "string"]
    series: tuple[ResultSeries, ...] = ()
    text: str = ""
    time_ms: int = 0


def make_labels(labels: Mapping[str, str]) -> Labels:
    """Sorted pairs without empty values, which mean that a label is not there."""
    return tuple(sorted((name, value) for name, value in labels.items() if value != ""))


def drop_name(labels: Labels) -> Labels:
    """The labels without the metric's name."""
    return tuple(pair for pair in labels if pair[0] != METRIC_NAME)


def is_stale(values: Floats) -> Mask:
    """Which values are staleness markers (by bit pattern)."""
    stale: Mask = np.ascontiguousarray(values).view(np.uint64) == _STALE_BITS
    return stale


def empty_vector(n_steps: int) -> InstantVector:
    """No series at all."""
    return InstantVector(labels=[], values=np.empty((0, n_steps)), present=np.zeros((0, n_steps), dtype=np.bool_))


def merge_equal(vector: InstantVector, *, message: str = SAME_LABELSET) -> InstantVector:
    """One row for each label set. Raises ExecutionError with the message when two such rows have a sample at the same step."""
    rows: dict[Labels, int] = {}
    targets = [rows.setdefault(labels, len(rows)) for labels in vector.labels]
    if len(rows) == len(targets):
        return vector
    n_steps = vector.values.shape[1]
    values = np.full((len(rows), n_steps), np.nan)
    present = np.zeros((len(rows), n_steps), dtype=np.bool_)
    for source, target in enumerate(targets):
        mask = vector.present[source]
        if (present[target] & mask).any():
            raise ExecutionError(message)
        values[target, mask] = vector.values[source, mask]
        present[target] |= mask
    return InstantVector(labels=list(rows), values=values, present=present)
