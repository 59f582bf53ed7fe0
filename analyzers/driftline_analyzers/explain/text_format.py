"""What a text looks like, whatever it is about."""

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_MAX_TEXT_CHARS = 4000
_LIST = re.compile(r"^\s*(?:[-*+\u2022]|\d{1,3}[.)])\s+\S", re.MULTILINE)
_HEADING = re.compile(r"^\s*#{1,6}\s+\S|^\s*\*\*[^*\n]+\*\*:?\s*$", re.MULTILINE)
_LINK = re.compile(r"https?://", re.IGNORECASE)
FORMAT_FLAGS: Final = ("code fence", "list", "heading", "bold", "JSON", "line breaks", "link", "all lower case")


def format_flags(text: str) -> tuple[bool, ...]:
    """One claim for each of FORMAT_FLAGS, about the text's first 4,000 characters."""
    seen = text[:_MAX_TEXT_CHARS]
    stripped = seen.strip()
    return (
        "```" in seen,
        bool(_LIST.search(seen)),
        bool(_HEADING.search(seen)),
        "**" in seen,
        stripped[:1] in {"{", "["} and ('":' in stripped or '" :' in stripped or stripped[-1:] in {"}", "]"}),
        "\n" in stripped,
        bool(_LINK.search(seen)),
        stripped == stripped.lower() and any(character.isalpha() for character in stripped),
    )


def format_matrix(texts: Sequence[str]) -> NDArray[np.float64]:
    """(n,) texts -> (n, len(FORMAT_FLAGS)) of 0 and 1."""
    if not texts:
        return np.zeros((0, len(FORMAT_FLAGS)))
    return np.array([format_flags(text) for text in texts], dtype=np.float64)


def script(text: str) -> str:
    """The script of most letters, e.g. 'LATIN', 'CYRILLIC', 'CJK', 'ARABIC'; '' of none. Stands in for a language that nobody named."""
    counts: dict[str, int] = {}
    for character in text[:200]:
        if character.isalpha():
            name = unicodedata.name(character, "").split(" ")[0]
            counts[name] = counts.get(name, 0) + 1
    return max(sorted(counts), key=lambda name: counts[name]) if counts else ""


def log_lengths(texts: Sequence[str]) -> NDArray[np.float64]:
    """Logarithm of one plus the characters: (n,)."""
    return np.array([math.log1p(len(text)) for text in texts], dtype=np.float64)
