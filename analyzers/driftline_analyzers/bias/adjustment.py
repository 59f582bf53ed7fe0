"""Takes out of a measure what the prompt alone foretells, so that groups that ask about other things are not compared in what they ask.

Clusters of prompts are coarse: inside one, topics still differ. Both the measure and the arm are regressed on the masked prompts inside
the strata, and what is left of the one is compared with what is left of the other. Robinson 1988; Chernozhukov et al. 2018.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.bias.units import Floats, Units, sums_by

_RIDGES: Final = tuple(10.0**exponent for exponent in np.arange(-1.5, 2.01, 0.5))
_LEAST_LEFT: Final = 0.05
_NOTHING: Final = 1e-4
"""Where all prompts of a stratum are the same, what is left of them is rounding; the least penalty is far above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """Of all calls: vectors: (n, d) of the masked prompts; features: (n, k) few numbers that answers follow, as the prompt's tone."""

    vectors: NDArray[np.float32]
    features: Floats


def within_strata(values: Floats, stratum: NDArray[np.int64]) -> Floats:
    """Values less the mean of their stratum: (u,) or (u, d)."""
    counts = np.bincount(stratum)
    sums = sums_by(stratum, values, n=len(counts))
    return np.asarray(values - (sums / counts.reshape(-1, *[1] * (values.ndim - 1)))[stratum])


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """values: mean 0 in each stratum. share_left: (m,) of each direction of the prompts' vectors; n_free: features taken out whole; n_rest:
    dimensions that were not touched.
    """

    values: Floats
    share_left: Floats
    n_free: int
    n_rest: int

    def variance_ratio(self, other: "Residual") -> float:
        """How much larger the variance of the product of two residuals is than if each were free in every dimension, as permuting takes
        them to be: n |AB|^2 / (|A|^2 |B|^2) for the two smoothers, A and B diagonal in the same basis. At least 1; n / (n - k) when k
        dimensions are taken out whole, the usual correction for degrees of freedom.
        """
        own, its = self.share_left**2, other.share_left**2
        norm = (own.sum() + self.n_rest) * (its.sum() + self.n_rest)
        n = len(own) + self.n_free + self.n_rest
        return float(n * ((own * its).sum() + self.n_rest) / norm) if norm > 0 else 1.0


class PromptAdjustment:
    """Regression on the units' prompts: features freely, vectors with a ridge penalty; each residual is from a fit without its unit.

    prompts: None takes out the stratum's mean alone.
    """

    def __init__(self, units: Units, prompts: Prompts | None) -> None:
        self._stratum = units.stratum
        self._free: Floats | None = None
        self._basis: Floats | None = None
        if prompts is None or not len(units):
            return
        self._left = 1 - 1 / np.bincount(units.stratum)[units.stratum]  # (u,) of each unit, what the means leave
        features = within_strata(units.means(prompts.features), units.stratum)
        free, singular, _ = np.linalg.svd(features, full_matrices=False)
        self._free = free[:, singular > _NOTHING]  # (u, k)
        self._left = np.maximum(self._left - (self._free**2).sum(1), _LEAST_LEFT * self._left)
        x = within_strata(units.means(prompts.vectors.astype(np.float64)), units.stratum)
        x -= self._free @ (self._free.T @ x)
        squared, vectors = np.linalg.eigh(x.T @ x)
        is_used = squared > _NOTHING
        of_used = squared[is_used]
        self._basis = x @ vectors[:, is_used] / np.sqrt(of_used)  # (u, m), orthonormal columns
        self._shrunk = of_used / (of_used + np.array(_RIDGES)[:, None])  # (r, m)
        left = self._left[:, None] - self._basis**2 @ self._shrunk.T
        self._scale = self._left[:, None] / np.maximum(left, _LEAST_LEFT * self._left[:, None])  # (u, r)

    def residual(self, values: Floats) -> Residual:
        """Of (u,) or (u, m). The penalty is that with the least leave-one-out error, or no use of the vectors at all where none is better.
        Golub, Heath & Wahba 1979.
        """
        centred = within_strata(values, self._stratum)
        if self._free is None or self._basis is None:
            return Residual(values=centred, share_left=np.zeros(0), n_free=0, n_rest=len(centred))
        centred = centred - self._free @ (self._free.T @ centred)
        best, least, left = centred, float((centred**2).sum()), np.ones(self._basis.shape[1])
        projected = self._basis.T @ centred
        for shrunk, scale in zip(self._shrunk, self._scale.T, strict=True):
            as_column = (-1, *[1] * (centred.ndim - 1))
            residual = (centred - self._basis @ (shrunk.reshape(as_column) * projected)) * scale.reshape(as_column)
            error = float((residual**2).sum())
            if error < least:
                best, least, left = residual, error, 1 - shrunk
        n_free = self._free.shape[1]
        n_rest = len(centred) - int(self._stratum.max()) - 1 - n_free - len(left)
        return Residual(
            values=within_strata(best, self._stratum), share_left=left, n_free=n_free, n_rest=max(0, n_rest)
        )


class PromptAdjustments:
    """Adjustments of one set of calls; that of the units asked for last is kept, since most measures are known of all of them."""

    def __init__(self, prompts: Prompts | None) -> None:
        self._prompts = prompts
        self._last: tuple[Units, PromptAdjustment] | None = None

    def of(self, units: Units) -> PromptAdjustment:
        """That of these units."""
        if self._last is None or self._last[0] is not units:
            self._last = units, PromptAdjustment(units, self._prompts)
        return self._last[1]
