"""The grounding scorer's second stage, loaded when it is first asked: a model that cannot be loaded is that scorer's problem alone."""

from collections.abc import Sequence

from driftline_analyzers.grounding.model_kind import open_second_stage
from driftline_analyzers.grounding.second_stage import Asked, Judgement, SecondStage


class LazyStage:
    """A `SecondStage` of a sequence or token classifier by name or path."""

    def __init__(self, model: str, *, device: str) -> None:
        self.name = model
        self.device = device
        self._stage: SecondStage | None = None

    def judge(self, asked: Sequence[Asked]) -> list[Judgement]:
        """As the model says. Raises ConfigError when it cannot be loaded."""
        if self._stage is None:
            self._stage = open_second_stage(self.name, device=self.device)
        return self._stage.judge(asked)
