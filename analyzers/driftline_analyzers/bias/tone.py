"""Regard and sentiment as directions in the embedding space, learnt from sentences of our own when they are first needed.

No weights ship, the sentences do: the direction is fitted anew for whichever encoder is in use, which takes a few hundred short texts.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.bias.units import Floats

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to unit vectors (n, d). Raises the embedder's errors."""
ToneName = Literal["regard", "sentiment"]
TONES: Final[tuple[ToneName, ...]] = ("regard", "sentiment")
_TARGETS: Final = {"positive": 1.0, "neutral": 0.0, "negative": -1.0}
_RIDGES: Final = tuple(10.0**exponent for exponent in np.arange(-2, 1.51, 0.25))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone:
    """A fitted direction: weights: (d,). version: of the n_texts sentences. loo_r2: share of their spread foretold, each left out."""

    name: ToneName
    weights: Floats
    intercept: float
    ridge: float
    loo_r2: float
    n_texts: int
    version: str

    def score(self, vectors: NDArray[np.float32]) -> Floats:
        """About -1 (negative) to 1 (positive): vectors: (n, d) of texts whose group words are masked -> (n,)."""
        return np.asarray(vectors.astype(np.float64) @ self.weights + self.intercept)


def fit_tone(name: ToneName, embed: Embed) -> Tone:
    """Ridge regression of +1, 0, -1 on the vectors of the sentences of that tone; the penalty by leave-one-out error. Hoerl & Kennard 1970;
    leaving out in closed form: Golub, Heath & Wahba 1979.
    """
    raw = (files("driftline_analyzers") / "weights" / f"{name}.json").read_bytes()
    texts = json.loads(raw)["texts"]
    x = embed([text for label in _TARGETS for text in texts[label]]).astype(np.float64)  # (n, d)
    y = np.repeat(list(_TARGETS.values()), [len(texts[label]) for label in _TARGETS])
    x_mean, y_mean = x.mean(0), y.mean()
    u, s, vt = np.linalg.svd(x - x_mean, full_matrices=False)
    projected = u.T @ (y - y_mean)
    best: tuple[float, float] | None = None
    for ridge in _RIDGES:
        shrunk = s**2 / (s**2 + ridge)
        residual = (y - y_mean) - u @ (shrunk * projected)
        leverage = (u**2 @ shrunk) + 1 / len(y)
        error = float(((residual / (1 - leverage)) ** 2).mean())
        if best is None or error < best[0]:
            best = error, ridge
    assert best is not None
    error, ridge = best
    weights = vt.T @ (s / (s**2 + ridge) * projected)
    return Tone(
        name=name,
        weights=weights,
        intercept=float(y_mean - x_mean @ weights),
        ridge=ridge,
        loo_r2=1 - error / float(y.var()),
        n_texts=len(y),
        version=hashlib.sha256(raw).hexdigest()[:12],
    )
