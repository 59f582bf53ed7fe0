"""Microsoft Presidio beside our own patterns: names of people by a spaCy model that the user names, and IDs of more countries."""

import importlib.metadata
import json
import logging
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from driftline_analyzers.drift.language import language_of
from driftline_analyzers.safety.findings import Finding
from driftline_core.errors import ConfigError

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine

OURS: Final = frozenset({"EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS", "MAC_ADDRESS", "US_SSN"})
"""Entity types that our own patterns find and validate: Presidio is not asked, its looser forms would undo the validators."""
NOT_PERSONAL: Final = frozenset(
    {"AGE", "DATE_TIME", "EMAIL", "ID", "LOCATION", "NRP", "ORGANIZATION", "URL", "UUID"}
)  # fmt: skip
"""Entity types that are looked for only where they are named: by themselves they are nobody's."""
_DOWNLOADS: Final = "EmailRecognizer"
"""Fetches the list of public suffixes from the network at its first use."""
_ANY_LANGUAGE: Final = "xx"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class PresidioFinder:
    """Findings of Presidio with at least min_score, most certain first, by language.

    models: spaCy model by ISO 639 code, an installed package's name or a folder; the first also reads texts whose language is not clear.
    entities: Presidio's types; empty takes all it has for a language but OURS and NOT_PERSONAL. Nothing is ever downloaded.
    Models are loaded at the first text. Raises ConfigError for what is not installed, cannot be loaded or finds no names.
    """

    def __init__(self, models: Mapping[str, str], *, entities: Sequence[str] = (), min_score: float = 0.5) -> None:
        self.models = dict(models)
        self.entities = tuple(entities)
        self.min_score = min_score
        self._engine: AnalyzerEngine | None = None
        self._pipelines: dict[str, Any] = {}
        self._entities_of: dict[str, list[str]] = {}

    def check(self) -> str:
        """What findings depend on, in short: versions of Presidio and of the models, types, score. Raises ConfigError; loads nothing."""
        if ours := sorted(OURS.intersection(self.entities)):
            raise ConfigError(f"expected entity types beside those of our own patterns, got {', '.join(ours)}")
        try:
            presidio = importlib.metadata.version("presidio-analyzer")
        except importlib.metadata.PackageNotFoundError as error:
            raise ConfigError(
                "expected the package presidio-analyzer for personal data by Presidio, got none: "
                "pip install 'driftline[presidio]'"
            ) from error
        models = {language: _version(language, model) for language, model in self.models.items()}
        told = json.dumps([models, sorted(self.entities), self.min_score])
        return f"presidio-{presidio}-{sha256(told.encode()).hexdigest()[:8]}"

    def language_of(self, text: str) -> str | None:
        """The language whose model reads the text; None where there is no model of its language."""
        told = language_of(text)
        if told in self.models:
            return told
        if _ANY_LANGUAGE in self.models:
            return _ANY_LANGUAGE
        return None if told else next(iter(self.models))

    def find(self, text: str) -> list[Finding]:
        """Findings in a text, most certain first, then the longest; they may overlap. kind: Presidio's type in small letters."""
        language = self.language_of(text)
        if language is None or not text.strip():
            return []
        engine = self._engine = self._engine or self._load()
        with self._pipelines[language].memory_zone():  # else its vocabulary keeps every word it ever read
            found = engine.analyze(
                _SURROGATE.sub("\ufffd", text),  # spaCy encodes what it reads
                language=language,
                entities=self._entities_of[language],
                score_threshold=self.min_score,
            )
            found.sort(key=lambda one: (-one.score, one.start - one.end, one.start, one.entity_type))
            return [
                Finding(kind=one.entity_type.lower(), start=one.start, end=one.end, score=round(one.score, 3))
                for one in found
            ]

    def unread(self, texts: Sequence[str]) -> dict[str, int]:
        """For evidence: how many of a field's texts are in a language without a model; empty where none is."""
        count = sum(self.language_of(text) is None for text in texts)
        return {"texts_without_presidio_model": count} if count else {}

    def _load(self) -> "AnalyzerEngine":
        """An engine over the loaded models. Set directly: SpacyNlpEngine.load downloads what is missing and takes a GPU that it sees."""
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

        self.check()
        logging.getLogger("presidio-analyzer").setLevel(
            logging.ERROR
        )  # it warns of each recogniser of a language not asked for
        pipelines = {language: _pipeline(language, model) for language, model in self.models.items()}
        mapping = NerModelConfiguration().model_to_presidio_entity_mapping or {}
        labels = {label for one in pipelines.values() for label in _labels(one)}
        nlp: Any = SpacyNlpEngine(
            models=[{"lang_code": language, "model_name": model} for language, model in self.models.items()],
            ner_model_configuration=NerModelConfiguration(labels_to_ignore=sorted(labels - set(mapping))),
        )
        nlp.nlp = self._pipelines = pipelines
        languages = list(pipelines)
        registry = RecognizerRegistry(supported_languages=languages)
        registry.load_predefined_recognizers(languages=languages, nlp_engine=nlp)
        registry.remove_recognizer(_DOWNLOADS)
        engine = AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=languages)
        known = {language: set(engine.get_supported_entities(language)) for language in languages}
        if unknown := sorted(set(self.entities).difference(*known.values())):
            raise ConfigError(
                f"expected entity types of Presidio for {', '.join(languages)}, got {', '.join(unknown)}; "
                f"known: {', '.join(sorted(set().union(*known.values()) - OURS))}"
            )
        self._entities_of = {
            language: sorted(of_language & set(self.entities) if self.entities else of_language - OURS - NOT_PERSONAL)
            for language, of_language in known.items()
        }
        return engine


def _version(language: str, model: str) -> str:
    """Name and version of a spaCy model that is there. Raises ConfigError."""
    try:
        meta = json.loads((Path(model) / "meta.json").read_text(encoding="utf-8"))
        return f"{meta['lang']}_{meta['name']}-{meta['version']}"
    except FileNotFoundError:
        pass
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"expected a spaCy model in {model}, got: {error}") from error
    try:
        return f"{model}-{importlib.metadata.version(model)}"
    except (importlib.metadata.PackageNotFoundError, ValueError) as error:
        raise ConfigError(
            f"expected the spaCy model of language {language} as an installed package or a folder, got {model!r}: "
            f"`python -m spacy download NAME`, or pip install a wheel of it; Driftline downloads none"
        ) from error


def _pipeline(language: str, model: str) -> Any:
    """A loaded spaCy pipeline that finds names. Raises ConfigError."""
    import spacy

    try:
        pipeline = spacy.load(model)
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(f"expected a spaCy model for language {language}, got {model!r}: {error}") from error
    if pipeline.lang != language:
        raise ConfigError(f"expected a spaCy model of language {language}, got {model!r} of language {pipeline.lang}")
    if not {"PER", "PERSON"}.intersection(_labels(pipeline)):
        raise ConfigError(
            f"expected a spaCy model that finds names (PERSON, PER), got {model!r} with {_labels(pipeline)}"
        )
    return pipeline


def _labels(pipeline: Any) -> list[str]:
    """What the parts of a pipeline that mark entities may call them."""
    return sorted(
        {
            label
            for name, labels in pipeline.pipe_labels.items()
            if pipeline.get_pipe_meta(name).factory in {"ner", "entity_ruler", "span_ruler"}
            for label in labels
        }
    )
