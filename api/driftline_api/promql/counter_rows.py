"""What the SQL of a counter or a histogram says of each of its series, as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from driftline_api.promql.matchers import LabelMatcher
from driftline_api.promql.values import Floats

COUNTER_COLUMNS: Final = ("first_s", "base", "minutes", "increments")
HISTOGRAM_COLUMNS: Final = ("first_s", "minutes", "base_count", "counts", "base_sum", "sums")
BUCKET_COLUMNS: Final = ("base_buckets", "buckets")
_BASES: Final = ("base", "base_count", "base_sum", "base_buckets")
_COUNTED: Final = ("increments", "counts", "sums", "buckets")


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterRows:
    """Series i has labels[name][i], its first minute first_s[i] (Unix seconds), what it had counted before the range, base[column][i],
    and in the range minutes[offsets[i]:offsets[i + 1]], in each of which counted[column] was added.

    base: (n_series,) or, of buckets, (n_series, n_buckets); counted: (n_minutes,) or (n_minutes, n_buckets).
    """

    labels: Mapping[str, list[str]]
    first_s: npt.NDArray[np.int64]
    base: Mapping[str, Floats]
    minutes: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    counted: Mapping[str, Floats]

    @classmethod
    def of(cls, table: Any, labels: Sequence[str], *, n_buckets: int) -> "CounterRows":
        """From an Arrow table of the labels and COUNTER_COLUMNS, or HISTOGRAM_COLUMNS with or without BUCKET_COLUMNS."""
        minutes, offsets = flat(table, "minutes")
        return cls(
            labels={label: table.column(label).to_pylist() for label in labels},
            first_s=table.column("first_s").to_numpy().astype(np.int64),
            base={
                name: _buckets(table, name, n_buckets) if name in BUCKET_COLUMNS else _numbers(table, name)
                for name in _BASES
                if name in table.column_names
            },
            minutes=minutes.astype(np.int64),
            offsets=offsets,
            counted={
                name: _buckets(table, name, n_buckets)
                if name in BUCKET_COLUMNS
                else flat(table, name)[0].astype(np.float64)
                for name in _COUNTED
                if name in table.column_names
            },
        )

    def after(self, earlier: "CounterRows", matchers: Sequence[LabelMatcher]) -> "CounterRows":
        """These with all that was counted before them; of the earlier ones, which have no minutes, those that pass the matchers."""
        chosen = np.ones(len(earlier.first_s), dtype=np.bool_)
        for matcher in matchers:
            if matcher.name in earlier.labels:
                chosen &= matcher.select(earlier.labels[matcher.name])
        row_of = {key: row for row, key in enumerate(zip(*self.labels.values(), strict=True))}
        keys = zip(*(earlier.labels[label] for label in self.labels), strict=True)
        targets = np.array([row_of.get(key, -1) for key in keys], dtype=np.int64)
        again, alone = np.nonzero(chosen & (targets >= 0))[0], np.nonzero(chosen & (targets < 0))[0]
        first_s = np.concatenate([self.first_s, earlier.first_s[alone]])
        first_s[targets[again]] = earlier.first_s[again]
        base = {name: np.concatenate([of, earlier.base[name][alone]]) for name, of in self.base.items()}
        for name, of in base.items():
            of[targets[again]] += earlier.base[name][again]
        return CounterRows(
            labels={
                label: [*values, *(earlier.labels[label][row] for row in alone.tolist())]
                for label, values in self.labels.items()
            },
            first_s=first_s,
            base=base,
            minutes=self.minutes,
            offsets=np.concatenate([self.offsets, np.full(len(alone), len(self.minutes), dtype=np.int64)]),
            counted=self.counted,
        )


def flat(table: Any, name: str) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """A column of lists as all of their numbers, and where each row's begin and end: row i is numbers[offsets[i]:offsets[i + 1]]."""
    numbers, offsets = _flat_lists(table, name)
    return numbers.to_numpy(zero_copy_only=False), offsets


def _flat_lists(table: Any, name: str) -> tuple[Any, npt.NDArray[np.int64]]:
    column = table.column(name).combine_chunks()
    if hasattr(column, "chunks"):
        column = column.chunk(0) if column.num_chunks else pa.array([], column.type)
    offsets = column.offsets.to_numpy().astype(np.int64)
    return column.flatten(), offsets - offsets[0] if len(offsets) else np.zeros(1, dtype=np.int64)


def _numbers(table: Any, name: str) -> Floats:
    numbers: Floats = table.column(name).to_numpy().astype(np.float64)
    return numbers


def _buckets(table: Any, name: str, n_buckets: int) -> Floats:
    """Lists of numbers, or of the lists of them, as rows: (n, n_buckets). A list of another length counts as zeros."""
    numbers, offsets = _flat_lists(table, name)
    if pa.types.is_list(numbers.type):
        offsets = numbers.offsets.to_numpy().astype(np.int64)
        numbers = numbers.flatten()
    lengths = np.diff(offsets)
    rows = np.zeros((len(lengths), n_buckets))
    is_full = lengths == n_buckets
    filled = numbers.to_numpy(zero_copy_only=False).astype(np.float64)
    rows[is_full] = filled[np.repeat(is_full, lengths)].reshape(-1, n_buckets)
    return rows
