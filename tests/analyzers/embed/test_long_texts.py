"""Texts beyond the model's limit."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline_analyzers.embed.chunks import ChunkPlan, EmbedCounts, Reading, pool_chunks
from driftline_analyzers.embed.embedder import SentenceEmbedder
from tests.analyzers.embed.tiny_models import tiny_bert, tiny_mpnet

SHORT = ["a cat sleeps", "where is my parcel?"]
LONG = "cats dogs birds " * 30  # 90 tokens; the tiny models read 62 between the special ones


@given(
    n_tokens=st.integers(0, 5000),
    limit=st.integers(2, 300),
    overlap=st.integers(0, 200),
    max_chunks=st.integers(1, 40),
)
def test_chunks_are_within_the_limit_and_leave_nothing_out(
    n_tokens: int, limit: int, overlap: int, max_chunks: int
) -> None:
    plan = ChunkPlan(overlap=overlap, max_chunks=max_chunks)
    bounds = plan.bounds(n_tokens, limit=limit)
    sizes = [end - start for start, end in bounds]
    assert max(sizes) <= limit
    assert len(bounds) <= max_chunks
    assert bounds[0][0] == 0
    assert all(start <= before for (_, before), (start, _) in pairwise(bounds))
    if Reading.TRUNCATED not in plan.reading(n_tokens, limit=limit):
        assert bounds[-1][1] == n_tokens
    else:
        assert len(bounds) == max_chunks
        assert bounds[-1][1] < n_tokens


def test_a_text_within_the_limit_is_one_chunk_in_every_plan() -> None:
    assert ChunkPlan().bounds(62, limit=62) == ChunkPlan(long_texts="truncate").bounds(62, limit=62) == [(0, 62)]
    assert ChunkPlan().bounds(63, limit=62) == [(0, 32), (32, 63)]
    assert ChunkPlan(overlap=10).bounds(90, limit=62) == [(0, 50), (40, 90)]
    assert ChunkPlan(long_texts="truncate").bounds(63, limit=62) == [(0, 62)]


def test_chunks_are_averaged_by_tokens_and_single_ones_left_alone() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    pooled = pool_chunks(vectors, n_chunks=[2, 1], n_tokens=[30, 10, 5])
    np.testing.assert_allclose(pooled[0], np.array([3, 1]) / np.sqrt(10), rtol=1e-6)
    np.testing.assert_array_equal(pooled[1], vectors[2])


@pytest.mark.parametrize("make", [tiny_bert, tiny_mpnet])
def test_a_long_text_is_the_mean_of_its_chunks_and_short_ones_stay(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    folder = str(make(tmp_path))
    chunked = SentenceEmbedder(model=folder, dtype="float32")
    cut = SentenceEmbedder(model=folder, dtype="float32", long_texts="truncate")
    texts = [LONG, *SHORT]
    assert EmbedCounts.of(chunked.readings(texts)) == EmbedCounts(n_texts=3, n_chunked=1, n_truncated=0)
    assert EmbedCounts.of(cut.readings(texts)) == EmbedCounts(n_texts=3, n_chunked=0, n_truncated=1)
    whole, first = chunked.embed(texts), cut.embed(texts)
    np.testing.assert_allclose(whole[1:], first[1:], atol=1e-6)
    assert whole[0] @ first[0] < 0.9999
    assert chunked.model_id == cut.model_id + "/chunk1-16-0"


def test_two_chunks_of_a_text_are_embedded_as_texts_of_their_own(tmp_path: Path) -> None:
    embedder = SentenceEmbedder(model=str(tiny_bert(tmp_path)), dtype="float32")
    halves = embedder.embed(["cats dogs birds " * 15])
    np.testing.assert_allclose(embedder.embed([LONG]), halves, atol=1e-5)


def test_what_is_beyond_the_last_chunk_is_said(tmp_path: Path) -> None:
    embedder = SentenceEmbedder(model=str(tiny_bert(tmp_path)), dtype="float32", max_chunks=2)
    assert embedder.readings([LONG, LONG * 2, "short"]) == [
        Reading.CHUNKED,
        Reading.CHUNKED | Reading.TRUNCATED,
        Reading.WHOLE,
    ]
