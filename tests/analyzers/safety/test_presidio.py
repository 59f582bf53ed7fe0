"""Presidio beside our own patterns, over real spaCy pipelines that know a few names; and what is said where something is not installed."""

import json
import socket
from importlib.util import find_spec
from pathlib import Path

import pytest

from driftline_analyzers.safety.pii import PiiScorer
from driftline_analyzers.safety.presidio import NOT_PERSONAL, OURS, PresidioFinder
from driftline_analyzers.scoring.registry import make_scorers
from driftline_analyzers.scoring.scorer import CallScore
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.errors import ConfigError
from tests.analyzers.safety.calls import call, no_embedding

HAS_PRESIDIO = find_spec("presidio_analyzer") is not None
needs_presidio = pytest.mark.skipif(not HAS_PRESIDIO, reason="needs driftline[presidio]")
TEXT = "Please send the invoice to Ada Lovelace in London, her mail is ada@firma.de and her NHS number is 401-023-2137."
GERMAN = "Bitte schicken Sie die Rechnung an Grete Hermann in Bremen, sie wartet seit gestern darauf."


def model(folder: Path, language: str, labels: dict[str, list[str]]) -> str:
    """A pipeline of spaCy on disk that marks these words with their label, and nothing else."""
    import spacy

    pipeline = spacy.blank(language)
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": one} for label, words in labels.items() for one in words])
    path = folder / language
    pipeline.to_disk(path)
    return str(path)


def english(folder: Path) -> str:
    return model(folder, "en", {"PERSON": ["Ada Lovelace"], "GPE": ["London"], "FISH": ["invoice"]})


def scored(finder: PresidioFinder | None, text: str) -> CallScore:
    ((score,),) = PiiScorer(presidio=finder).score([call(completion=text)], embed=no_embedding)
    return score


@needs_presidio
def test_names_and_ids_are_found_beside_our_own_kinds_with_places_and_never_the_data(tmp_path: Path) -> None:
    score = scored(PresidioFinder({"en": english(tmp_path)}), TEXT)
    assert (score.value, score.is_flagged) == (3.0, True)
    assert score.evidence["kinds"] == {"email": 1, "person": 1, "uk_nhs": 1}
    assert [TEXT[start:end] for start, end in score.evidence["spans"]] == [
        "Ada Lovelace",
        "ada@firma.de",
        "401-023-2137",
    ]
    assert score.evidence["span_kinds"] == ["person", "email", "uk_nhs"]
    assert score.evidence["span_scores"] == [0.85, None, 1.0]
    assert not any(word in json.dumps(score.evidence) for word in ("Ada", "ada@", "2137"))
    assert scored(None, TEXT).evidence["kinds"] == {"email": 1}


@needs_presidio
def test_where_both_find_something_our_own_finding_stands(tmp_path: Path) -> None:
    known = model(tmp_path, "en", {"PERSON": ["ada@firma.de and", "ada@firma.de"]})
    score = scored(PresidioFinder({"en": known}), TEXT)
    assert score.evidence["kinds"] == {"email": 1, "uk_nhs": 1}


@needs_presidio
def test_types_and_score_are_what_the_settings_say(tmp_path: Path) -> None:
    models = {"en": english(tmp_path)}
    places = scored(PresidioFinder(models, entities=["LOCATION"]), TEXT)
    assert places.evidence["kinds"] == {"email": 1, "location": 1}
    assert scored(PresidioFinder(models, min_score=0.9), TEXT).evidence["kinds"] == {"email": 1, "uk_nhs": 1}
    settings = AnalyzerSettings(
        scorers=("pii",), presidio_models=models, presidio_entities=("PERSON",), presidio_min_score=0.8
    )
    (scorer,) = make_scorers(settings)
    ((score,),) = scorer.score([call(prompt=TEXT)], embed=no_embedding)
    assert (score.field, score.evidence["kinds"]) == ("prompt", {"email": 1, "person": 1})


@needs_presidio
def test_each_language_is_read_by_its_own_model_and_one_without_a_model_by_our_patterns_alone(tmp_path: Path) -> None:
    both = {"en": english(tmp_path), "de": model(tmp_path, "de", {"PER": ["Grete Hermann"]})}
    finder = PresidioFinder(both)
    assert scored(finder, GERMAN).evidence["kinds"] == {"person": 1}
    assert scored(finder, TEXT).evidence["kinds"]["person"] == 1
    assert scored(finder, "Ada Lovelace").evidence["kinds"] == {"person": 1}  # too short to tell: the first model
    alone = scored(PresidioFinder({"en": both["en"]}), f"{GERMAN} ada@firma.de")
    assert alone.evidence["kinds"] == {"email": 1}
    assert alone.evidence["texts_without_presidio_model"] == 1
    assert "texts_without_presidio_model" not in scored(finder, GERMAN).evidence


