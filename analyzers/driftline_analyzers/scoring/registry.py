"""Which scorer a name stands for."""

from collections.abc import Callable, Mapping
from typing import Final

from driftline_analyzers.embed.embedder import Embedder
from driftline_analyzers.embed.token_vectors import TokenEmbedder
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


def _grounding(settings: AnalyzerSettings, embedder: Embedder | None) -> GroundingScorer:
    return GroundingScorer(
        second_stage=_second_stage(settings),
        max_chars=settings.max_scored_chars,
        head=_grounding_head(settings),
        token_embedder=embedder if isinstance(embedder, TokenEmbedder) else None,
    )


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


SCORERS: Final[Mapping[ScorerName, Callable[[AnalyzerSettings, Embedder | None], CallScorer]]] = {
    "grounding": _grounding,
    "injection": lambda settings, embedder: InjectionScorer(),
    "toxicity": lambda settings, embedder: ToxicityScorer(
        classifier=settings.toxicity_classifier, device=settings.device
    ),
    "pii": lambda settings, embedder: PiiScorer(presidio=_presidio(settings)),
    "secrets": lambda settings, embedder: SecretsScorer(),
    "prompt_leak": lambda settings, embedder: PromptLeakScorer(
        canaries=tuple(one.get_secret_value() for one in settings.canaries)
    ),
    "refusal": lambda settings, embedder: RefusalScorer(),
    "relevance": lambda settings, embedder: RelevanceScorer(),
    "repetition": lambda settings, embedder: RepetitionScorer(),
    "language": lambda settings, embedder: LanguageScorer(),
    "format": lambda settings, embedder: JsonFormatScorer(),
    "readability": lambda settings, embedder: ReadabilityScorer(),
}


def make_scorers(settings: AnalyzerSettings, *, embedder: Embedder | None = None) -> list[CallScorer]:
    """The scorers that the settings name, in their order. embedder: for those that read vectors of tokens."""
    return [SCORERS[name](settings, embedder) for name in settings.scorers]
