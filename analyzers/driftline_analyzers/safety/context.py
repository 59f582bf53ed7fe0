"""How far a part of a document lies from the rest of it: an order that is slipped in is seldom about what the document is about."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.safety.findings import MAX_CHARS
from driftline_analyzers.safety.window_head import Task
from driftline_analyzers.safety.windows import windows
from driftline_analyzers.scoring.scorer import Embed

N_OTHERS: Final = 4
"""As many other parts are compared with; more of them tell no more."""


def others_of(n: int, place: int) -> list[int]:
    """Up to N_OTHERS of a document's n parts besides that one, evenly spaced over it."""
    others = [i for i in range(n) if i != place]
    if len(others) <= N_OTHERS:
        return others
    return [others[i] for i in np.linspace(0, len(others) - 1, N_OTHERS).round().astype(int)]


def strangeness(vectors: NDArray[np.float32]) -> float:
    """vectors: (1 + k, d) unit vectors of a part and of k others. How much closer the others are to one another than the part is to them:
    mean over all others of c less c of the part, where c_i is the cosine of vector i to the mean of the rest. 0 where k < 2.
    """
    if len(vectors) < 3:
        return 0.0
    rest = vectors.sum(axis=0) - vectors  # (1 + k, d)
    norms = np.maximum(np.linalg.norm(rest, axis=1), 1e-9)
    cosines = (vectors * rest).sum(axis=1) / norms  # (1 + k,)
    return float(cosines[1:].mean() - cosines[0])


def sets_of(
    tasks: Sequence[Task], scores: Sequence[Sequence[float]], floors: Sequence[float]
) -> dict[tuple[int, int], list[str]]:
    """By task and candidate whose score is its task's floor at least: its text, then the others that it is compared with, two at least."""
    sets: dict[tuple[int, int], list[str]] = {}
    for i, task in enumerate(tasks):
        for j, one in enumerate(task.chosen):
            if scores[i][j] >= floors[i]:
                text = task.texts[one.index][:MAX_CHARS]
                spans = windows(text, max_chars=task.head.window_chars)
                places = others_of(len(spans), spans.index((one.start, one.end)))
                if len(places) > 1:
                    sets[i, j] = [text[start:end] for start, end in [(one.start, one.end), *(spans[k] for k in places)]]
    return sets


def strangeness_of(sets: Mapping[tuple[int, int], Sequence[str]], embed: Embed) -> dict[tuple[int, int], float]:
    """Of each; every text is embedded once."""
    wanted = list(dict.fromkeys(text for texts in sets.values() for text in texts))
    row = {text: k for k, text in enumerate(wanted)}
    vectors = embed(wanted)
    return {key: strangeness(vectors[[row[text] for text in texts]]) for key, texts in sets.items()}
