"""Why a window differs: the texts that carry it, what they replace, and which slice they come from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.embed.embedder import Embeddings
from driftline_analyzers.runner.records import TextRow
from driftline_analyzers.runner.samples import FieldSample

_EXAMPLES = 5
_EXAMPLE_CHARS = 300
_SAME_TEXT_COSINE = 0.95
SLICES: Final = ("prompt_version", "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceTest:
    """One value of a slice in the window, tested alone. p_value, effect_size: None when it has too few texts to test."""

    name: str
    value: str
    n_texts: int
    share_before: float
    share_after: float
    p_value: float | None
    effect_size: float | None


def examples(
    rows: Sequence[TextRow],
    vectors: Embeddings,
    rank: NDArray[np.float64],
    *,
    field: str,
    novelty: NDArray[np.float64] | None = None,
    limit: int = _EXAMPLES,
) -> list[dict[str, Any]]:
    """The rows of highest rank that are not near copies of one already chosen. rank, novelty: (n,); vectors: (n, d) unit length."""
    chosen: list[int] = []
    for i in np.argsort(-rank, kind="stable"):
        if len(chosen) == limit:
            break
        if chosen and float((vectors[chosen] @ vectors[i]).max()) > _SAME_TEXT_COSINE:
            continue
        chosen.append(int(i))
    return [
        {
            "text": rows[i].text(field)[:_EXAMPLE_CHARS],
            "trace_id": rows[i].trace_id,
            "span_id": rows[i].span_id,
            "prompt_version": rows[i].prompt_version,
            "model": rows[i].model,
        }
        | ({"novelty": round(float(novelty[i]), 4)} if novelty is not None else {})
        for i in chosen
    ]


def shares(rows: Sequence[TextRow], name: str) -> dict[str, float]:
    """Share of each value of 'prompt_version' or 'model', largest first."""
    counts = Counter(slice_value(row, name) for row in rows)
    return {value: round(count / len(rows), 4) for value, count in counts.most_common()}


def slice_value(row: TextRow, name: str) -> str:
    """The row's value of 'prompt_version' or 'model'."""
    return row.prompt_version if name == "prompt_version" else row.model


def lengths(sample: FieldSample) -> dict[str, float]:
    """Median and mean length of the texts in characters."""
    chars = [len(text) for text in sample.texts]
    return {"median": float(median(chars)), "mean": round(float(np.mean(chars)), 1)}


def carrier(tests: Sequence[SliceTest], *, alpha: float) -> dict[str, Any] | None:
    """The slice value that the shift comes from: significant alone while another value of the slice is not, or one that
    the reference hardly knows and that has taken over. None when no slice stands out.
    """
    candidates = []
    for name in SLICES:
        of_slice = [test for test in tests if test.name == name]
        moved = [test for test in of_slice if test.p_value is not None and test.p_value <= alpha]
        steady = [test for test in of_slice if test.p_value is not None and test.p_value > alpha]
        for test in moved:
            is_new = test.share_before < 0.5 * test.share_after
            if steady or is_new:
                candidates.append((is_new, test.effect_size or 0.0, test))
    if not candidates:
        return None
    best = max(candidates, key=lambda candidate: candidate[:2])[2]
    return {"name": best.name, "value": best.value}
