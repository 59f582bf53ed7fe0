"""Calls to score, and what stands for the embedding model where a scorer needs none."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.scoring.call import Call


def call(
    *,
    prompt: str = "",
    completion: str = "",
    system_prompt: str = "",
    documents: Sequence[str] = (),
    tool_results: Sequence[str] = (),
) -> Call:
    """A call with these texts."""
    return Call(
        trace_id="ab" * 16,
        span_id="cd" * 8,
        start_ns=1_700_000_000_000_000_000,
        service="shop",
        model="m",
        prompt_version="1",
        session_id="s",
        system_prompt=system_prompt,
        prompt=prompt,
        completion=completion,
        documents=documents,
        tool_results=tool_results,
    )


def no_embedding(texts: Sequence[str]) -> NDArray[np.float32]:
    """For scorers that must not embed."""
    raise AssertionError(f"expected no text to be embedded, got {len(texts)}")


def other_model(texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors of a model that no head was trained on."""
    return np.full((len(texts), 8), 8**-0.5, dtype=np.float32)
