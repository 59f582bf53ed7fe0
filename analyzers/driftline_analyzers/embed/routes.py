"""From texts to vectors: by token ids through an encoder of ours or an optional backend, or by text through sentence-transformers."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from driftline_analyzers.embed.chunks import ChunkPlan, Reading, pool_chunks
from driftline_analyzers.embed.packing import pack_by_length, pack_unpadded
from driftline_analyzers.embed.token_vectors import TokenEncoder, TokenVectors
from driftline_analyzers.embed.tokens import RustTokenizer, TextTokenizer, without_surrogates
from driftline_analyzers.embed.vectors import Embeddings, OnBatch
from driftline_analyzers.embed.word_cache import WordPieceCache
from driftline_analyzers.embed.workers import Workers
from driftline_core.errors import ConfigError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_TEXTS_PER_BLOCK = 1024
_SMALLEST_BATCH_TOKENS = 256


class SequenceEncoder(Protocol):
    """What turns token ids into vectors. Called from several threads at once."""

    @property
    def n_dims(self) -> int:
        """Numbers of a vector."""
        ...

    @property
    def pads(self) -> bool:
        """True where every sequence of a batch costs as much as the longest."""
        ...

    def encode(self, sequences: Sequence[Sequence[int]]) -> Embeddings:
        """Token ids with special tokens, longest first -> (n, d) float32, unit length."""
        ...


class Route(Protocol):
    """One way from texts to vectors."""

    def embed(self, texts: Sequence[str], on_batch: OnBatch | None) -> Embeddings:
        """(n,) texts -> (n, d) float32 unit vectors in the same order."""
        ...

    def readings(self, texts: Sequence[str]) -> list[Reading]:
        """How embed reads each of these texts, without embedding them."""
        ...


class _Block:
    """Texts that were tokenised together. owners: of each chunk, the text's row in the block."""

    def __init__(self, rows: Sequence[int], ids: Sequence[list[int]], plan: ChunkPlan, limit: int, n_dims: int) -> None:
        self.rows = rows
        bounds = [plan.bounds(len(one), limit=limit) for one in ids]
        self.n_chunks = [len(one) for one in bounds]
        self.chunks = [one[start:end] for one, cuts in zip(ids, bounds, strict=True) for start, end in cuts]
        self.owners = np.repeat(np.arange(len(ids)), self.n_chunks)
        self.chunks_left = np.array(self.n_chunks)
        self.vectors: Embeddings = np.empty((len(self.chunks), n_dims), dtype=np.float32)

    def fill(self, chunks: Sequence[int], vectors: Embeddings) -> int:
        """Keep the vectors of these chunks; returns how many texts they completed."""
        self.vectors[chunks] = vectors
        owners = self.owners[chunks]
        np.subtract.at(self.chunks_left, owners, 1)
        return int((self.chunks_left[np.unique(owners)] == 0).sum())

    def pooled(self) -> Embeddings:
        """(texts, d)."""
        return pool_chunks(self.vectors, n_chunks=self.n_chunks, n_tokens=[len(chunk) for chunk in self.chunks])


