"""Which scorer a name stands for."""

from collections.abc import Callable, Mapping
from typing import Final

from driftline_analyzers.grounding.head import Head
from driftline_analyzers.grounding.scorer import GroundingScorer
from driftline_analyzers.quality.json_format import JsonFormatScorer
from driftline_analyzers.quality.language import LanguageScorer
from driftline_analyzers.quality.readability import ReadabilityScorer
from driftline_analyzers.quality.relevance import RelevanceScorer
from driftline_analyzers.quality.repetition import RepetitionScorer
from driftline_analyzers.safety.injection import InjectionScorer
from driftline_analyzers.safety.pii import PiiScorer
from driftline_analyzers.safety.presidio import PresidioFinder
from driftline_analyzers.safety.prompt_leak import PromptLeakScorer
from driftline_analyzers.safety.refusal import RefusalScorer
from driftline_analyzers.safety.secrets import SecretsScorer
from driftline_analyzers.safety.toxicity import ToxicityScorer
from driftline_analyzers.scoring.lazy_stage import LazyStage
from driftline_analyzers.scoring.names import ScorerName
from driftline_analyzers.scoring.scorer import CallScorer
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.errors import ConfigError

SCORERS: Final[Mapping[ScorerName, Callable[[AnalyzerSettings], CallScorer]]] = {
    "grounding": lambda settings: GroundingScorer(second_stage=_second_stage(settings), head=_grounding_head(settings)),
    "injection": lambda settings: InjectionScorer(),
    "toxicity": lambda settings: ToxicityScorer(classifier=settings.toxicity_classifier, device=settings.device),
    "pii": lambda settings: PiiScorer(presidio=_presidio(settings)),
    "secrets": lambda settings: SecretsScorer(),
    "prompt_leak": lambda settings: PromptLeakScorer(
        canaries=tuple(one.get_secret_value() for one in settings.canaries)
    ),
    "refusal": lambda settings: RefusalScorer(),
    "relevance": lambda settings: RelevanceScorer(),
    "repetition": lambda settings: RepetitionScorer(),
    "language": lambda settings: LanguageScorer(),
    "format": lambda settings: JsonFormatScorer(),
    "readability": lambda settings: ReadabilityScorer(),
}


def make_scorers(settings: AnalyzerSettings) -> list[CallScorer]:
    """The scorers that the settings name, in their order."""
    return [SCORERS[name](settings) for name in settings.scorers]


def _presidio(settings: AnalyzerSettings) -> PresidioFinder | None:
    if not settings.presidio_models:
        return None
    return PresidioFinder(
        settings.presidio_models, entities=settings.presidio_entities, min_score=settings.presidio_min_score
    )


def _second_stage(settings: AnalyzerSettings) -> LazyStage | None:
    return None if settings.grounding_model is None else LazyStage(settings.grounding_model, device=settings.device)


def _grounding_head(settings: AnalyzerSettings) -> Head | None:
    if settings.grounding_head is None:
        return None
    try:
        return Head.load(settings.grounding_head.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"expected the grounding head {settings.grounding_head} to be readable, got: {error}"
        ) from error
