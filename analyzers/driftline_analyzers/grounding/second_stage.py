"""An optional model that reads evidence and claim together, for the sentences that words alone leave open."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A sentence to judge, answer[start:end]. evidence: what stage one found for it, of documents; question: may be empty."""

    question: str
    documents: tuple[str, ...]
    evidence: str
    answer: str
    start: int
    end: int

    @property
    def claim(self) -> str:
        """The sentence."""
        return self.answer[self.start : self.end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """support: probability that the documents support the sentence, None where the model could not read it; problem: why, if known.
    spans: [start, end) of the answer, inside the sentence, without support; None of a model that marks nothing.
    """

    support: float | None
    problem: str = ""
    spans: Sequence[tuple[int, int]] | None = None


class SecondStage(Protocol):
    """What the grounding scorer asks about sentences in its grey zone."""

    @property
    def name(self) -> str:
        """Of the model: scores that it had a say in are of another version."""
        ...

    def judge(self, asked: Sequence[Asked]) -> list[Judgement]:
        """One a sentence, in order."""
        ...
