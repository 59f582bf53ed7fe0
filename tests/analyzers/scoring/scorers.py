"""Small scorers whose answers are known."""

from collections.abc import Sequence
from typing import ClassVar

from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed
from driftline_core.errors import ConfigError


class Lengths:
    """value: characters of the completion; flagged from 100 on. Field document: how many there are. Unknown without a completion."""

    name: ClassVar[str] = "lengths"
    version: ClassVar[str] = "1"

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        self.batches.append([call.span_id for call in calls])
        return [self._score(call) for call in calls]

    def _score(self, call: Call) -> list[CallScore]:
        n = len(call.completion)
        own = CallScore(field="completion", value=float(n) if n else None, is_flagged=n >= 100, evidence={"chars": n})
        documents = [CallScore(field="document", value=len(call.documents), is_flagged=False)] if call.documents else []
        tools = [CallScore(field="tool_result", value=len(call.tool_results), is_flagged=False)]
        return [own, *documents, *(tools if call.tool_results else [])]


class Fragile:
    """1 for every prompt, and fails on those that say boom."""

    name: ClassVar[str] = "fragile"
    version: ClassVar[str] = "1"

    def __init__(self) -> None:
        self.is_mended = False

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        if not self.is_mended and any("boom" in call.prompt for call in calls):
            raise ValueError("boom")
        return [[CallScore(field="prompt", value=1.0, is_flagged=False)] for _ in calls]


class Embedding:
    """The first number of the prompt's vector."""

    name: ClassVar[str] = "embedding"
    version: ClassVar[str] = "1"

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        vectors = embed([call.prompt for call in calls])
        return [[CallScore(field="prompt", value=float(vector[0]), is_flagged=False)] for vector in vectors]


class Unready:
    """Is set up wrongly."""

    name: ClassVar[str] = "unready"
    version: ClassVar[str] = "1"

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        raise ConfigError("expected a model, got none")


class NotANumber:
    """What a scorer should never say."""

    name: ClassVar[str] = "not_a_number"
    version: ClassVar[str] = "1"

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        return [[CallScore(field="prompt", value=float("nan"), is_flagged=True)] for _ in calls]
