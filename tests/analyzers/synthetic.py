"""Vectors that look like sentence embeddings: unit length, topics, and sessions that stay near their topic."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """vectors: (n, d) unit length; groups: (n,) session numbers."""

    vectors: NDArray[np.floating]
    groups: NDArray[np.int64]


class Topics:
    """A world of topics. Sessions of `session_size` texts have one topic and a point of their own near it."""

    def __init__(self, *, n_topics: int = 12, n_dims: int = 32, session_size: int = 4, seed: int = 0) -> None:
        self.n_topics = n_topics
        self.n_dims = n_dims
        self.session_size = session_size
        self._centres = np.random.default_rng(seed).normal(size=(n_topics, n_dims))

    def sample(self, n_sessions: int, *, seed: int, new_share: float = 0.0) -> Sample:
        """n_sessions sessions; new_share of them are about something that no topic covers."""
        rng = np.random.default_rng(seed)
        centres = self._centres[rng.integers(self.n_topics, size=n_sessions)]
        n_new = round(new_share * n_sessions)
        if n_new:
            centres[:n_new] = np.random.default_rng(10_000).normal(size=self.n_dims)
        sessions = centres + 0.5 * rng.normal(size=centres.shape)
        points = np.repeat(sessions, self.session_size, axis=0)
        points += 0.3 * rng.normal(size=points.shape)
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        groups = np.repeat(np.arange(n_sessions), self.session_size)
        return Sample(vectors=points.astype(np.float32), groups=groups)
