"""Which end of an analyzer's values is what it looks for: read where calls are flagged, where thresholds are set, and by the docs.

high: the higher, the more. low: the lower, the more. none: its values are no more and no less of it, so no threshold of values can
stand for it. An analyzer that is not named here (one of your own) counts as high.
"""

from collections.abc import Mapping
from typing import Final, Literal

Direction = Literal["high", "low", "none"]

DIRECTIONS: Final[Mapping[str, Direction]] = {
    "grounding": "high",
    "injection": "high",
    "toxicity": "high",
    "pii": "high",
    "secrets": "high",
    "prompt_leak": "high",
    "refusal": "high",
    "relevance": "low",
    "repetition": "high",
    "language": "high",
    "format": "low",
    "readability": "none",
    "judge": "low",
    "outliers": "high",
}
LOW_ANALYZERS: Final = tuple(name for name, direction in DIRECTIONS.items() if direction == "low")
"""For queries: their values are read with the sign turned around, so that more is always higher."""


def direction_of(analyzer: str) -> Direction:
    """The end of its values that is flagged."""
    return DIRECTIONS.get(analyzer, "high")


def sign_of(analyzer: str) -> int:
    """-1 where low values are what it looks for, else 1: `sign * value` is higher for more of it."""
    return -1 if direction_of(analyzer) == "low" else 1


def is_beyond(analyzer: str, value: float, threshold: float) -> bool:
    """Whether a value is flagged by a threshold: at it or beyond it."""
    return sign_of(analyzer) * value >= sign_of(analyzer) * threshold
