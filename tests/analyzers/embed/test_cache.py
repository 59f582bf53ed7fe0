"""The cache in memory before the one in the store, and what it says about long texts."""

from pathlib import Path

import numpy as np
import pytest

from driftline_analyzers.embed.cache import EmbeddingCache
from driftline_analyzers.embed.chunks import Reading
from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.embed.recent import Known, RecentVectors
from driftline_core.store import Store
from tests.analyzers.embed.tiny_models import tiny_bert


@pytest.fixture
def tiny(tmp_path: Path) -> SentenceEmbedder:
    return SentenceEmbedder(model=str(tiny_bert(tmp_path)), dtype="float32", max_chunks=2)


def test_recent_vectors_are_not_read_from_the_store_again(store: Store, tiny: SentenceEmbedder) -> None:
    cache = EmbeddingCache(store, tiny)
    first, _ = cache.embed(["one", "two"])
    store.client.command("TRUNCATE TABLE embeddings")
    again, counts = cache.embed(["two", "one", "one"])
    assert (counts.n_embedded, counts.n_hits) == (0, 2)
    np.testing.assert_array_equal(again, first[[1, 0, 0]])
    assert cache.n_missing(["one", "two", "three"]) == 3


def test_a_cache_without_memory_reads_the_store(store: Store, tiny: SentenceEmbedder) -> None:
    cache = EmbeddingCache(store, tiny, recent_texts=0)
    cache.embed(["one"])
    store.client.command("TRUNCATE TABLE embeddings")
    assert cache.embed(["one"])[1].n_embedded == 1


def test_long_texts_are_counted_whether_embedded_now_or_before(store: Store, tiny: SentenceEmbedder) -> None:
    texts = ["short", "cats dogs birds " * 30, "cats dogs birds " * 60, "cats dogs birds " * 30]
    for _ in range(2):
        _, counts = EmbeddingCache(store, tiny).embed(texts)
        assert (counts.n_chunked, counts.n_truncated) == (3, 1)


def test_the_vector_unused_for_longest_goes_first() -> None:
    recent = RecentVectors(2)
    known = Known(np.zeros(2, dtype=np.float32), Reading.WHOLE)
    recent.put(b"a", known)
    recent.put(b"b", known)
    assert recent.get(b"a") is known
    recent.put(b"c", known)
    assert recent.get(b"b") is None
    assert recent.get(b"a") is known
