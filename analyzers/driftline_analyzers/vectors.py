"""The one gate through which vectors and group names reach an analyzer."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from driftline_core.errors import InputError

Vectors = NDArray[np.floating] | Tensor
Groups = NDArray[np.generic] | Sequence[str] | Sequence[int]


def as_vectors(vectors: Vectors, *, device: str, dtype: torch.dtype) -> Tensor:
    """A finite (n, d) tensor on the device; the input is never changed. Raises InputError on another shape, NaN or infinity."""
    tensor = torch.as_tensor(vectors)
    if tensor.ndim != 2 or tensor.shape[1] == 0:
        raise InputError(f"expected vectors of shape (n, d), got {tuple(tensor.shape)}")
    tensor = tensor.to(device=device, dtype=dtype)
    if not bool(torch.isfinite(tensor).all()):
        n_bad = int((~torch.isfinite(tensor)).any(dim=1).sum())
        raise InputError(f"expected finite vectors, got NaN or infinity in {n_bad} of {len(tensor)} rows")
    return tensor


def as_groups(groups: Groups | None, *, n_rows: int) -> Tensor:
    """Group names as numbers 0..s-1: (n,) int64 on the CPU. None: every row is a group. Raises InputError on another length."""
    if groups is None:
        return torch.arange(n_rows)
    if len(groups) != n_rows:
        raise InputError(f"expected one group for each of {n_rows} rows, got {len(groups)}")
    _, numbers = np.unique(np.asarray(groups), return_inverse=True)
    return torch.from_numpy(numbers.astype(np.int64))


def first_of_repeats(vectors: Tensor, groups: Tensor) -> Tensor:
    """Row numbers, ascending, of vectors: (n, d) without exact repeats inside a group: (n,)."""
    rows = np.ascontiguousarray(vectors.cpu().numpy())
    first: dict[tuple[int, bytes], int] = {}
    for row, (group, vector) in enumerate(zip(groups.tolist(), rows, strict=True)):
        first.setdefault((group, vector.tobytes()), row)
    return torch.tensor(list(first.values()), dtype=torch.int64)
