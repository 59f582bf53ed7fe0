"""The grounding scorer's second stage, loaded when it is first asked: without a model that can be loaded, the first stage goes on alone."""

from collections.abc import Sequence

from driftline_analyzers.grounding.model_kind import open_second_stage
from driftline_analyzers.grounding.second_stage import Asked, Judgement, SecondStage
from driftline_core.errors import ConfigError
from driftline_core.log import get_logger

_LOG = get_logger("scoring")


class LazyStage:
    """A `SecondStage` of a sequence or token classifier by name or path."""

    def __init__(self, model: str, *, device: str) -> None:
        self.name = model
        self.device = device
        self._problem = ""
        self._stage: SecondStage | None = None

    def judge(self, asked: Sequence[Asked]) -> list[Judgement]:
        """As the model says; without support, and with the problem, when it cannot be loaded."""
        if self._stage is None and not self._problem:
            try:
                self._stage = open_second_stage(self.name, device=self.device)
            except ConfigError as error:
                self._problem = str(error)
                _LOG.error("second stage of grounding cannot work, the first goes on alone", error=self._problem)
        if self._stage is None:
            return [Judgement(support=None, problem=self._problem)] * len(asked)
        return self._stage.judge(asked)
