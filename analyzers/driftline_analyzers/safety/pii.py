"""Personal data in what goes in and comes out."""

from collections.abc import Sequence
from typing import ClassVar

from driftline_analyzers.safety.findings import score_patterns
from driftline_analyzers.safety.personal_data import find_personal_data
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed


class PiiScorer:
    """value: how many pieces of personal data a field holds; flagged from one on. Evidence has kinds, counts and spans, never the data."""

    name: ClassVar[str] = "pii"
    version: ClassVar[str] = "1"

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Fields prompt, completion, document and tool_result."""
        return [score_patterns(call, find_personal_data) for call in calls]
