"""From features to probabilities: a logistic regression whose weights cannot be negative, and how sentences make an answer."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Self

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.grounding.features import FEATURES, TOKEN_FEATURES
from driftline_core.errors import ConfigError

_FILE = "grounding.json"
_NUMBERS = ("intercept", "slope", "offset", "threshold", "sentence_threshold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """weights: (f,) in the order of `features`, intercept: of a sentence's log odds; slope, offset: of an answer's, of what
    `pooled` makes of its sentences'. threshold: an answer's probability from which it is flagged; sentence_threshold: a sentence's.
    token_model: embedding model, by name and weights, whose token vectors TOKEN_FEATURES are of; empty for a head without those.
    """

    weights: NDArray[np.float64]
    intercept: float
    slope: float
    offset: float
    threshold: float
    sentence_threshold: float
    token_model: str = ""

    @classmethod
    def load(cls, text: str) -> Self:
        """From the JSON that `dump` and `training.grounding` write. Raises ConfigError when it is none, or its features are others."""
        try:
            table = json.loads(text)
            names = tuple(map(str, table["features"]))
            numbers = {name: float(table[name]) for name in _NUMBERS}
            weights = np.asarray(table["weights"], dtype=np.float64)
            token_model = str(table.get("token_model", ""))
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"expected a grounding head as JSON, got {type(error).__name__}: {error}") from error
        expected = features_of(token_model)
        if names != expected or weights.shape != (len(expected),):
            raise ConfigError(
                f"expected {len(expected)} weights for {', '.join(expected)}, got {weights.size} for {', '.join(names)}"
            )
        if not np.isfinite([*weights, *numbers.values()]).all():
            raise ConfigError("expected a grounding head of finite numbers, got one with NaN or infinity")
        return cls(weights=weights, token_model=token_model, **numbers)

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that tell heads apart."""
        return hashlib.sha256(self.dump().encode()).hexdigest()[:8]

    def dump(self) -> str:
        """The JSON that `load` reads."""
        table = {
            "features": features_of(self.token_model),
            "weights": self.weights.tolist(),
            "intercept": self.intercept,
        }
        answers = {"slope": self.slope, "offset": self.offset}
        thresholds = {"threshold": self.threshold, "sentence_threshold": self.sentence_threshold}
        tokens = {"token_model": self.token_model} if self.token_model else {}
        return json.dumps(table | answers | thresholds | tokens, indent=1) + "\n"

    def with_tokens(self, model_id: str) -> Self:
        """The same head with weights of 0 for TOKEN_FEATURES of that embedding model, to begin a fit from."""
        weights = np.concatenate([self.weights[: len(FEATURES)], np.zeros(len(TOKEN_FEATURES))])
        return replace(self, weights=weights, token_model=weights_of(model_id))

    def sentences(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, f) -> log odds of being unsupported: (n,)."""
        return np.asarray(values @ self.weights + self.intercept)

    def answer(self, log_odds: Sequence[float] | NDArray[np.float64]) -> float:
        """Probability that at least one of an answer's sentences, (n,) with n >= 1, is unsupported."""
        return float(probability(self.slope * pooled(np.asarray(log_odds), floor=self.intercept) + self.offset))


def features_of(token_model: str) -> tuple[str, ...]:
    """Names of a head's features."""
    return (*FEATURES, *TOKEN_FEATURES) if token_model else FEATURES


def weights_of(model_id: str) -> str:
    """A model id without the number format and the reading of long texts, which change token vectors little."""
    return model_id.split("/", 1)[0]


def pooled(log_odds: NDArray[np.float64], *, floor: float) -> float:
    """(n,) -> log odds that at least one sentence is unsupported, as if each were so or not on its own.

    floor: log odds of a sentence with nothing against it, a head's intercept. The worst sentence counts whole, each other one only with
    what its probability p has beyond that one's p0, (p - p0) / (1 - p0): else an answer that copies its documents would be suspect for its
    length alone. With a floor of -inf this is the plain noisy-or.
    """
    own = np.logaddexp(0, log_odds)  # -log(1 - p)
    beyond = np.maximum(own - np.logaddexp(0, floor), 0)
    worst = int(own.argmax())
    all_supported = -(beyond.sum() - beyond[worst] + own[worst])  # log of the product of what is left of each 1 - p
    return float(np.log(-np.expm1(all_supported)) - all_supported)


def probability(log_odds: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """The logistic function."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -50, 50))))


@cache
def shipped_head() -> Head:
    """The weights in `weights`."""
    return Head.load((files("driftline_analyzers") / "weights" / _FILE).read_text(encoding="utf-8"))
