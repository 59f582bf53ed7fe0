"""From features to probabilities: a logistic regression whose weights cannot be negative, and how sentences make an answer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Self

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.grounding.features import FEATURES
from driftline_core.errors import ConfigError

_FILE = "grounding.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """weights: (f,) in the order of FEATURES, intercept: of a sentence's log odds; slope, offset: of an answer's, of what
    `pooled` makes of its sentences'. threshold: an answer's probability from which it is flagged; sentence_threshold: a sentence's.
    """

    weights: NDArray[np.float64]
    intercept: float
    slope: float
    offset: float
    threshold: float
    sentence_threshold: float

    @classmethod
    def load(cls, text: str) -> Self:
        """From the JSON that `training.grounding` writes. Raises ConfigError when its features are others."""
        table = json.loads(text)
        if tuple(table["features"]) != FEATURES:
            raise ConfigError(f"expected weights for {', '.join(FEATURES)}, got {', '.join(table['features'])}")
        return cls(
            weights=np.asarray(table["weights"], dtype=np.float64),
            intercept=table["intercept"],
            slope=table["slope"],
            offset=table["offset"],
            threshold=table["threshold"],
            sentence_threshold=table["sentence_threshold"],
        )

    def sentences(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, f) -> log odds of being unsupported: (n,)."""
        return np.asarray(values @ self.weights + self.intercept)

    def answer(self, log_odds: Sequence[float] | NDArray[np.float64]) -> float:
        """Probability that at least one of an answer's sentences, (n,) with n >= 1, is unsupported."""
        return float(probability(self.slope * pooled(np.asarray(log_odds)) + self.offset))


def pooled(log_odds: NDArray[np.float64]) -> float:
    """(n,) -> log odds that at least one sentence is unsupported, as if each were so or not on its own."""
    all_supported = -np.logaddexp(0, log_odds).sum()  # log of the product of 1 - p
    return float(np.log(-np.expm1(all_supported)) - all_supported)


def probability(log_odds: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """The logistic function."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -50, 50))))


@cache
def shipped_head() -> Head:
    """The weights in `weights`."""
    return Head.load((files("driftline_analyzers") / "weights" / _FILE).read_text(encoding="utf-8"))
