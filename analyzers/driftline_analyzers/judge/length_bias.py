"""Does a judge like long answers?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.judge.agreement import Estimate, estimate
from driftline_core.errors import InputError

_RESAMPLES_AT_A_TIME: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthBias:
    """with_length: Spearman's correlation of score and length over n answers; long answers may be better, so this alone proves no bias.

    excess_with_length: of judge minus person and length, over n_labelled answers that a person scored too: what the judge gives to length
    beyond what people give. status: too_few when n is below the minimum; excess_with_length is None when n_labelled is. None, too, where
    scores or lengths are all equal.
    """

    status: Literal["ok", "too_few"]
    n: int
    n_labelled: int
    with_length: Estimate | None = None
    excess_with_length: Estimate | None = None


def length_bias(
    judged: Sequence[float | None],
    lengths: Sequence[int],
    *,
    labelled: Sequence[float | None] | None = None,
    min_answers: int = 30,
    n_resamples: int = 1000,
    seed: int = 0,
) -> LengthBias:
    """Correlation of scores with lengths of the answers (characters or tokens), all (n,) in one order; None is no score.

    Raises InputError on lengths that differ. Intervals: percentile bootstrap over answers.
    """
    labels = [None] * len(judged) if labelled is None else labelled
    if not len(judged) == len(lengths) == len(labels):
        raise InputError(
            f"expected as many lengths and labels as scores, got {len(lengths)}, {len(labels)}, {len(judged)}"
        )
    rows = list(zip(judged, lengths, labels, strict=True))
    scored = [(score, length) for score, length, _ in rows if score is not None]
    both = [(score - label, length) for score, length, label in rows if score is not None and label is not None]
    is_enough = len(scored) >= max(2, min_answers)
    generator = np.random.default_rng(seed)
    return LengthBias(
        status="ok" if is_enough else "too_few",
        n=len(scored),
        n_labelled=len(both),
        with_length=_spearman(scored, n_resamples, generator) if is_enough else None,
        excess_with_length=_spearman(both, n_resamples, generator) if len(both) >= max(2, min_answers) else None,
    )


def _spearman(pairs: Sequence[tuple[float, int]], n_resamples: int, generator: np.random.Generator) -> Estimate | None:
    values = np.asarray(pairs, dtype=np.float64).T  # (2, n)
    n = values.shape[1]
    resampled = []
    for start in range(0, n_resamples, _RESAMPLES_AT_A_TIME):
        drawn = generator.integers(n, size=(min(_RESAMPLES_AT_A_TIME, n_resamples - start), n))
        resampled.append(_correlation(values[0][drawn], values[1][drawn]))
    return estimate(_correlation(values[:1], values[1:])[0], np.concatenate(resampled))


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's rho of each row, (b, n), (b, n) -> (b,); NaN where a row is constant."""
    from scipy.stats import rankdata

    ranks_x, ranks_y = (rankdata(values, axis=1) for values in (x, y))
    ranks_x = ranks_x - ranks_x.mean(1, keepdims=True)
    ranks_y = ranks_y - ranks_y.mean(1, keepdims=True)
    spread = np.sqrt((ranks_x**2).sum(1) * (ranks_y**2).sum(1))
    with np.errstate(divide="ignore", invalid="ignore"):
        rho: NDArray[np.float64] = np.where(spread > 1e-9, (ranks_x * ranks_y).sum(1) / spread, np.nan)
    return rho
