"""How far the words of a sentence are from anything the documents say, by the vectors of their tokens.

Greedy matching as in BERTScore (Zhang, Kishore, Wu, Weinberger & Artzi 2020), precision side: each token of the sentence with its nearest
token of the documents.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from driftline_analyzers.embed.token_vectors import TokenVectors
from driftline_analyzers.embed.vectors import Embeddings
from driftline_analyzers.grounding.words import Word

_NEAR: Final = 0.6
"""Cosine from which a word counts as said."""
_TOKENS_AT_ONCE: Final = 8_192


def unmatched(
    words: Sequence[Word], tokens: TokenVectors, source: Embeddings, *, start: int, asked: frozenset[str]
) -> float:
    """Mean over the words that carry something and were not asked of how much their likeness lacks to _NEAR, 0 to 1.6.

    tokens: of the sentence, which begins at start of the text that words are in; source: (n, d), the documents' tokens. A word's likeness
    is the mean of its tokens'. 0 without such a word.
    """
    nearest = _nearest(tokens.vectors, source)
    lacks = []
    for word in words:
        if not word.carries or word.key in asked:
            continue
        inside = (tokens.bounds[:, 0] < word.end - start) & (tokens.bounds[:, 1] > word.start - start)
        if inside.any():
            lacks.append(max(0.0, _NEAR - float(nearest[inside].mean())))
    return float(np.mean(lacks)) if lacks else 0.0


def _nearest(vectors: Embeddings, source: Embeddings) -> Embeddings:
    """(t, d), (n, d) -> (t,) greatest cosine, -1 where there is no source."""
    nearest = np.full(len(vectors), -1, dtype=np.float32)
    for first in range(0, len(source), _TOKENS_AT_ONCE):
        np.maximum(nearest, (vectors @ source[first : first + _TOKENS_AT_ONCE].T).max(1, initial=-1), out=nearest)
    return nearest
