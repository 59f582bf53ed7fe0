"""The texts that show a change best: the most typical new ones and the most typical vanished ones."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.explain.neighbours import nearest
from driftline_analyzers.explain.pool import Sample, pool_samples

Reason = Literal["crowding", "unlike_reference", "thinned"]
_SAME_TEXT_COSINE = 0.95
_NEIGHBOURS = 10
_MAX_NEIGHBOURS = 60
_NOVELTY_NEIGHBOURS = 5
_CLEARLY_CROWDED = 0.9
_EXAMPLE_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A text and why it is shown. row: its number on its side. window_share: share of window texts among its nearest neighbours on
    both sides, counted as if both sides were as large: 0.5 is no change. novelty: mean distance to its five
    nearest reference texts, 0 to 2.
    reason: 'crowding' many like it in the window; 'unlike_reference' nothing like it before; 'thinned' many like it before, few now.
    """

    row: int
    text: str
    reason: Reason
    window_share: float
    novelty: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "row": self.row,
            "text": self.text,
            "reason": self.reason,
            "window_share": round(self.window_share, 4),
            "novelty": round(self.novelty, 4),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """crowding and unlike_reference: of the window, two lists since the one finds a new topic and the other what is strange alone;
    thinned: of the reference. Each the best first.
    """

    crowding: tuple[Example, ...]
    unlike_reference: tuple[Example, ...]
    thinned: tuple[Example, ...]

    def new(self, limit: int) -> tuple[Example, ...]:
        """The window's texts to show, none twice: first those that nearly only window texts surround, then both lists in turn."""
        clear = [example for example in self.crowding if example.window_share >= _CLEARLY_CROWDED]
        rest = [example for example in self.crowding if example.window_share < _CLEARLY_CROWDED]
        in_turn = [one for i in range(limit) for one in (*rest[i : i + 1], *self.unlike_reference[i : i + 1])]
        first = {example.row: example for example in reversed([*clear, *in_turn])}
        order = dict.fromkeys(example.row for example in (*clear, *in_turn))
        return tuple(first[row] for row in order)[:limit]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "crowding": [example.as_dict() for example in self.crowding],
            "unlike_reference": [example.as_dict() for example in self.unlike_reference],
            "thinned": [example.as_dict() for example in self.thinned],
        }


def typical_examples(
    reference: Sample,
    current: Sample,
    *,
    limit: int = 20,
    device: str = "cpu",
) -> Examples:
    """Rank texts by how the density of texts around them changed. Neighbours are of other blocks.

    New: the share of window texts among the k nearest of both sides, averaged over those neighbours so that a text counts for more
    where its neighbourhood agrees; k grows with the smaller side's rarity, so that about five neighbours of it are expected.
    """
    n, m = len(current.texts), len(reference.texts)
    if n == 0 or m == 0:
        return Examples(crowding=(), unlike_reference=(), thinned=())
    pool = pool_samples(reference, current)
    vectors = np.concatenate([reference.vectors, current.vectors])
    wanted = _NOVELTY_NEIGHBOURS * (n + m) / min(n, m)
    rows, cosines = nearest(
        vectors, pool.blocks, k=int(np.clip(round(wanted), _NEIGHBOURS, _MAX_NEIGHBOURS)), device=device
    )
    is_current = pool.is_current
    near = min(_NEIGHBOURS, rows.shape[1])
    share = _window_share(rows[:, :near], cosines[:, :near], is_current)
    wide = _window_share(rows, cosines, is_current)
    novelty = _novelty(vectors, current, reference, device=device)
    crowded = _smoothed(share, rows[:, :near], cosines[:, :near])
    thinned = -_smoothed(wide, rows, cosines)
    before, after = slice(0, m), slice(m, n + m)
    no_novelty = np.zeros(m)
    return Examples(
        crowding=_examples(current, crowded[after], share[after], novelty, reason="crowding", limit=limit),
        unlike_reference=_examples(current, novelty, share[after], novelty, reason="unlike_reference", limit=limit),
        thinned=_examples(reference, thinned[before], wide[before], no_novelty, reason="thinned", limit=limit),
    )


def spread_out(vectors: NDArray[np.floating], rank: NDArray[np.floating], *, limit: int) -> list[int]:
    """Rows of highest rank that are not near copies of one already chosen: (n, d) unit length, (n,) -> at most limit rows."""
    chosen: list[int] = []
    for i in np.argsort(-rank, kind="stable"):
        if len(chosen) == limit:
            break
        if not chosen or float((vectors[chosen] @ vectors[i]).max()) <= _SAME_TEXT_COSINE:
            chosen.append(int(i))
    return chosen


def _window_share(
    rows: NDArray[np.int64], cosines: NDArray[np.float64], is_current: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Share of window texts among each text's neighbours as if both sides were as large; 0.5 without any. (n, k) -> (n,)."""
    is_there = np.isfinite(cosines)
    after = (is_current[rows] & is_there).sum(1) / max(1, int(is_current.sum()))
    before = (~is_current[rows] & is_there).sum(1) / max(1, int((~is_current).sum()))
    both = after + before
    return np.asarray(np.divide(after, both, out=np.full(len(rows), 0.5), where=both > 0))


def _smoothed(share: NDArray[np.float64], rows: NDArray[np.int64], cosines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the text's own share and of its neighbours' mean share: (n,), (n, k) -> (n,)."""
    is_there = np.isfinite(cosines)
    count = is_there.sum(1)
    mean = np.divide((share[rows] * is_there).sum(1), count, out=share.copy(), where=count > 0)
    return np.asarray((share + mean) / 2)


def _novelty(vectors: NDArray[np.floating], current: Sample, reference: Sample, *, device: str) -> NDArray[np.float64]:
    """Mean distance of each window text to its five nearest reference texts: (n,)."""
    m = len(reference.texts)
    window_is_one_block = np.concatenate([np.arange(1, m + 1), np.zeros(len(current.texts), dtype=np.int64)])
    _, cosines = nearest(vectors, window_is_one_block, k=min(_NOVELTY_NEIGHBOURS, m), device=device)
    return np.asarray(np.sqrt(np.clip(2 - 2 * cosines[m:], 0.0, 4.0)).mean(1))


def _examples(
    sample: Sample,
    rank: NDArray[np.float64],
    share: NDArray[np.float64],
    novelty: NDArray[np.float64],
    *,
    reason: Reason,
    limit: int,
) -> tuple[Example, ...]:
    return tuple(
        Example(
            row=i,
            text=sample.texts[i][:_EXAMPLE_CHARS],
            reason=reason,
            window_share=float(share[i]),
            novelty=float(novelty[i]),
        )
        for i in spread_out(sample.vectors, rank, limit=limit)
    )
