"""The real bundled model, loaded once a session; a text that a test has embedded is not embedded again by the next."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch

from driftline_analyzers.embed.embedder import Embeddings, OnBatch, SentenceEmbedder


class RememberingEmbedder(SentenceEmbedder):
    """The real model's vectors, kept in memory for the session."""

    def __init__(self) -> None:
        super().__init__(dtype="float32")
        self._known: dict[str, Embeddings] = {}

    def embed(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> Embeddings:
        missing = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known.update(zip(missing, super().embed(missing, on_batch=on_batch), strict=True))
        return np.stack([self._known[text] for text in texts])


@pytest.fixture(scope="session", autouse=True)
def _two_threads() -> Iterator[None]:
    """Leave cores to the other tests."""
    threads = torch.get_num_threads()  # fewer under xdist: tests/conftest.py
    torch.set_num_threads(min(2, threads))
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def embedder() -> SentenceEmbedder:
    """all-MiniLM-L6-v2 from the bundled package, on the CPU."""
    return RememberingEmbedder()
