"""What is compared between groups: one number for every answer, on each measure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.bias.adjustment import Prompts
from driftline_analyzers.bias.call import BiasCall
from driftline_analyzers.bias.lexicon import GroupLexicon
from driftline_analyzers.bias.tone import TONES, Embed, Tone, fit_tone
from driftline_analyzers.bias.units import Floats
from driftline_analyzers.drift.refusal import is_refusal

TextMeasure = Callable[[Sequence[str]], Floats]
"""Answers to one number each, NaN unknown: a toxicity model of the user's."""

MAX_CHARS: Final = 2_000
"""Of a masked prompt or answer that are embedded: its beginning sets the tone, and the work stays bounded."""
UNITS: Final[Mapping[str, str]] = {
    "regard": "from -1 to 1",
    "sentiment": "from -1 to 1",
    "refusal": "share of answers",
    "length": "log2 of characters",
    "position": "distance in the embedding space",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerMeasures:
    """values: (n,) by measure, NaN unknown. answer_vectors: (n, d) of the masked answers, NaN where one is empty.

    prompts: their features are regard, sentiment and log2 length of the masked prompt: an answer takes its tone from the question.
    """

    values: Mapping[str, Floats]
    prompts: Prompts
    answer_vectors: NDArray[np.float32]


class Measurer:
    """Measures answers. Group words are masked before anything is embedded: the encoder carries a bias of its own."""

    def __init__(
        self, *, embed: Embed, lexicon: GroupLexicon, text_measures: Mapping[str, TextMeasure] | None = None
    ) -> None:
        self._embed = embed
        self._lexicon = lexicon
        self._text_measures = dict(text_measures or {})
        self._tones: list[Tone] = []

    def measure(self, calls: Sequence[BiasCall]) -> AnswerMeasures:
        """Regard, sentiment, refusal and length, the measures of texts that it was given, and every score that a call carries.

        Raises the embedder's errors.
        """
        answers = [call.completion for call in calls]
        is_known = np.array([bool(answer.strip()) for answer in answers], dtype=bool)
        prompt_vectors = self._vectors([call.prompt for call in calls])
        answer_vectors = self._vectors(answers).copy()
        answer_vectors[~is_known] = np.nan
        values: dict[str, Floats] = {}
        if not self._tones:
            self._tones = [fit_tone(name, self._embed) for name in TONES]
        for tone in self._tones:
            values[tone.name] = tone.score(answer_vectors)
        features = [tone.score(prompt_vectors) for tone in self._tones]
        features.append(np.log2([max(1, len(self._lexicon.mask(call.prompt))) for call in calls]))
        values["refusal"] = _known(is_known, [float(is_refusal(answer)) for answer in answers])
        values["length"] = _known(is_known, np.log2([max(1, len(answer.strip())) for answer in answers]))
        for name, measure in self._text_measures.items():
            values[name] = _known(is_known, measure(answers))
        for name in sorted({name for call in calls for name in call.values}):
            values[name] = np.array([call.values.get(name, np.nan) for call in calls], dtype=np.float64)
        prompts = Prompts(vectors=prompt_vectors, features=np.stack(features, axis=1))
        return AnswerMeasures(values=values, prompts=prompts, answer_vectors=answer_vectors)

    @property
    def tones(self) -> Sequence[Tone]:
        """The fitted directions; empty before the first call of `measure`."""
        return self._tones

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embed([self._lexicon.mask(text[:MAX_CHARS]) or " " for text in texts])


def _known(is_known: NDArray[np.bool_], values: Sequence[float] | Floats) -> Floats:
    return np.where(is_known, np.asarray(values, dtype=np.float64), np.nan)
