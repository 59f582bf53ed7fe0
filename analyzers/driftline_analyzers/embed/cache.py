"""Embed once: vectors by the hash of the text and the id of the model, kept in the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pyarrow as pa
import xxhash
from clickhouse_connect.driver.exceptions import ClickHouseError

from driftline_analyzers.embed.chunks import EmbedCounts, Reading
from driftline_analyzers.embed.embedder import Embedder, Embeddings, OnBatch, TellsReadings
from driftline_analyzers.embed.recent import Known, RecentVectors
from driftline_core.errors import StoreError
from driftline_core.store import Store

_LOOK_UP = (files("driftline_analyzers") / "sql" / "cached_embeddings.sql").read_text(encoding="utf-8")
_HASHES_PER_QUERY = 1000
_TEXTS_PER_INSERT = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheCounts:
    """n_embedded, n_hits: distinct texts that were embedded now, and that were there already.

    n_chunked, n_truncated: of all the texts, those longer than the model's limit and those whose end was not read.
    """

    n_embedded: int
    n_hits: int
    n_chunked: int = 0
    n_truncated: int = 0


def text_hash(text: str) -> bytes:
    """xxh3-128 of the UTF-8 text, 16 bytes. Lone surrogates count as '?'."""
    return bytes(xxhash.xxh3_128_digest(text.encode("utf-8", errors="replace")))


class EmbeddingCache:
    """Reads vectors of known texts from table `embeddings` and embeds the rest, each distinct text once, in blocks.

    A block is stored as soon as it is embedded, so that a killed run keeps what it has paid for. Rows are of the embedder's model_id alone.
    recent_texts: vectors that are kept in memory too (count); 16,384 of 384 numbers are 25 MB.
    From any thread: two that miss the same text at once both embed and store it, and nothing is locked meanwhile.
    """

    def __init__(self, store: Store, embedder: Embedder, *, recent_texts: int = 16_384) -> None:
        self._store = store
        self._embedder = embedder
        self._recent = RecentVectors(recent_texts)

    def embed(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> tuple[Embeddings, CacheCounts]:
        """(n,) texts -> (n, d) float32 unit vectors in the same order. Raises StoreError, and the embedder's errors."""
        hashes = [text_hash(text) for text in texts]
        distinct = dict(zip(hashes, texts, strict=True))
        known = {h: found for h in distinct if (found := self._recent.get(h)) is not None}
        not_recent = [h for h in distinct if h not in known]
        vectors = self._look_up(not_recent)
        n_hits = len(known) + len(vectors)
        missing = sorted((h for h in not_recent if h not in vectors), key=lambda h: len(distinct[h]))
        for start in range(0, len(missing), _TEXTS_PER_INSERT):
            block = missing[start : start + _TEXTS_PER_INSERT]

            def report(n_done: int, _: int, start: int = start) -> None:
                if on_batch is not None:
                    on_batch(start + n_done, len(missing))

            embedded = self._embedder.embed([distinct[h] for h in block], on_batch=report)
            self._insert(block, embedded)
            vectors.update(zip(block, embedded, strict=True))
        readings = self._readings([distinct[h] for h in not_recent])
        for h, reading in zip(not_recent, readings, strict=True):
            known[h] = Known(vectors[h], reading)
            self._recent.put(h, known[h])
        how = EmbedCounts.of(known[h].reading for h in hashes)
        counts = CacheCounts(
            n_embedded=len(missing), n_hits=n_hits, n_chunked=how.n_chunked, n_truncated=how.n_truncated
        )
        if not hashes:
            return self._embedder.embed([]), counts
        return np.stack([known[h].vector for h in hashes]), counts

    def n_missing(self, texts: Sequence[str]) -> int:
        """Distinct texts that the store has no vector of yet, by this embedder's model."""
        distinct = list({text_hash(text) for text in texts})
        return len(distinct) - len(self._look_up(distinct))

    def _readings(self, texts: Sequence[str]) -> list[Reading]:
        """How each was read; an embedder that cannot tell reads every text whole."""
        if texts and isinstance(self._embedder, TellsReadings):
            return self._embedder.readings(texts)
        return [Reading.WHOLE] * len(texts)

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
