"""The judge among the scorers, where it is switched on."""

from driftline_analyzers.judge.scorer import JudgeScorer
from driftline_analyzers.judge.settings import JudgeSettings
from driftline_analyzers.scoring.scorer import CallScorer
from driftline_core.store import Store


def judges(store: Store) -> list[CallScorer]:
    """The judge of the environment's settings, none where it is off. Raises ConfigError."""
    settings = JudgeSettings()
    return [JudgeScorer(settings, store)] if settings.is_enabled else []
