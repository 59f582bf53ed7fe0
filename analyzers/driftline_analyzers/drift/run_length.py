"""How long a CUSUM of normal scores runs until it alarms, when every score is against the same imperfect reference.

A reference of N texts has a sampling error of its own, and each window of n texts is compared with it: given the reference, the scores are
normal(b, 1 - rho) with b ~ normal(0, rho) fixed for its lifetime, rho = n / (n + N): the reference's part of the variance 1/n + 1/N of a
difference of two means. (Quadratic statistics share less of it, so this is the bad case.) A CUSUM integrates b. So the threshold is set on
the expected number of alarms over references, mean over b of 1 / run length(b), and not on the run length at b = 0.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from driftline_core.errors import ConfigError

_Floats = NDArray[np.float64]

_NODES: Final = np.polynomial.legendre.leggauss(32)
_BIASES: Final = np.linspace(-4.5, 4.5, 46)
_BIAS_WEIGHTS: Final[_Floats] = np.exp(-_BIASES * _BIASES / 2) / np.exp(-_BIASES * _BIASES / 2).sum()
_ALLOWANCES: Final = tuple(np.arange(0.5, 1.51, 0.125).tolist())
_HIGHEST: Final = 20.0
_STEPS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CusumDesign:
    """path = max(0, path + score - allowance) alarms at the threshold. run_length: windows to an alarm without change, over references."""

    allowance: float
    threshold: float
    run_length: float


@lru_cache(maxsize=256)
def design_cusum(*, run_length: float, reference_share: float, shift: float) -> CusumDesign:
    """The CUSUM with that mean run length over references, windows / alarms, that sees a shift of the scores the soonest.

    run_length: 10 to 1,000,000 windows; reference_share: rho, 0 to 0.5; shift: standard deviations of a window's score. Raises ConfigError.
    """
    if not 10 <= run_length <= 1e6:
        raise ConfigError(f"expected 10 to 1,000,000 windows between false alarms, got {run_length:g}")
    if not 0 <= reference_share <= 0.5:
        raise ConfigError(f"expected a reference share between 0 and 0.5, got {reference_share:g}")
    if not shift > 0:
        raise ConfigError(f"expected a shift above 0, got {shift:g}")
    spread = (1 - reference_share) ** 0.5
    best: tuple[float, CusumDesign] | None = None
    for allowance in _ALLOWANCES:
        threshold = _threshold(run_length, reference_share=reference_share, allowance=allowance)
        if threshold is None:
            continue
        delay = float(run_lengths(np.asarray([shift]), allowance=allowance, threshold=threshold, spread=spread)[0])
        if best is None or delay < best[0]:
            reached = 1 / alarm_rate(allowance=allowance, threshold=threshold, reference_share=reference_share)
            best = (delay, CusumDesign(allowance=allowance, threshold=threshold, run_length=reached))
    if best is None:
        raise ConfigError(
            f"expected a reference that allows {run_length:g} windows between false alarms, got one with a share of {reference_share:g}"
        )
    return best[1]


def alarm_rate(*, allowance: float, threshold: float, reference_share: float) -> float:
    """Expected alarms a window without change, over references, each alarm followed by a restart at 0."""
    biases = _BIASES * reference_share**0.5
    lengths = run_lengths(biases, allowance=allowance, threshold=threshold, spread=(1 - reference_share) ** 0.5)
    return float((_BIAS_WEIGHTS / lengths).sum())


def run_lengths(means: _Floats, *, allowance: float, threshold: float, spread: float) -> _Floats:
    """Mean windows to an alarm from a path of 0, of scores normal(mean, spread²): (b,) -> (b,), at most 1e12.

    Solves L(s) = 1 + L(0) P(step <= -s) + integral over 0..h of L(y) density(y - s) at Gauss-Legendre nodes (Page 1954; Goel & Wu 1971).
    """
    nodes, weights = (_NODES[0] + 1) / 2 * threshold, _NODES[1] / 2 * threshold
    starts = np.concatenate([[0.0], nodes])  # (q + 1,)
    drift = (means - allowance)[:, None, None]
    scaled = (nodes[None, None, :] - starts[None, :, None] - drift) / spread  # (b, q + 1, q)
    kernel = np.empty((len(means), len(starts), len(starts)))
    kernel[:, :, 1:] = np.exp(-scaled * scaled / 2) / (spread * (2 * np.pi) ** 0.5) * weights
    kernel[:, :, 0] = ndtr((-starts[None, :] - drift[:, :, 0]) / spread)
    lengths = np.linalg.solve(np.eye(len(starts)) - kernel, np.ones((len(means), len(starts), 1)))[:, 0, 0]
    # Beyond 1e12 the matrix is singular in float64: what it returns then is noise of either sign.
    return np.where((lengths >= 1) & (lengths < 1e12), lengths, 1e12)


def _threshold(run_length: float, *, reference_share: float, allowance: float) -> float | None:
    """The lowest threshold with at most that rate of alarms, found by halving; None where it would be out of reach."""
    low, high = 1e-3, _HIGHEST
    if alarm_rate(allowance=allowance, threshold=high, reference_share=reference_share) > 1 / run_length:
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if alarm_rate(allowance=allowance, threshold=middle, reference_share=reference_share) > 1 / run_length:
            low = middle
        else:
            high = middle
    return high
