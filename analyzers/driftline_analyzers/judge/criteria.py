"""What a judge is asked about an answer."""

from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from driftline_analyzers.scoring.call import Call

TextName = Literal["system_prompt", "prompt", "documents", "tool_results", "completion"]
TEXT_NAMES: Final[tuple[TextName, ...]] = ("system_prompt", "prompt", "documents", "tool_results", "completion")
"""In the order in which the judge reads them."""


class Criterion(BaseModel):
    """One question about an answer. The answer is judged only where every text that the criterion reads was captured."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    rubric: str = Field(min_length=10, max_length=10_000, description="What is asked, and what each score means.")
    scale: Literal["1-5", "0-1"] = Field(default="1-5", description="Scores that the judge may give; higher is better.")
    reads: tuple[TextName, ...] = Field(
        default=("prompt", "completion"), min_length=1, description="Texts of the call that are sent."
    )
    flag_at: int | None = Field(
        default=None, ge=0, le=5, description="Flagged at this score or a lower one; by default 2 of 1-5 and 0 of 0-1."
    )

    @model_validator(mode="after")
    def _judges_an_answer(self) -> Self:
        if "completion" not in self.reads:
            raise ValueError(f"expected completion among what a criterion reads, got {', '.join(self.reads)}")
        if self.flag_at is not None and not self.lowest <= self.flag_at <= self.highest:
            raise ValueError(f"expected flag_at between {self.lowest} and {self.highest}, got {self.flag_at}")
        return self

    @property
    def lowest(self) -> int:
        return 1 if self.scale == "1-5" else 0

    @property
    def highest(self) -> int:
        return 5 if self.scale == "1-5" else 1

    def share(self, score: int) -> float:
        """The score's place on the scale, 0 to 1."""
        return (score - self.lowest) / (self.highest - self.lowest)

    def is_flagged(self, score: int) -> bool:
        default = 2 if self.scale == "1-5" else 0
        return score <= (default if self.flag_at is None else self.flag_at)

    def applies_to(self, call: Call) -> bool:
        return all(texts_of(call, name) for name in self.reads)


def texts_of(call: Call, name: TextName) -> list[str]:
    """The call's texts of that name that hold anything."""
    value: str | tuple[str, ...] = getattr(call, name)
    texts = [value] if isinstance(value, str) else list(value)
    return [text for text in texts if text.strip()]


SHIPPED: Final[dict[str, Criterion]] = {
    "helpfulness": Criterion(
        rubric="How well does the answer do what the user asked for?\n"
        "5: does all of it, correctly and clearly. 4: does it, with a small gap. 3: does a part of it. "
        "2: hardly helps: mostly wrong, vague or beside the point. 1: does not help at all, or harms.\n"
        "Length is no merit: of two answers that do the same, the longer one is not better. "
        "Declining a request that should be declined is helpful when the answer says so plainly."
    ),
    "relevance": Criterion(
        rubric="Does the answer address the question that was asked? Whether what it says is true is not asked here.\n"
        "5: all of it addresses the question. 4: mostly, with some digression. 3: about half. "
        "2: only touches on it. 1: about something else. Length is no merit."
    ),
    "groundedness": Criterion(
        rubric="Do the documents support what the answer claims? Knowledge from elsewhere does not count as support, however true.\n"
        "5: every claim is supported. 4: all but a minor detail. 3: a part is not supported. "
        "2: the main claim is not supported. 1: contradicts the documents, or nothing is supported.\n"
        "An answer that says that the documents do not tell, where they do not, is supported.",
        reads=("documents", "completion"),
    ),
}
