"""The real bundled model, loaded once a session."""

from collections.abc import Iterator

import pytest
import torch

from driftline_analyzers.embedder import SentenceEmbedder


@pytest.fixture(scope="session", autouse=True)
def _two_threads() -> Iterator[None]:
    """Leave cores to the other tests."""
    threads = torch.get_num_threads()
    torch.set_num_threads(min(2, threads))
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def embedder() -> SentenceEmbedder:
    """all-MiniLM-L6-v2 from the bundled package, on the CPU."""
    return SentenceEmbedder(dtype="float32")
