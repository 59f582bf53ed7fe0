"""The vectors used last, in memory."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from driftline_analyzers.embed.chunks import Reading
from driftline_analyzers.embed.vectors import Embeddings


@dataclass(frozen=True, slots=True)
class Known:
    """A text's vector, (d,) float32, and how the text was read."""

    vector: Embeddings
    reading: Reading


class RecentVectors:
    """At most max_texts vectors by the hash of their text; the one not used longest goes first. Of one model only; from any thread."""

    def __init__(self, max_texts: int) -> None:
        self.max_texts = max_texts
        self._known: OrderedDict[bytes, Known] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, text_hash: bytes) -> Known | None:
        """The vector, which is now the one used last, or None."""
        with self._lock:
            known = self._known.get(text_hash)
            if known is not None:
                self._known.move_to_end(text_hash)
            return known

    def put(self, text_hash: bytes, known: Known) -> None:
        """Keep a vector."""
        with self._lock:
            self._known[text_hash] = known
            self._known.move_to_end(text_hash)
            while len(self._known) > self.max_texts:
                self._known.popitem(last=False)
