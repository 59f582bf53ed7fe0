"""Reducing many overlapping windows of one array at once: what the rate family and *_over_time are made of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from driftline_api.promql.values import Floats, RangeVector, Times

Indices = npt.NDArray[np.int64]
_CHUNK_SAMPLES = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some non-empty windows spelled out. cells: (n,) flat positions in (n_series, n_steps); starts, counts: (n,) into
    the spelled-out samples; values, timestamps: (n_samples,); owner: (n_samples,) the window of each sample."""

    cells: Indices
    starts: Indices
    counts: Indices
    owner: Indices
    values: Floats
    timestamps: Times

    def sum(self, samples: Floats) -> Floats:
        """The sum over each window of an array that is parallel to `values`: (n,)."""
        total: Floats = np.add.reduceat(samples, self.starts)
        return total

    def spread(self, per_window: Floats) -> Floats:
        """A number a window as a number a sample: (n_samples,)."""
        return np.repeat(per_window, self.counts)


def chunks(vector: RangeVector, *, at_least: int = 1) -> Iterator[Chunk]:
    """The windows of at least so many samples, in pieces that bound the memory."""
    counts = vector.counts.ravel()
    first = vector.first.ravel()
    cells = np.nonzero(counts >= at_least)[0]
    if not len(cells):
        return
    edges = np.cumsum(counts[cells])
    begin = 0
    while begin < len(cells):
        base = edges[begin - 1] if begin else 0
        end = max(int(np.searchsorted(edges, base + _CHUNK_SAMPLES, side="right")), begin + 1)
        part = cells[begin:end]
        part_counts = counts[part]
        starts = np.concatenate([[0], np.cumsum(part_counts)[:-1]]).astype(np.int64)
        index = np.arange(int(part_counts.sum()), dtype=np.int64) + np.repeat(first[part] - starts, part_counts)
        yield Chunk(
            cells=part,
            starts=starts,
            counts=part_counts,
            owner=np.repeat(np.arange(len(part), dtype=np.int64), part_counts),
            values=vector.values[index],
            timestamps=vector.timestamps[index],
        )
        begin = end


def reduce_windows(vector: RangeVector, ufunc: np.ufunc) -> Floats:
    """`ufunc.reduce` of the samples of each window, NaN where it is empty: (n_series, n_steps)."""
    counts = vector.counts.ravel()
    filled = np.nonzero(counts)[0]
    out = np.full(len(counts), np.nan)
    if len(filled):
        # One window is the slice between a pair of indices; what lies between pairs is computed and dropped.
        pairs = np.empty(2 * len(filled), dtype=np.int64)
        pairs[0::2] = vector.first.ravel()[filled]
        pairs[1::2] = vector.last.ravel()[filled]
        padded = np.append(vector.values, 0.0)
        out[filled] = ufunc.reduceat(padded, pairs)[0::2]
    return out.reshape(vector.counts.shape)


def map_chunks(vector: RangeVector, reduce: Callable[[Chunk], Floats], *, at_least: int = 1) -> Floats:
    """`reduce` of each window of at least so many samples, NaN elsewhere: (n_series, n_steps)."""
    out = np.full(vector.counts.size, np.nan)
    for chunk in chunks(vector, at_least=at_least):
        out[chunk.cells] = reduce(chunk)
    return out.reshape(vector.counts.shape)


def count_flags(vector: RangeVector, flags: npt.NDArray[np.bool_]) -> Floats:
    """How many samples of each window but its first carry the flag: exact, (n_series, n_steps)."""
    running = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
    first = np.minimum(vector.first + 1, vector.last)
    counted: Floats = (running[vector.last] - running[first]).astype(np.float64)
    return counted
