"""Texts beyond a model's limit: cut into chunks of tokens whose vectors are averaged, or cut off."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

LongTexts = Literal["chunk", "truncate"]

_VERSION: Final = 1
"""Part of every model id with chunks: raise it when bounds or pooling change."""


class Reading(Flag):
    """How a text was read. CHUNKED: longer than the model's limit, averaged over chunks; TRUNCATED: its end was not read."""

    WHOLE = 0
    CHUNKED = auto()
    TRUNCATED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedCounts:
    """How many texts were read how; one text may be chunked and truncated too."""

    n_texts: int = 0
    n_chunked: int = 0
    n_truncated: int = 0

    @classmethod
    def of(cls, readings: Iterable[Reading]) -> "EmbedCounts":
        """Count them."""
        known = list(readings)
        return cls(
            n_texts=len(known),
            n_chunked=sum(Reading.CHUNKED in reading for reading in known),
            n_truncated=sum(Reading.TRUNCATED in reading for reading in known),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkPlan:
    """How long texts are read. overlap: tokens that neighbouring chunks share; max_chunks: of one text, what is beyond is not read."""

    long_texts: LongTexts = "chunk"
    overlap: int = 0
    max_chunks: int = 16

    @property
    def id_suffix(self) -> str:
        """What tells these vectors from those of another plan, e.g. '/chunk1-16-0'; empty where texts are cut off."""
        return f"/chunk{_VERSION}-{self.max_chunks}-{self.overlap}" if self.long_texts == "chunk" else ""

    def bounds(self, n_tokens: int, *, limit: int) -> list[tuple[int, int]]:
        """(start, end) of each chunk of a text of n_tokens; each holds at most limit tokens, and they differ by one at most.

        A text within the limit is one chunk, whatever the plan.
        """
        if n_tokens <= limit:
            return [(0, n_tokens)]
        if self.long_texts == "truncate":
            return [(0, limit)]
        overlap = min(self.overlap, limit // 2)
        stride = limit - overlap
        n_chunks = min(self.max_chunks, -(-(n_tokens - overlap) // stride))
        n_strides = min(n_tokens - overlap, n_chunks * stride)
        cuts = [round(i * n_strides / n_chunks) for i in range(n_chunks + 1)]
        return [(start, end + overlap) for start, end in pairwise(cuts)]

    def reading(self, n_tokens: int, *, limit: int) -> Reading:
        """How a text of so many tokens is read."""
        bounds = self.bounds(n_tokens, limit=limit)
        chunked = Reading.CHUNKED if len(bounds) > 1 else Reading.WHOLE
        return chunked | (Reading.TRUNCATED if bounds[-1][1] < n_tokens else Reading.WHOLE)


def pool_chunks(
    vectors: NDArray[np.float32], *, n_chunks: Sequence[int], n_tokens: Sequence[int]
) -> NDArray[np.float32]:
    """Unit vectors of chunks (m, d) -> unit vectors of texts (n, d): the mean weighted by tokens, normalised.

    n_chunks: of each text, (n,); n_tokens: of each chunk, (m,). The vector of a text of one chunk is returned as it is.
    """
    chunks = np.asarray(n_chunks, dtype=np.intp)
    if (chunks == 1).all():
        return vectors
    starts = np.concatenate([[0], np.cumsum(chunks)[:-1]])
    weights = np.maximum(np.asarray(n_tokens, dtype=np.float32), 1)
    sums = np.add.reduceat(vectors * weights[:, None], starts, axis=0)  # (n, d)
    pooled = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    single = chunks == 1
    pooled[single] = vectors[starts[single]]
    return np.asarray(pooled, dtype=np.float32)
