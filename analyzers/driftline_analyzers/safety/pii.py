"""Personal data in what goes in and comes out."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar, Final

from driftline_analyzers.safety.findings import (
    MAX_CHARS,
    MAX_TEXTS,
    Finding,
    fields_of,
    score_patterns,
    without_overlaps,
)
from driftline_analyzers.safety.personal_data import find_personal_data
from driftline_analyzers.safety.presidio import PresidioFinder
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed

_VERSION: Final = "2"


class PiiScorer:
    """value: how many pieces of personal data a field holds; flagged from one on. Evidence has kinds, counts and spans, never the data.

    presidio: finds names and more IDs beside our own patterns, whose findings stand where both find something in one place.
    Raises ConfigError where it is not installed or its models are not.
    """

    name: ClassVar[str] = "pii"

    def __init__(self, *, presidio: PresidioFinder | None = None) -> None:
        self.presidio = presidio
        self.version = _VERSION if presidio is None else f"{_VERSION}/{presidio.check()}"

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Fields prompt, completion, document and tool_result."""
        if self.presidio is None:
            return [score_patterns(call, find_personal_data) for call in calls]
        return [self._with_presidio(call, self.presidio) for call in calls]

    def _with_presidio(self, call: Call, presidio: PresidioFinder) -> list[CallScore]:
        def find(text: str) -> list[Finding]:
            return without_overlaps([*find_personal_data(text), *presidio.find(text)])

        texts_of = dict(fields_of(call))
        return [
            dataclasses.replace(
                score,
                evidence={
                    **score.evidence,
                    **presidio.unread([text[:MAX_CHARS] for text in texts_of[score.field][:MAX_TEXTS]]),
                },
            )
            for score in score_patterns(call, find)
        ]
