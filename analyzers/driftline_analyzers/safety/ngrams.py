"""Which character sequences a text has: hashed counts, so that no vocabulary is shipped."""

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
