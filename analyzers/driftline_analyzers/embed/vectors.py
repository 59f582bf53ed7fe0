"""Vectors with the id of the model they are of; two models' never meet."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.embed.chunks import EmbedCounts
from driftline_core.errors import ConfigError

Embeddings = NDArray[np.float32]
OnBatch = Callable[[int, int], None]
"""(texts done, texts in all)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """Vectors of texts in the order of the texts. vectors: (n, d) float32, unit length; model_id: names the weights."""

    vectors: Embeddings
    model_id: str
    counts: EmbedCounts


def require_one_model(*model_ids: str) -> str:
    """The one id that all are. Raises ConfigError where they differ: distances between two models' vectors mean nothing."""
    distinct = list(dict.fromkeys(model_ids))
    if len(distinct) != 1:
        raise ConfigError(
            f"expected vectors of one embedding model, got {distinct}; embed the reference again (embed.upgrade)"
        )
    return distinct[0]