@needs_presidio
def test_the_version_changes_with_model_types_and_score(tmp_path: Path) -> None:
    first = english(tmp_path)
    second = tmp_path / "second"
    second.mkdir()
    versions = [
        PiiScorer(presidio=finder).version
        for finder in (
            PresidioFinder({"en": first}),
            PresidioFinder({"en": first}, min_score=0.6),
            PresidioFinder({"en": first}, entities=["PERSON"]),
            PresidioFinder({"en": first, "de": model(second, "de", {"PER": ["Grete Hermann"]})}),
        )
    ]
    assert len(set(versions)) == 4
    assert all(version.startswith("2/presidio-") for version in versions)
    assert PiiScorer().version == "2"
    assert PiiScorer(presidio=PresidioFinder({"en": first})).version == versions[0]


@needs_presidio
def test_nothing_is_fetched_from_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def refuse(*address: object, **_: object) -> list[object]:
        asked.append(address)
        raise OSError("expected no network to be asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    finder = PresidioFinder({"en": english(tmp_path)}, entities=["PERSON", "URL", "PHONE_NUMBER"])
    found = scored(finder, f"{TEXT} See www.firma.de, call 020 7946 0018.")
    assert found.evidence["kinds"]["url"] >= 1
    with pytest.raises(ConfigError, match="Driftline downloads none"):
        PresidioFinder({"en": "en_core_web_lg"}).check()
    assert asked == []


@needs_presidio
def test_a_batch_says_what_each_text_alone_does(tmp_path: Path) -> None:
    scorer = PiiScorer(presidio=PresidioFinder({"en": english(tmp_path)}))
    texts = [
        TEXT,
        "",
        "a",
        "😀" * 300,
        "مرحبا hello 你好",
        "\u0000\u202e",
        "x" * 20_000,
        f"word. {TEXT} " * 50,
        "\ud800",
    ]
    calls = [call(prompt=text, completion=text, documents=[text, TEXT]) for text in texts]
    together = scorer.score(calls, embed=no_embedding)
    assert [scorer.score([one], embed=no_embedding)[0] for one in calls] == together
    for one, scores in zip(calls, together, strict=True):
        for score in scores:
            text = {"prompt": one.prompt, "completion": one.completion}.get(
                score.field, one.documents[score.evidence.get("index", 0)]
            )
            assert all(0 <= start < end <= len(text) for start, end in score.evidence.get("spans", ()))
            json.dumps(dict(score.evidence), allow_nan=False)


@needs_presidio
def test_a_model_that_cannot_serve_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected a spaCy model of language de, got .* of language en"):
        PresidioFinder({"de": english(tmp_path)}).find(GERMAN)
    no_names = model(tmp_path, "nl", {"LOC": ["Parijs"]})
    with pytest.raises(ConfigError, match="expected a spaCy model that finds names"):
        PresidioFinder({"nl": no_names}).find("Parijs")
    with pytest.raises(ConfigError, match=r"got NOSE; known: .*PERSON"):
        PresidioFinder({"en": english(tmp_path)}, entities=["NOSE", "PERSON"]).find(TEXT)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "meta.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"expected a spaCy model in .*broken"):
        PresidioFinder({"en": str(broken)}).check()


def test_what_our_patterns_validate_is_not_asked_of_presidio() -> None:
    assert not OURS & NOT_PERSONAL
    with pytest.raises(ConfigError, match="beside those of our own patterns, got CREDIT_CARD"):
        PresidioFinder({"en": "en_core_web_lg"}, entities=["PERSON", "CREDIT_CARD"]).check()


@pytest.mark.skipif(HAS_PRESIDIO, reason="presidio-analyzer is installed")
def test_a_missing_presidio_is_named_with_its_extra_when_scorers_are_made() -> None:
    settings = AnalyzerSettings(scorers=("pii",), presidio_models={"en": "en_core_web_lg"})
    with pytest.raises(ConfigError, match=r"pip install 'driftline\[presidio\]'"):
        make_scorers(settings)
