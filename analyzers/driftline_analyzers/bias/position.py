"""Do the answers for two groups lie elsewhere in the embedding space? The length of the gap of mean vectors, inside strata."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.bias.adjustment import PromptAdjustments
from driftline_analyzers.bias.gap import Gap, permuted, session_weights
from driftline_analyzers.bias.units import Floats, Units

_DRAWS: Final = 250


def position_gap(
    units: Units,
    vectors: NDArray[np.float32],
    *,
    adjustments: PromptAdjustments | None = None,
    n_permutations: int = 999,
    n_bootstrap: int = 499,
    seed: int = 0,
) -> Gap | None:
    """vectors: (n, d) of the masked answers of all calls, NaN rows unknown. None where no stratum has both arms.

    gap: length of the difference of means less what chance adds: sqrt(max(0, |g|^2 - E|g*|^2)), E over stratified permutations, which also
    give the p-value; the interval takes the same off twice from bootstrapped lengths, once for each layer of sampling. It has no direction.
    d: gap in standard deviations along its direction.
    """
    y = units.means(vectors.astype(np.float64))
    is_known = np.asarray(np.isfinite(y).all(1))
    kept = units if is_known.all() else units.keep(is_known)
    if not len(kept):
        return None
    adjustment = (adjustments or PromptAdjustments(None)).of(kept)
    of_y = adjustment.residual(kept.means(vectors.astype(np.float64)))
    of_z = adjustment.residual(kept.arm.astype(np.float64))
    y, z = of_y.values, of_z.values
    difference = z @ y / (z**2).sum()  # (d,)
    squared = float((difference**2).sum())
    rng = np.random.default_rng(seed)
    null = np.concatenate(
        [
            ((permuted(z, kept, rng=rng, n_draws=min(_DRAWS, n_permutations - i)) @ y / (z**2).sum()) ** 2).sum(1)
            for i in range(0, n_permutations, _DRAWS)
        ]
    )
    null *= of_z.variance_ratio(of_y)
    chance = float(null.mean())
    gap = float(np.sqrt(max(0.0, squared - chance)))
    drawn = _bootstrapped(kept, y, z, n_bootstrap=n_bootstrap, seed=seed + 1) - 2 * chance
    low, high = np.sqrt(np.maximum(np.quantile(drawn, [0.025, 0.975]), 0))
    along = y @ (difference / max(np.sqrt(squared), 1e-12))
    residual = along - z * np.sqrt(squared)
    spread = float(np.sqrt((residual**2).sum() / max(1, len(kept) - kept.n_strata - 1)))
    return Gap(
        gap=gap,
        low=float(low),
        high=float(high),
        d=gap / spread if spread > 1e-9 else 0.0,
        z=(squared - chance) / float(null.std()) if null.std() > 1e-15 else 0.0,
        p_value=(1 + int((null >= squared * (1 - 1e-9)).sum())) / (1 + n_permutations) if squared > 1e-15 else 1.0,
        n_permutations=n_permutations,
        mean_group=gap,
        mean_other=0.0,
        n_group=kept.n_sessions(1),
        n_other=kept.n_sessions(0),
    )


def _bootstrapped(units: Units, y: Floats, z: Floats, *, n_bootstrap: int, seed: int) -> Floats:
    """Squared lengths over samples of whole sessions; the arms' shares of the strata stay as they are."""
    rng = np.random.default_rng(seed)
    found = []
    for begin in range(0, n_bootstrap, _DRAWS):
        weights = session_weights(units, rng=rng, n_draws=min(_DRAWS, n_bootstrap - begin))
        norm = weights @ z**2
        found.append((((weights * z) @ y / norm[:, None]) ** 2).sum(1))
    return np.concatenate(found)
