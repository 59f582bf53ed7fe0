"""What every outlier detector answers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlierResult:
    """One row a text. scores: (n,) larger is stranger, in the detector's own unit; p_values: (n,) conformal, never 0;
    is_flagged: (n,) after Benjamini-Hochberg; neighbours: (n, k) row numbers in the reference, nearest first; distances: (n, k), Euclidean.

    fdr: the share of false flags among the flagged that is to be expected, on average over references and windows.
    n_calibration: reference scores behind a p-value. note: what these p-values cannot show, for a person; '' when there is nothing to say.
    """

    scores: NDArray[np.float64]
    p_values: NDArray[np.float64]
    is_flagged: NDArray[np.bool_]
    neighbours: NDArray[np.int64]
    distances: NDArray[np.float64]
    fdr: float
    n_calibration: int
    note: str
