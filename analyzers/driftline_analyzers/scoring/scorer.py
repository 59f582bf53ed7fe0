"""What judges single calls."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.scoring.call import Call

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to unit vectors (n, d), through the cache of the embedding model at hand. Raises the embedder's errors."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CallScore:
    """What a scorer says of one field of one call.

    field: prompt, completion, document or tool_result. value: in the scorer's own unit, most often a probability.
    None is unknown, and evidence says why under "unknown". evidence: JSON; its "spans" are [start, end) offsets into the field's text.
    """

    field: str
    value: float | None
    is_flagged: bool
    evidence: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class CallScorer(Protocol):
    """name: the analyzer's name in the store; version: changes when the same call may get another score."""

    @property
    def name(self) -> str:
        """The analyzer's name in the store."""
        ...

    @property
    def version(self) -> str:
        """Of method, weights and settings."""
        ...

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """One list a call, in order: at most one score a field; empty where there is nothing to judge. Raises the embedder's errors."""
        ...
