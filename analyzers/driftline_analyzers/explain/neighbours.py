"""Nearest neighbours in reference and window together, never within a text's own block."""

import numpy as np
import torch
from numpy.typing import NDArray

from driftline_analyzers.vectors import as_vectors

_CELLS_PER_CHUNK = 8_000_000


def nearest(
    vectors: NDArray[np.floating], blocks: NDArray[np.int64], *, k: int, device: str = "cpu"
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Row numbers and cosines of the k nearest texts of other blocks: (n, d), (n,) -> (n, k), (n, k), nearest first.

    k is cut to n - 1. Where a text has fewer than k neighbours outside its block the cosine is -inf and the row number means nothing.
    """
    points = as_vectors(vectors, device=device, dtype=torch.float32)
    groups = torch.from_numpy(np.ascontiguousarray(blocks)).to(points.device)
    n = len(points)
    k = max(0, min(k, n - 1))
    step = max(1, _CELLS_PER_CHUNK // max(1, n))
    rows, cosines = [], []
    for start in range(0, n, step):
        cosine = points[start : start + step] @ points.T  # (c, n)
        cosine.masked_fill_(groups[start : start + step, None] == groups[None, :], -torch.inf)
        found = cosine.topk(k, dim=1)
        rows.append(found.indices.cpu().numpy())
        cosines.append(found.values.double().cpu().numpy())
    if not rows:
        return np.zeros((0, 0), dtype=np.int64), np.zeros((0, 0))
    return np.concatenate(rows), np.concatenate(cosines)
