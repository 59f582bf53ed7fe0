"""A linear head over windows of a text: vector, hashed character n-grams and named cues; the worst window decides."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.safety.cues import cue_values
from driftline_analyzers.safety.findings import MAX_CHARS
from driftline_analyzers.safety.ngrams import hashed_ngrams, ngram_scores
from driftline_analyzers.safety.windows import sentences, windows
from driftline_analyzers.scoring.scorer import Embed

PROBE: Final = "The lighthouse keeper writes down the weather every morning."
"""Its vector tells whether the embedding model is the one that the head was trained on."""
_SAME_MODEL: Final = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of one of the texts: [start, end) of the text of that index. by_ngrams: log-odds by its n-grams, cues left out."""

    index: int
    start: int
    end: int
    by_ngrams: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A field of a call to judge. call: its place in the batch; chosen: the candidates among n_windows."""

    call: int
    field: str
    texts: Sequence[str]
    head: "WindowHead"
    chosen: Sequence[Window]
    n_windows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The worst window. probability: as if every second text were an attack; threshold: from which on it is suspicious."""

    probability: float
    threshold: float
    window: Window


class WindowHead:
    """weights: of one head as training writes them. Every window is read by n-grams; the max_windows worst of them in full.

    prepare: what is done to a window before it is read.
    """

    def __init__(
        self,
        weights: Mapping[str, Any],
        *,
        prefix: str,
        max_windows: int,
        prepare: Callable[[str], str] | None = None,
    ) -> None:
        self._of = {key.removeprefix(f"{prefix}_"): value for key, value in weights.items() if key.startswith(prefix)}
        self._probe = weights["probe"]
        self.max_windows = max_windows
        self._prepare = prepare

    def read(self, text: str) -> str:
        """What of a window is measured and embedded."""
        return text if self._prepare is None else self._prepare(text)

    def knows(self, embed: Embed) -> bool:
        """Whether embed is the model that the head was trained on, to the precision of half floats."""
        vector = embed([PROBE])[0]
        return len(vector) == len(self._probe) and float(vector @ self._probe) > _SAME_MODEL

    def candidates(self, texts: Sequence[str]) -> tuple[list[Window], int]:
        """The worst windows of a field's texts by n-grams, worst first, and how many windows there were."""
        found = []
        of_bucket, bias = self._of["lexical_ngrams"], float(self._of["lexical_bias"])
        for index, text in enumerate(texts):
            spans = self._spans(text[:MAX_CHARS])
            scores = ngram_scores([self.read(text[start:end]) for start, end in spans], of_bucket) + bias
            found += [
                Window(index=index, start=start, end=end, by_ngrams=float(one))
                for (start, end), one in zip(spans, scores, strict=True)
            ]
        found.sort(key=lambda one: (-one.by_ngrams, one.index, one.start))
        return found[: self.max_windows], len(found)

    def _spans(self, text: str) -> list[tuple[int, int]]:
        if "min_chars" in self._of:
            return sentences(text, min_chars=int(self._of["min_chars"]), max_chars=self.window_chars)
        return windows(text, max_chars=self.window_chars)

    def needs_vector(self, window: Window) -> bool:
        """Whether its n-grams leave it open what it is; of a head that training gave a floor."""
        return window.by_ngrams >= float(self._of["floor"])

    def threshold(self, kind: str = "full") -> float:
        """The probability from which on a text is suspicious, with vectors ('full'), without ('lexical') or in its context."""
        return sigmoid(float(self._of[f"{kind}_threshold"]))

    def verdict(self, texts: Sequence[str], chosen: Sequence[Window], vectors: NDArray[np.float32] | None) -> Verdict:
        """The decision of a field from its candidates. vectors: (len(chosen), d) by the model that the head was trained on, or None: the
        head without vectors decides, at a threshold of its own.
        """
        kind = "lexical" if vectors is None else "full"
        scores = self.log_odds(texts, chosen, kind)
        if vectors is not None:
            scores = [
                one + float(vector @ self._of["full_vector"]) for one, vector in zip(scores, vectors, strict=True)
            ]
        return self.worst_of(chosen, scores, kind)

    def log_odds(self, texts: Sequence[str], chosen: Sequence[Window], kind: str = "lexical") -> list[float]:
        """Of each candidate, by its n-grams and cues."""
        return [self._log_odds(self.read(texts[one.index][one.start : one.end]), kind) for one in chosen]

    def worst_of(self, chosen: Sequence[Window], scores: Sequence[float], kind: str) -> Verdict:
        """The decision where the candidates' log-odds are known."""
        worst = int(np.argmax(scores))
        return Verdict(probability=sigmoid(scores[worst]), threshold=self.threshold(kind), window=chosen[worst])

    def worst_at(self, threshold: float, texts: Sequence[str], chosen: Sequence[Window]) -> Verdict:
        """The same without vectors, moved so that its own threshold comes to lie at that one of another head."""
        moved = math.log(threshold / (1 - threshold)) - float(self._of["lexical_threshold"])
        scores = self.log_odds(texts, chosen)
        worst = int(np.argmax(scores))
        return Verdict(probability=sigmoid(scores[worst] + moved), threshold=threshold, window=chosen[worst])

    @property
    def window_chars(self) -> int:
        """The longest window."""
        return int(self._of["window_chars"])

    @property
    def context(self) -> tuple[float, float] | None:
        """Weight of a window's strangeness in log-odds, and the log-odds from which on it is looked at; None where training gave none."""
        return (
            (float(self._of["context_weight"]), float(self._of["context_floor"]))
            if "context_weight" in self._of
            else None
        )

    def _log_odds(self, text: str, kind: str) -> float:
        total = float(self._of[f"{kind}_bias"])
        if f"{kind}_ngrams" in self._of:
            buckets, weights = hashed_ngrams(text)
            total += float(weights @ self._of[f"{kind}_ngrams"][buckets])
        if f"{kind}_cues" in self._of:
            total += float(cue_values(text) @ self._of[f"{kind}_cues"])
        return total


def embed_candidates(tasks: Sequence[Task], embed: Embed) -> list[NDArray[np.float32]]:
    """The vectors (len(chosen), d) of each task's candidates, every text embedded once."""
    wanted = [task.head.read(task.texts[one.index][one.start : one.end]) for task in tasks for one in task.chosen]
    row = {text: i for i, text in enumerate(dict.fromkeys(wanted))}
    vectors = embed(list(row))
    rows = iter([row[text] for text in wanted])
    return [vectors[[next(rows) for _ in task.chosen]] for task in tasks]


def sigmoid(value: float) -> float:
    """Log-odds to a probability."""
    return float(1 / (1 + np.exp(-np.clip(value, -60, 60))))
