"""How a text is written, whatever it says: 13 numbers that a change of model or prompt moves first."""

import re
from collections.abc import Sequence
from math import log1p
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.drift.refusal import is_refusal

STYLE_FEATURES: Final = (
    "log_chars",
    "log_words",
    "chars_per_word",
    "newline_rate",
    "list_line_share",
    "bold_rate",
    "code_fences",
    "comma_rate",
    "exclamation_rate",
    "refusal",
    "eager_opener",
    "type_token_ratio",
    "ends_with_punctuation",
)
"""The columns of `style_features`. Rates are per 100 words; log is log(1 + x); code_fences too is log(1 + pairs of fences)."""

_READ_CHARS: Final = 100_000
_TYPE_TOKEN_WORDS: Final = 100
_ASCII_WORD: Final = re.compile(r"[A-Za-z0-9_]+(?:'[A-Za-z]+)?")
# In Thai, Lao, Myanmar, Khmer, kana and Han, written without spaces, a letter is a word; elsewhere marks belong to their word.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u0900-\u0963\u0966-\u0dff\u200c\u200d"
)
_WORD: Final = re.compile(rf"[{_UNSPACED}]|(?:[^\W{_UNSPACED}]|[{_MARKS}])+(?:['’][^\W{_UNSPACED}]+)?")
_TOKEN: Final = re.compile(rf"[{_UNSPACED}]|(?:[^\W{_UNSPACED}]|[{_MARKS}])+|[^\w\s]|\n+")
_LIST_LINE: Final = re.compile(r"^[ \t]*(?:[-*+•‣▪◦–·]|\(?\d{1,3}[.):、]|\(?[a-zA-Z][.)])[ \t]*\S", re.MULTILINE)
_LINE: Final = re.compile(r"^[ \t]*\S", re.MULTILINE)
_EAGER: Final = re.compile(
    r"[\W_]*(?:sure|certainly|of course|absolutely|definitely|great question|good question|happy to|glad to|i'd be (?:happy|glad)"
    r"|natürlich|selbstverständlich|gerne|sicher|klar|bien sûr|certainement|avec plaisir|claro|por supuesto|desde luego|com certeza|certo"
    r"|certamente|natuurlijk|oczywiście|конечно|elbette|tabii|当然|當然|好的|もちろん|はい|물론|네|بالطبع|بالتأكيد|ज़रूर|जरूर|बिल्कुल)(?!\w)"
    r"|[\W_]*(?:当然|當然|好的|もちろん|はい)",
    re.IGNORECASE,
)
_ENDS: Final = ".!?…。！？｡؟۔।:;："
_CLOSERS: Final = " \t\r\n\"'”’»)]}）」』】*_`~>"


def style_features(texts: Sequence[str]) -> NDArray[np.float32]:
    """(n,) texts -> (n, 13) float32, columns as in STYLE_FEATURES; a text without words is a row of zeros but for its length.

    Of a text beyond 100,000 characters the first 100,000 are read, and its words are projected from them. Every script has words:
    a letter is one where no spaces are written.
    """
    rows = np.zeros((len(texts), len(STYLE_FEATURES)), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        row[:] = _features(text)
    return rows


def tokens_of(text: str) -> set[str]:
    """Its different words in lower case, marks, and runs of line breaks; of a text beyond 100,000 characters those of the first 100,000."""
    return set(_TOKEN.findall(text[:_READ_CHARS].lower()))


def _features(text: str) -> tuple[float, ...]:
    n_chars = len(text)
    text = text[:_READ_CHARS]
    words = (_ASCII_WORD if text.isascii() else _WORD).findall(text)
    n_words = len(words)
    per_100 = 100 / n_words if words else 0.0
    n_lines = len(_LINE.findall(text))
    first = [word.lower() for word in words[:_TYPE_TOKEN_WORDS]]
    return (
        log1p(n_chars),
        log1p(n_words * max(n_chars, 1) / max(len(text), 1)),
        sum(map(len, words)) / max(n_words, 1),
        text.count("\n") * per_100,
        len(_LIST_LINE.findall(text)) / max(n_lines, 1),
        text.count("**") / 2 * per_100,
        log1p(text.count("```") / 2),
        _count(text, ",，、،") * per_100,
        _count(text, "!！¡") * per_100,
        float(is_refusal(text)),
        float(_EAGER.match(text) is not None),
        len(set(first)) / max(len(first), 1),
        float(text.rstrip(_CLOSERS).endswith(tuple(_ENDS))),
    )


def _count(text: str, characters: str) -> int:
    return sum(map(text.count, characters[:1] if text.isascii() else characters))
