"""The grounding scorer's second stage, loaded when it is first asked: a model that cannot be loaded is that scorer's problem alone."""

from collections.abc import Sequence

from driftline_analyzers.grounding.second_stage import CrossEncoderStage


class LazyStage:
    """A `SecondStage` of a cross-encoder by name or path."""

    def __init__(self, model: str, *, device: str) -> None:
        self.name = model
        self.device = device
        self._stage: CrossEncoderStage | None = None

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """As the model says. Raises ConfigError when it cannot be loaded."""
        if self._stage is None:
            self._stage = CrossEncoderStage(self.name, device=self.device)
        return self._stage.support(pairs)
