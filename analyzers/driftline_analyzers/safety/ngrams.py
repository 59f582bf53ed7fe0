"""Which character sequences a text has: hashed counts, so that no vocabulary is shipped."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

N_BUCKETS: Final = 1 << 14
_SIZES: Final = (3, 4, 5)
_PRIME: Final = np.uint32(16_777_619)
_MIX: Final = np.uint32(2_654_435_761)
_SHIFT: Final = np.uint32(32 - 14)


def hashed_ngrams(text: str) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """Buckets in [0, N_BUCKETS), each once, and their weights: log(1 + count) of n-grams of 3 to 5 bytes of the folded text, unit length.

    Case and runs of white space do not count. Empty where the text has no three bytes.
    """
    data = np.frombuffer(f" {' '.join(text.casefold().split())} ".encode(errors="replace"), dtype=np.uint8)
    hashes = []
    for size in _SIZES:
        n = len(data) - size + 1
        if n > 0:
            value = np.full(n, size, dtype=np.uint32)
            for k in range(size):
                value = (value ^ data[k : k + n]) * _PRIME
            hashes.append((value * _MIX) >> _SHIFT)
    if not hashes:
        return np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.float32)
    buckets, counts = np.unique(np.concatenate(hashes), return_counts=True)
    weights = np.log1p(counts).astype(np.float32)
    return buckets, weights / np.linalg.norm(weights)


def ngram_scores(texts: Sequence[str], of_bucket: NDArray[np.float32]) -> NDArray[np.float64]:
    """(len(texts),) s_i = sum over buckets b of text i of w_ib of_bucket_b, w as of hashed_ngrams, all texts in one pass; 0 where empty."""
    encoded = [f" {' '.join(text.casefold().split())} ".encode(errors="replace") for text in texts]
    data = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    owner = np.repeat(np.arange(len(texts), dtype=np.int64), [len(one) for one in encoded])
    keys = []
    for size in _SIZES:
        n = max(0, len(data) - size + 1)
        value = np.full(n, size, dtype=np.uint32)
        for k in range(size):
            value = (value ^ data[k : k + n]) * _PRIME
        is_inside = owner[:n] == owner[size - 1 : size - 1 + n]
        keys.append((owner[:n] * N_BUCKETS + ((value * _MIX) >> _SHIFT))[is_inside])
    found, counts = np.unique(np.concatenate(keys), return_counts=True)
    of_text, weights = found // N_BUCKETS, np.log1p(counts)
    sums = np.bincount(of_text, weights * of_bucket[found % N_BUCKETS], minlength=len(texts))
    norms = np.sqrt(np.bincount(of_text, weights * weights, minlength=len(texts)))
    return sums / np.maximum(norms, 1e-9)