class TokenRoute:
    """Tokenise a block of texts of like length, pack its chunks into batches, and encode them in workers while the next block is tokenised.

    limit: tokens of a chunk, special ones included.
    """

    def __init__(
        self,
        *,
        rust: RustTokenizer,
        encoder: SequenceEncoder,
        plan: ChunkPlan,
        limit: int,
        batch_tokens: int,
        n_workers: int,
    ) -> None:
        self._tokenizer: TextTokenizer = WordPieceCache(rust) if WordPieceCache.supports(rust) else rust
        self._rust = rust
        self._encoder = encoder
        self._plan = plan
        self._n_around = len(rust.prefix) + len(rust.suffix)
        self._limit = limit - self._n_around
        self._batch_tokens = batch_tokens
        self._n_workers = n_workers
        self._workers = Workers(n_workers)

    def embed(self, texts: Sequence[str], on_batch: OnBatch | None) -> Embeddings:
        """(n,) texts -> (n, d) float32 unit vectors in the same order."""
        vectors: Embeddings = np.empty((len(texts), self._encoder.n_dims), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]), reverse=True)
        blocks: list[_Block] = []

        def jobs() -> Iterator[Callable[[], tuple[_Block, list[int], Embeddings]]]:
            for start in range(0, len(order), _TEXTS_PER_BLOCK):
                rows = order[start : start + _TEXTS_PER_BLOCK]
                ids = self._tokenizer.encode([texts[row] for row in rows])
                block = _Block(rows, ids, self._plan, self._limit, self._encoder.n_dims)
                blocks.append(block)
                for batch in self._pack(block.chunks):
                    yield partial(self._encode, block, batch)

        n_done = 0
        for block, batch, rows in self._workers.run(jobs()):
            if not np.isfinite(rows).all():
                raise ConfigError("expected finite embeddings, got NaN or infinity; try dtype float32")
            n_done += block.fill(batch, rows)
            if on_batch is not None:
                on_batch(n_done, len(texts))
        for block in blocks:
            vectors[block.rows] = block.pooled()
        return vectors

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Of each text all tokens, read in windows of the limit. Raises ConfigError for an encoder that pools before it answers."""
        encoder = self._encoder
        if not isinstance(encoder, TokenEncoder):
            raise ConfigError(f"expected embedding_backend torch for vectors of tokens, got {type(encoder).__name__}")
        read = [self._rust.tokens(text) for text in texts]
        windows = [
            (i, ids[start : start + self._limit])
            for i, (ids, _) in enumerate(read)
            for start in range(0, len(ids), self._limit)
        ]
        nothing: Embeddings = np.empty((0, self._encoder.n_dims), dtype=np.float32)
        found = [nothing] * len(windows)

        def encode(batch: list[int]) -> tuple[list[int], list[Embeddings]]:
            return batch, encoder.encode_tokens([self._whole(windows[i][1]) for i in batch])

        for batch, parts in self._workers.run(partial(encode, batch) for batch in self._pack([w[1] for w in windows])):
            for i, part in zip(batch, parts, strict=True):
                if not np.isfinite(part).all():
                    raise ConfigError("expected finite embeddings, got NaN or infinity; try dtype float32")
                found[i] = part[len(self._rust.prefix) : len(part) - len(self._rust.suffix)]
        of_text = [[nothing] for _ in texts]
        for (i, _), part in zip(windows, found, strict=True):
            of_text[i].append(part)
        return [
            TokenVectors(vectors=np.concatenate(parts), bounds=np.asarray(bounds, dtype=np.int64).reshape(-1, 2))
            for parts, (_, bounds) in zip(of_text, read, strict=True)
        ]

    def readings(self, texts: Sequence[str]) -> list[Reading]:
        """How embed reads each of these texts, without embedding them."""
        return _readings(texts, self._tokenizer, self._plan, self._limit)

    def _pack(self, chunks: Sequence[Sequence[int]]) -> list[list[int]]:
        lengths = [len(chunk) + self._n_around for chunk in chunks]
        share = max(_SMALLEST_BATCH_TOKENS, -(-sum(lengths) // self._n_workers))
        pack = pack_by_length if self._encoder.pads else pack_unpadded
        return pack(lengths, budget=min(self._batch_tokens, share))

    def _whole(self, chunk: Sequence[int]) -> list[int]:
        return [*self._rust.prefix, *chunk, *self._rust.suffix]

    def _encode(self, block: _Block, batch: list[int]) -> tuple[_Block, list[int], Embeddings]:
        return block, batch, self._encoder.encode([self._whole(block.chunks[i]) for i in batch])


class TextRoute:
    """SentenceTransformer.encode, in batches of like length. Long texts are cut into pieces of text where the tokeniser gives offsets.

    One batch at a time, whoever calls: sentence-transformers' tokeniser is set anew for each and is not made for threads.
    rust: None for a model whose tokeniser gives none, or that puts a prompt before texts: it cuts them itself, and they are not counted.
    """

    def __init__(
        self,
        *,
        model: "SentenceTransformer",
        rust: RustTokenizer | None,
        plan: ChunkPlan,
        limit: int,
        batch_tokens: int,
    ) -> None:
        self._rust = rust
        self._model = model
        self._plan = plan
        n_around = len(rust.prefix) + len(rust.suffix) if rust is not None else 0
        self._limit = limit - n_around
        self._batch_tokens = batch_tokens
        self._workers = Workers(1)

    def embed(self, texts: Sequence[str], on_batch: OnBatch | None) -> Embeddings:
        """(n,) texts -> (n, d) float32 unit vectors in the same order."""
        if not texts:
            return np.empty((0, next(self._workers.run([partial(self._encode, [""])])).shape[1]), dtype=np.float32)
        pieces, n_chunks, lengths = self._pieces(texts)
        batches = pack_by_length(lengths, budget=self._batch_tokens)
        vectors: Embeddings | None = None
        n_done = 0
        for batch, rows in self._workers.run(partial(self._encode_batch, pieces, batch) for batch in batches):
            if not np.isfinite(rows).all():
                raise ConfigError("expected finite embeddings, got NaN or infinity; try dtype float32")
            if vectors is None:
                vectors = np.empty((len(pieces), rows.shape[1]), dtype=np.float32)
            vectors[batch] = rows
            n_done += len(batch)
            if on_batch is not None:
                on_batch(n_done * len(texts) // len(pieces), len(texts))
        assert vectors is not None
        return pool_chunks(vectors, n_chunks=n_chunks, n_tokens=lengths)

    def readings(self, texts: Sequence[str]) -> list[Reading]:
        """How embed reads each of these texts, without embedding them."""
        if self._rust is None:
            return [Reading.WHOLE] * len(texts)
        return _readings(texts, self._rust, self._plan, self._limit)

    def _encode_batch(self, pieces: Sequence[str], batch: list[int]) -> tuple[list[int], Embeddings]:
        return batch, self._encode([pieces[i] for i in batch])

    def _encode(self, pieces: list[str]) -> Embeddings:
        import torch

        encoded = self._model.encode(pieces, batch_size=len(pieces), convert_to_tensor=True, show_progress_bar=False)
        return np.asarray(torch.nn.functional.normalize(encoded.float(), dim=1).cpu().numpy(), dtype=np.float32)

    def _pieces(self, texts: Sequence[str]) -> tuple[list[str], list[int], list[int]]:
        """The texts' pieces in order, how many each text has, and each piece's tokens (an estimate where it is short)."""
        pieces: list[str] = []
        n_chunks: list[int] = []
        lengths: list[int] = []
        for text in map(without_surrogates, texts):
            if self._rust is None or len(text) <= self._limit:
                pieces.append(text)
                n_chunks.append(1)
                lengths.append(min(self._limit, len(text) // 4 + 3))
                continue
            offsets = self._rust.offsets(text)
            bounds = self._plan.bounds(len(offsets), limit=self._limit)
            n_chunks.append(len(bounds))
            if len(bounds) == 1:  # the model cuts by itself, as it always did
                pieces.append(text)
                lengths.append(min(len(offsets), self._limit))
                continue
            pieces += [text[offsets[start][0] : offsets[end - 1][1]] for start, end in bounds]
            lengths += [end - start for start, end in bounds]
        return pieces, n_chunks, lengths


def _readings(texts: Sequence[str], tokenizer: TextTokenizer, plan: ChunkPlan, limit: int) -> list[Reading]:
    """A text of no more characters than the limit is not tokenised: no token is made of nothing."""
    long = [i for i, text in enumerate(texts) if len(text) > limit]
    readings = [Reading.WHOLE] * len(texts)
    for i, ids in zip(long, tokenizer.encode([texts[i] for i in long]), strict=True):
        readings[i] = plan.reading(len(ids), limit=limit)
    return readings
