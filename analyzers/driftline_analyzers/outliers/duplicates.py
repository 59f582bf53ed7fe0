"""Exact repeats: each text is a neighbour once, and speaks once for each session that it was said in."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from driftline_analyzers.vectors import Groups, Vectors, as_groups


@dataclass(frozen=True, slots=True, kw_only=True)
class DistinctRows:
    """vectors: (u, d) each once; first_rows: (u,) where it came first; owners: (u,) the only group that has it, else a number of its own.

    texts: (r,) rows of `vectors`, groups: (r,) int64: each text once in each of its groups. Leaving group g out of the reference leaves out
    the vectors whose owner is g; what others said too stays.
    """

    vectors: Tensor
    first_rows: Tensor
    owners: Tensor
    texts: Tensor
    groups: Tensor


def distinct_rows(vectors: Tensor, groups: Tensor) -> DistinctRows:
    """vectors: (n, d), n >= 1; groups: (n,) int64, 0..s-1. Rows are one text when all their numbers are equal."""
    group_of_row = groups.cpu().numpy()
    first, text_of_row = _first_rows(vectors.cpu().numpy())
    said = np.unique(np.stack([text_of_row, group_of_row], axis=1), axis=0)  # (r, 2)
    n_groups = np.bincount(said[:, 0], minlength=len(first))
    own_number = group_of_row.max() + 1 + np.arange(len(first))

    def on_device(rows: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(rows).to(vectors.device)

    first_rows = on_device(first)
    return DistinctRows(
        vectors=vectors[first_rows],
        first_rows=first_rows,
        owners=on_device(np.where(n_groups == 1, group_of_row[first], own_number)),
        texts=on_device(said[:, 0].copy()),
        groups=on_device(said[:, 1].copy()),
    )


def is_repeat(vectors: Vectors, groups: Groups | None) -> NDArray[np.bool_]:
    """(n, d), (n,) -> (n,): said before in the same group. One person who pastes a text ten times is one piece of evidence."""
    rows = torch.as_tensor(vectors).cpu().numpy()
    numbers = as_groups(groups, n_rows=len(rows)).numpy()
    _, text_of_row = _first_rows(rows)
    _, first = np.unique(np.stack([text_of_row, numbers], axis=1), axis=0, return_index=True)
    repeats = np.ones(len(rows), dtype=bool)
    repeats[first] = False
    return repeats


def _first_rows(rows: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n, d) -> first: (u,) where each distinct row came first, ascending; text_of_row: (n,) which of them a row is."""
    plain = np.ascontiguousarray(rows + 0.0)  # one zero, not two
    keys = plain.view(np.dtype((np.void, plain.dtype.itemsize * plain.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order].astype(np.int64), np.argsort(order)[inverse].astype(np.int64)
