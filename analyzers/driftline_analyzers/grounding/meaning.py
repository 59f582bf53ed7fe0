"""How near words are to each other in meaning: vectors of single English words, distilled from the bundled embedding model and shipped."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

_FILE = "grounding_words.safetensors"
_NOTHING, _SAME = 0.4, 0.8
"""Cosines of words that have nothing to do with each other lie below the first, of inflections and synonyms about or above the second."""


class WordMeaning:
    """keys: words' keys; vectors: (v, d) of unit length, in their order."""

    def __init__(self, *, keys: Sequence[str], vectors: NDArray[np.float32]) -> None:
        self._rows = {key: row for row, key in enumerate(keys)}
        self._vectors = vectors

    def known(self, keys: Iterable[str]) -> NDArray[np.float32]:
        """(k, d) vectors of those keys that are known."""
        rows = [row for key in keys if (row := self._rows.get(key)) is not None]
        return self._vectors[rows]

    def closeness(self, keys: Sequence[str], among: NDArray[np.float32]) -> NDArray[np.float64]:
        """(k,) from 0, nothing like it, to 1, a synonym: of each key to the nearest of the vectors among, (s, d). 0 for an unknown key."""
        close = np.zeros(len(keys))
        at = [(place, row) for place, key in enumerate(keys) if (row := self._rows.get(key)) is not None]
        if at and len(among):
            cosines = (self._vectors[[row for _, row in at]] @ among.T).max(1)
            close[[place for place, _ in at]] = np.clip((cosines - _NOTHING) / (_SAME - _NOTHING), 0, 1)
        return close


@cache
def shipped_meaning() -> WordMeaning:
    """The table in `weights`."""
    from safetensors import safe_open

    with safe_open(str(files("driftline_analyzers") / "weights" / _FILE), framework="numpy") as table:
        keys = json.loads(table.metadata()["keys"])
        vectors = table.get_tensor("vectors").astype(np.float32)
    return WordMeaning(keys=keys, vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
