"""The vectors of single tokens, before a model pools them: for comparing two texts word by word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.embed.vectors import Embeddings


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenVectors:
    """Of one text. vectors: (t, d) of unit length; bounds: (t, 2), [start, end) of each token in characters."""

    vectors: Embeddings
    bounds: NDArray[np.int64]


@runtime_checkable
class TokenEmbedder(Protocol):
    """What turns texts into vectors of their tokens, for several threads at once."""

    @property
    def model_id(self) -> str:
        """As `Embedder.model_id`."""
        ...

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        """One a text, in order; a text longer than the model's limit is read in windows, whole."""
        ...


@runtime_checkable
class TokenEncoder(Protocol):
    """A `SequenceEncoder` that also gives the tokens' own vectors."""

    def encode_tokens(self, sequences: Sequence[Sequence[int]]) -> list[Embeddings]:
        """Token ids with special tokens, longest first -> for each (its tokens, d) float32, unit length."""
        ...
