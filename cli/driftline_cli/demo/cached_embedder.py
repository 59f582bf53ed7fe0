"""An embedder that embeds no text again that drift or the scorers had embedded."""

from collections.abc import Sequence

from driftline_analyzers.embed.cache import EmbeddingCache
from driftline_analyzers.embed.embedder import Embedder, Embeddings, OnBatch
from driftline_core.store import Store


class CachedEmbedder:
    """The same vectors as the embedder's, from the store where they are there."""

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._embedder = embedder
        self._cache = EmbeddingCache(store, embedder)

    @property
    def model_id(self) -> str:
        """The embedder's."""
        return self._embedder.model_id

    def embed(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> Embeddings:
        """(n,) texts -> (n, d) float32, unit length. Raises StoreError, and the embedder's errors."""
        vectors, _ = self._cache.embed(texts, on_batch=on_batch)
        return vectors
