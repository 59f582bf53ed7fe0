"""The judge's own runner, where the judge is switched on."""

from datetime import timedelta
from typing import Final

from driftline_analyzers.embed.embedder import Embedder
from driftline_analyzers.judge.scorer import JudgeScorer
from driftline_analyzers.judge.settings import JudgeSettings
from driftline_analyzers.runner.phases import Progress, no_progress
from driftline_analyzers.scoring.runner import ScoringRunner
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.store import Store

_LOOKS_BACK: Final = timedelta(days=1)
"""What a judge that is switched on begins with: older calls would spend its budget before anybody asked for them."""


def judging(
    settings: AnalyzerSettings, store: Store, *, embedder: Embedder, progress: Progress = no_progress
) -> list[ScoringRunner]:
    """The runner of the environment's judge, none where it is off. Raises ConfigError."""
    judge = JudgeSettings()
    if not judge.is_enabled:
        return []
    scorers = [JudgeScorer(judge, store)]
    return [
        ScoringRunner(
            settings,
            store,
            progress=progress,
            embedder=embedder,
            scorers=scorers,
            name="judging",
            looks_back=_LOOKS_BACK,
        )
    ]
