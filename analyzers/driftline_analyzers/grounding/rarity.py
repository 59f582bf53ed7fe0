"""How much a word says: rare ones more. Counted once over openly licensed English text, and shipped."""

import json
import math
from functools import cache
from importlib.resources import files

_FILE = "grounding_rarity.json"


class Rarity:
    """counts: sentences that hold a word's key, of those with two or more; n_sentences: of all."""

    def __init__(self, *, counts: dict[str, int], n_sentences: int) -> None:
        self._counts = counts
        self._n = n_sentences

    def __call__(self, key: str) -> float:
        """ln((n + 1) / (count + 1)): 0 for a word of every sentence; unknown words and numbers weigh most."""
        return math.log((self._n + 1) / (self._counts.get(key, 0) + 1))

    @property
    def most(self) -> float:
        """Of a word that was never seen."""
        return math.log(self._n + 1)


@cache
def shipped_rarity() -> Rarity:
    """The table in `weights`."""
    table = json.loads((files("driftline_analyzers") / "weights" / _FILE).read_text(encoding="utf-8"))
    return Rarity(counts=table["counts"], n_sentences=table["n_sentences"])
