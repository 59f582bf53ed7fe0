"""A new model: references are embedded again beside the old vectors, never mixed with them."""

import threading
from pathlib import Path

import numpy as np
import pytest

from driftline_analyzers.embed.cache import EmbeddingCache
from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.embed.upgrade import ModelUpgrade, UpgradeProgress
from driftline_core.store import Store
from tests.analyzers.embed.tiny_models import tiny_bert

TEXTS = [f"reference text number {i}" for i in range(10)]


@pytest.fixture
def old(tmp_path: Path) -> SentenceEmbedder:
    return SentenceEmbedder(model=str(tiny_bert(tmp_path / "old")), dtype="float32")


@pytest.fixture
def new(tmp_path: Path) -> SentenceEmbedder:
    return SentenceEmbedder(model=str(tiny_bert(tmp_path / "new", pooling="cls")), dtype="float32")


def test_what_is_missing_is_embedded_and_a_stopped_run_goes_on(
    store: Store, old: SentenceEmbedder, new: SentenceEmbedder
) -> None:
    before, _ = EmbeddingCache(store, old).embed(TEXTS)
    upgrade = ModelUpgrade(store, new, batch_texts=4, idle_share=0)
    seen: list[UpgradeProgress] = []

    def stop_after_two(progress: UpgradeProgress) -> None:
        seen.append(progress)
        if len(seen) == 2:
            upgrade.stop()

    stopped = upgrade.run(TEXTS, on_progress=stop_after_two)
    assert (stopped.n_done, stopped.n_total, stopped.n_embedded) == (8, 10, 8)
    assert not stopped.is_complete
    assert not upgrade.is_ready(TEXTS)
    again = ModelUpgrade(store, new, batch_texts=4, idle_share=0)
    finished = again.run(TEXTS)
    assert (finished.n_done, finished.n_embedded) == (10, 2)
    assert finished.is_complete
    assert again.is_ready(TEXTS)
    vectors, counts = EmbeddingCache(store, new).embed(TEXTS)
    assert counts.n_embedded == 0
    np.testing.assert_allclose(vectors, new.embed(TEXTS), atol=1e-5)
    kept, counts = EmbeddingCache(store, old).embed(TEXTS)
    assert counts.n_embedded == 0
    np.testing.assert_array_equal(kept, before)
    assert not np.allclose(vectors, kept, atol=1e-2)


def test_it_rests_between_blocks_and_wakes_to_stop(store: Store, new: SentenceEmbedder) -> None:
    new.embed(["loaded"])
    upgrade = ModelUpgrade(store, new, batch_texts=2, idle_share=0.9999)
    first = threading.Event()
    results: list[UpgradeProgress] = []
    thread = threading.Thread(
        target=lambda: results.append(upgrade.run(TEXTS, on_progress=lambda _: first.set())), daemon=True
    )
    thread.start()
    assert first.wait(30)
    upgrade.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert results[0].n_done < 10


def test_a_model_never_gets_the_vectors_of_another(store: Store, old: SentenceEmbedder, new: SentenceEmbedder) -> None:
    ours, theirs = old.embed(TEXTS), new.embed(TEXTS)
    assert np.abs(ours - theirs).max() > 0.01
    for _ in range(2):  # embedded now, and read back
        np.testing.assert_array_equal(EmbeddingCache(store, old).embed(TEXTS)[0], ours)
        np.testing.assert_array_equal(EmbeddingCache(store, new).embed(TEXTS)[0], theirs)
