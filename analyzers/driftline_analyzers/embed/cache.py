"""Embed once: vectors by the hash of the text and the id of the model, kept in the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pyarrow as pa
import xxhash
from clickhouse_connect.driver.exceptions import ClickHouseError

from driftline_analyzers.embed.embedder import Embedder, Embeddings, OnBatch
from driftline_core.errors import StoreError
from driftline_core.store import Store

_LOOK_UP = (files("driftline_analyzers") / "sql" / "cached_embeddings.sql").read_text(encoding="utf-8")
_HASHES_PER_QUERY = 1000
_TEXTS_PER_INSERT = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheCounts:
    """Distinct texts that were embedded now, and that were there already."""

    n_embedded: int
    n_hits: int


def text_hash(text: str) -> bytes:
    """xxh3-128 of the UTF-8 text, 16 bytes. Lone surrogates count as '?'."""
    return bytes(xxhash.xxh3_128_digest(text.encode("utf-8", errors="replace")))


class EmbeddingCache:
    """Reads vectors of known texts from table `embeddings` and embeds the rest, each distinct text once, in blocks.

    A block is stored as soon as it is embedded, so that a killed run keeps what it has paid for.
    """

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder

    def embed(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> tuple[Embeddings, CacheCounts]:
        """(n,) texts -> (n, d) float32 unit vectors in the same order. Raises StoreError, and the embedder's errors."""
        hashes = [text_hash(text) for text in texts]
        distinct = dict(zip(hashes, texts, strict=True))
        vectors = self._look_up(list(distinct))
        n_hits = len(vectors)
        missing = sorted((h for h in distinct if h not in vectors), key=lambda h: len(distinct[h]))
        for start in range(0, len(missing), _TEXTS_PER_INSERT):
            block = missing[start : start + _TEXTS_PER_INSERT]

            def report(n_done: int, _: int, start: int = start) -> None:
                if on_batch is not None:
                    on_batch(start + n_done, len(missing))

            embedded = self._embedder.embed([distinct[h] for h in block], on_batch=report)
            self._insert(block, embedded)
            vectors.update(zip(block, embedded, strict=True))
        counts = CacheCounts(n_embedded=len(missing), n_hits=n_hits)
        if not hashes:
            return self._embedder.embed([]), counts
        return np.stack([vectors[h] for h in hashes]), counts

    def _look_up(self, hashes: Sequence[bytes]) -> dict[bytes, Embeddings]:
        found: dict[bytes, Embeddings] = {}
        for start in range(0, len(hashes), _HASHES_PER_QUERY):
            block = hashes[start : start + _HASHES_PER_QUERY]
            table = self._store.arrow(_LOOK_UP, {"model": self._embedder.model_id, "hashes": [h.hex() for h in block]})
            if table.num_rows == 0:
                continue
            flat = table.column("embedding").combine_chunks().flatten().to_numpy(zero_copy_only=False)
            rows = np.asarray(flat, dtype=np.float32).reshape(table.num_rows, -1)
            names = table.column("text_hash").to_pylist()
            found.update((bytes.fromhex(name), row) for name, row in zip(names, rows, strict=True))
        return found

    def _insert(self, hashes: Sequence[bytes], vectors: Embeddings) -> None:
        offsets = np.arange(len(hashes) + 1, dtype=np.int32) * vectors.shape[1]
        table = pa.table(
            {
                "model": pa.array([self._embedder.model_id] * len(hashes)),
                "text_hash": pa.array(list(hashes), pa.binary(16)),
                "embedding": pa.ListArray.from_arrays(
                    pa.array(offsets), pa.array(np.ascontiguousarray(vectors).reshape(-1))
                ),
            }
        )
        try:
            self._store.client.insert_arrow("embeddings", table)
        except ClickHouseError as error:
            raise StoreError(str(error)) from error
