"""Which neighbours of a window's texts are in the window too, for many windows and samples at once in bounded memory."""

from collections.abc import Callable

import torch
from torch import Tensor

from driftline_analyzers.drift.statistics.window_rows import WindowRows, window_rows

_CELLS_PER_CHUNK = 8_000_000

OfWindows = Callable[[WindowRows, Tensor], Tensor]
"""(windows, in_window: (t, k) bool for each row of each window and each of its neighbours) -> (w,) float64."""


def over_windows(blocks: Tensor, neighbours: Tensor, is_current: Tensor, measure: OfWindows) -> Tensor:
    """blocks: (..., n); neighbours: (..., n, k); is_current: (..., s, p) bool -> measure of each of the windows: (..., p) float64."""
    n_rows, k = neighbours.shape[-2:]
    flat_blocks, flat_current = (
        blocks.reshape(-1, n_rows),
        is_current.reshape(-1, *is_current.shape[-2:]),
    )  # (l, n), (l, s, p)
    flat_neighbours = neighbours.reshape(-1, k)  # (l n, k)
    n_splits = is_current.shape[-1]
    n_in_windows = (
        int(flat_current.sum(2).gather(1, flat_blocks).sum()) / n_splits
    )  # texts of a window, all samples together
    step = max(1, int(_CELLS_PER_CHUNK / (flat_blocks.numel() + n_in_windows * k)))
    values = []
    for start in range(0, n_splits, step):
        windows = window_rows(flat_blocks, flat_current[:, :, start : start + step])
        cells = flat_neighbours[windows.rows] + (windows.windows * n_rows)[:, None]  # (t, k)
        values.append(measure(windows, windows.is_in_window.reshape(-1)[cells]).reshape(len(flat_blocks), -1))
    return torch.cat(values, dim=1).reshape(*is_current.shape[:-2], n_splits)
