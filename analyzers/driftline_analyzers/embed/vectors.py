"""The types of vectors and of the port through which embedding tells how far it is."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]
"""(n, d), rows of unit length."""
OnBatch = Callable[[int, int], None]
"""(texts done, texts in all)"""
