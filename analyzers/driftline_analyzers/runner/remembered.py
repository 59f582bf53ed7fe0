"""Vectors that were asked for a moment ago: one text is compared several ways, and each would look it up in the store again."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from driftline_analyzers.embed.embedder import Embeddings
from driftline_analyzers.runner.sides import Embed

_MAX_VECTORS = 60_000


class RememberedVectors:
    """Wraps an embedding function. The least recently used vectors go when more than 60,000 are held."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._kept: OrderedDict[str, Embeddings] = OrderedDict()

    def __call__(self, texts: Sequence[str]) -> Embeddings:
        """(n,) texts -> (n, d) vectors in the same order. Raises what the function raises."""
        if not texts:
            return self._embed(texts)
        missing = list(dict.fromkeys(text for text in texts if text not in self._kept))
        if missing:
            self._kept.update(zip(missing, self._embed(missing), strict=True))
        vectors = np.stack([self._kept[text] for text in texts])
        for text in dict.fromkeys(texts):
            self._kept.move_to_end(text)
        while len(self._kept) > _MAX_VECTORS:
            self._kept.popitem(last=False)
        return vectors
