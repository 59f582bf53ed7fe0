"""Which answers decline what they were asked."""

from collections.abc import Sequence
from typing import ClassVar

from driftline_analyzers.drift.refusal import is_refusal
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed


class RefusalScorer:
    """value: 1 for a refusal, else 0, by the opening of the answer; its mean is the refusal rate. A refusal is no fault: never flagged."""

    name: ClassVar[str] = "refusal"
    version: ClassVar[str] = "2"

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Field completion, where there is one."""
        return [
            [CallScore(field="completion", value=float(is_refusal(call.completion)), is_flagged=False)]
            if call.completion.strip()
            else []
            for call in calls
        ]
