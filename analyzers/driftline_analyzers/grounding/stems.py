"""A light stem of English words."""

from functools import lru_cache
from typing import Final

_SUFFIXES: Final = (
    ("ies", "i"),
    ("sses", "ss"),
    ("ing", ""),
    ("edly", ""),
    ("ed", ""),
    ("ly", ""),
    ("es", ""),
    ("s", ""),
)
_SHORTEST_STEM = 3


@lru_cache(maxsize=100_000)
def stem(lower: str) -> str:
    """A light English stem; other languages' words stay nearly as they are."""
    word = lower.removesuffix("'s")
    for suffix, kept in _SUFFIXES:
        if (
            word.endswith(suffix)
            and len(word) - len(suffix) >= _SHORTEST_STEM
            and not (suffix == "s" and word.endswith("ss"))
        ):
            word = word[: -len(suffix)] + kept
            if suffix in {"ing", "ed"} and word[-1] == word[-2] and word[-1] not in "aeiouls":
                word = word[:-1]
            break
    if len(word) <= _SHORTEST_STEM:
        return word
    return word[:-1] + "i" if word.endswith("y") else word.removesuffix("e")
