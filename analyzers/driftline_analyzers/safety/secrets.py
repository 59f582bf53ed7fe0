"""Credentials in what goes in and comes out."""

from collections.abc import Sequence
from typing import ClassVar

from driftline_analyzers.safety.credentials import find_credentials
from driftline_analyzers.safety.findings import score_patterns
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed


class SecretsScorer:
    """value: how many credentials a field holds; flagged from one on. Evidence has kinds, counts and spans, never the credential."""

    name: ClassVar[str] = "secrets"
    version: ClassVar[str] = "2"

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Fields prompt, completion, document and tool_result."""
        return [score_patterns(call, find_credentials) for call in calls]
