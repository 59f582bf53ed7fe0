"""Texts with vectors: every topic has words of its own, so that an explanation can be read against what was planted."""

from collections.abc import Sequence

import numpy as np

from driftline_analyzers.explain.pool import Sample

WORDS = ("invoice", "parcel", "password", "weather", "recipe", "flight", "guitar", "garden", "doctor", "football")
N_DIMS = 24
_FILLERS = ("today", "again", "quickly", "maybe", "really", "still", "somehow", "finally")


def sample(topics: Sequence[int], *, seed: int, session_size: int = 1, suffix: Sequence[str] | None = None) -> Sample:
    """One session for each topic number, of session_size texts near one another. suffix: appended to each text."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(len(WORDS), N_DIMS))
    numbers = np.repeat(np.asarray(topics), session_size)
    sessions = np.repeat(0.2 * rng.normal(size=(len(topics), N_DIMS)), session_size, axis=0)
    points = centres[numbers] + sessions + 0.3 * rng.normal(size=(len(numbers), N_DIMS))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    texts = [f"the {WORDS[topic]} problem {_FILLERS[int(rng.integers(len(_FILLERS)))]}" for topic in numbers]
    if suffix is not None:
        texts = [text + end for text, end in zip(texts, suffix, strict=True)]
    groups = [f"s{i}" for i in np.repeat(np.arange(len(topics)), session_size)]
    return Sample(texts=texts, vectors=points.astype(np.float32), groups=groups)


def usual(n: int, *, seed: int, n_topics: int = 8) -> list[int]:
    """n topic numbers of the usual ones."""
    return [int(i) for i in np.random.default_rng(seed).integers(n_topics, size=n)]
