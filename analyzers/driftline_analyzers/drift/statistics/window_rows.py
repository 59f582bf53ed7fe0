"""Rows of many windows, side by side in one flat list."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRows:
    """w = l p windows, p of each of l samples of n texts, sample by sample. is_in_window: (w, n).

    rows: (t,) row numbers 0..l n - 1, all windows one after another; windows: (t,) whose they are; places: (t,) 0.. inside the window;
    counts: (w,).
    """

    n_samples: int
    is_in_window: Tensor
    rows: Tensor
    windows: Tensor
    places: Tensor
    counts: Tensor

    def padded(self, values: Tensor, *, fill: float) -> Tensor:
        """One value a row, (t,) -> (w, longest window)."""
        width = int(self.counts.max())
        table = values.new_full((len(self.counts), width), fill)
        table[self.windows, self.places] = values
        return table


def window_rows(blocks: Tensor, is_current: Tensor) -> WindowRows:
    """blocks: (l, n) int64; is_current: (l, s, p) bool -> the rows of each of the l p windows."""
    n_samples, n_rows = blocks.shape
    n_windows = is_current.shape[2]
    places_of = blocks[:, None, :].expand(-1, n_windows, -1)
    is_in_window = is_current.transpose(1, 2).gather(2, places_of).flatten(0, 1)  # (l p, n)
    windows, rows = is_in_window.nonzero(as_tuple=True)
    counts = torch.bincount(windows, minlength=len(is_in_window))
    starts = counts.cumsum(0) - counts
    return WindowRows(
        n_samples=n_samples,
        is_in_window=is_in_window,
        rows=rows + windows.div(n_windows, rounding_mode="floor") * n_rows,
        windows=windows,
        places=torch.arange(len(rows), device=rows.device) - starts[windows],
        counts=counts,
    )
