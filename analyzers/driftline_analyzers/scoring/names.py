"""The scorers that come with Driftline, by the name that settings and the store use."""

from typing import Final, Literal, get_args

ScorerName = Literal[
    "grounding",
    "injection",
    "toxicity",
    "pii",
    "secrets",
    "prompt_leak",
    "refusal",
    "relevance",
    "repetition",
    "language",
    "format",
    "readability",
]
SCORER_NAMES: Final[tuple[ScorerName, ...]] = get_args(ScorerName)
