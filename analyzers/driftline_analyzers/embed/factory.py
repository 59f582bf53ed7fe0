"""The embedder that the settings name."""

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.settings import AnalyzerSettings


def make_embedder(settings: AnalyzerSettings) -> SentenceEmbedder:
    """An embedder that loads its model at its first use."""
    return SentenceEmbedder(
        model=settings.embedding_model,
        device=settings.device,
        dtype=settings.dtype,
        backend=settings.embedding_backend,
        batch_tokens=settings.batch_tokens,
        threads=settings.threads,
        long_texts=settings.long_texts,
        chunk_overlap=settings.chunk_overlap,
        max_chunks=settings.max_chunks,
    )
