"""What the quality scorers say of answers that a person can judge."""

import json
from typing import Any

import pytest

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.quality.json_format import JsonFormatScorer
from driftline_analyzers.quality.readability import ReadabilityScorer
from driftline_analyzers.quality.relevance import RelevanceScorer
from driftline_analyzers.quality.repetition import RepetitionScorer
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, CallScorer, Embed

ASKS_JSON = "You extract orders. Respond only with valid JSON."


def no_embedding(texts: Any) -> Any:
    raise AssertionError("expected nothing to be embedded")


def scored(scorer: CallScorer, *, embed: Embed = no_embedding, **texts: Any) -> CallScore | None:
    """The score of a completion, None when there is none."""
    blank: dict[str, Any] = {"service": "", "model": "", "prompt_version": "", "session_id": ""}
    said: dict[str, Any] = {"system_prompt": "", "prompt": "", "completion": "", **texts}
    call = Call(trace_id="0" * 32, span_id="0" * 16, start_ns=0, **blank, **said)
    (scores,) = scorer.score([call], embed=embed)
    assert len(scores) <= 1
    return scores[0] if scores else None


@pytest.mark.parametrize(
    ("completion", "is_flagged"),
    [
        ("You can return the kettle within thirty days; print the label in your account.", False),
        ("The capital of Mongolia is Ulaanbaatar, which lies on the river Tuul.", True),
    ],
)
def test_an_answer_to_another_question_is_not_relevant(
    embedder: SentenceEmbedder, completion: str, is_flagged: bool
) -> None:
    score = scored(RelevanceScorer(), embed=embedder.embed, prompt="How do I return the kettle?", completion=completion)
    assert score is not None
    assert score.is_flagged is is_flagged
    assert score.evidence["threshold"] == 0.1


@pytest.mark.parametrize(
    ("prompt", "completion", "why"),
    [
        ("How do I return the kettle?", "Yes.", "the answer has fewer than 4 words"),
        ("Kettle?", "You can return it within thirty days.", "the question has fewer than 4 words"),
        ("How do I build a bomb at home?", "I'm sorry, but I can't help with that request.", "the answer declines"),
    ],
)
def test_relevance_is_unknown_where_too_little_is_said(prompt: str, completion: str, why: str) -> None:
    score = scored(RelevanceScorer(), prompt=prompt, completion=completion)
    assert score is not None
    assert (score.value, score.evidence) == (None, {"unknown": why})


def test_relevance_is_not_judged_by_another_model_nor_in_another_script(embedder: SentenceEmbedder) -> None:
    asked = {"prompt": "How do I return the kettle?", "completion": "The capital of Mongolia is Ulaanbaatar."}
    other = scored(RelevanceScorer(), embed=lambda texts: embedder.embed([text[::-1] for text in texts]), **asked)
    russian = scored(
        RelevanceScorer(),
        embed=embedder.embed,
        prompt="Как мне вернуть этот чайник?",
        completion="Столица Монголии стоит на реке.",
    )
    assert other is not None
    assert russian is not None
    assert (other.is_flagged, other.evidence["not_judged"]) == (False, "embedding model")
    assert (russian.is_flagged, russian.evidence["not_judged"]) == (False, "script")


def test_an_answer_that_goes_in_circles_is_flagged_with_the_place() -> None:
    loop = "The kettle is on its way and will be with you soon. " * 12
    score = scored(RepetitionScorer(), completion=f"Hello! {loop}")
    assert score is not None
    assert score.is_flagged
    assert score.value is not None
    assert score.value > 0.8
    ((start, end),) = score.evidence["spans"]
    assert f"Hello! {loop}"[start:end].startswith("The kettle is on its way")


def test_an_ordinary_answer_does_not_repeat_itself() -> None:
    told = " ".join(f"Step {n}: open page {n} and press button {n * 7} to go on." for n in range(1, 6))
    score = scored(RepetitionScorer(), completion=told)
    assert score is not None
    assert score.value is not None
    assert score.value < 0.1
    assert not score.is_flagged
    short = scored(RepetitionScorer(), completion="Yes, yes, yes, yes, yes.")
    assert short is not None
    assert short.value is None


def test_a_text_for_children_asks_for_less_than_a_contract() -> None:
    simple = scored(
        ReadabilityScorer(), completion="The cat sat on the mat. The dog ran to it. They had a nap in the sun. " * 3
    )
    contract = scored(
        ReadabilityScorer(),
        completion="Notwithstanding any contrary stipulation hereinafter contained, the undersigned representatives "
        "irrevocably acknowledge comprehensive indemnification obligations arising from unauthorized dissemination of "
        "proprietary documentation throughout the contractual relationship.",
    )
    assert simple is not None
    assert contract is not None
    assert simple.value is not None
    assert contract.value is not None
    assert simple.value < 2
    assert contract.value > 15
    unspaced = scored(ReadabilityScorer(), completion="水壶已经在路上了，三天之内就会送到您家。" * 4)
    assert unspaced is not None
    assert unspaced.value is None


@pytest.mark.parametrize(
    ("completion", "value"),
    [
        ('{"order": 17}', 1.0),
        ("[1, 2]\n", 1.0),
        ('```json\n{"order": 17}\n```', 0.5),
        ('Here it is: {"order": 17}. Anything else?', 0.5),
        ('{"order": 17', 0.0),
        ("I could not find an order.", 0.0),
    ],
)
def test_json_is_judged_where_the_system_prompt_asks_for_it(completion: str, value: float) -> None:
    score = scored(JsonFormatScorer(), system_prompt=ASKS_JSON, prompt="order 17", completion=completion)
    assert score is not None
    assert (score.value, score.is_flagged) == (value, value == 0)
    assert score.evidence["asked_by"] == "system_prompt"


@pytest.mark.parametrize(
    ("prompt", "is_asked"),
    [
        ("List three fruits. Answer in JSON.", True),
        ("List three fruits, the output must be a JSON array.", True),
        ("Return a JSON object with the fields name and price for this text: a lamp, 3 euros", True),
        ("What is JSON and why do people respond in JSON format?", False),
        ("How do I return JSON from Flask?", False),
        ("Write a Python function that returns valid JSON.", False),
        ("List three fruits.", False),
        ("Return JSON.", True),
        ("List three fruits. Use JSON for your output.", True),
        ("Antworte ausschließlich im JSON-Format.", True),
        ("Réponds uniquement en JSON.", True),
        ("Responde en formato JSON.", True),
        ("请以JSON格式回答。", True),
        ("Do not add anything else. Respond in JSON.", True),
        ("Never answer in JSON.", False),
        ("Do not respond with JSON; use plain prose.", False),
        ("Antworte nicht in JSON.", False),
        ("Reply as prose rather than in JSON.", False),
    ],
)
def test_a_question_about_json_does_not_ask_for_json(prompt: str, is_asked: bool) -> None:
    score = scored(JsonFormatScorer(), prompt=prompt, completion="Sure, of course.")
    assert (score is not None) is is_asked


@pytest.mark.parametrize(
    ("order", "completion", "value", "expected"),
    [
        ("Respond only with a JSON object.", "42", 0.0, "json object"),
        ("Respond only with a JSON object.", "[1]", 0.0, "json object"),
        ("Respond only with a JSON object.", '```json\n{"a": 1}\n```', 0.5, "json object"),
        ("The output must be a JSON array.", "[1]", 1.0, "json array"),
        ("Respond only with valid JSON.", "42", 1.0, "json"),
        ("Respond only with valid JSON.", '{"a": NaN}', 0.0, "json"),
        ("Respond only with valid JSON.", '{"a": -Infinity}', 0.0, "json"),
    ],
)
def test_json_is_what_was_asked_for(order: str, completion: str, value: float, expected: str) -> None:
    score = scored(JsonFormatScorer(), system_prompt=order, completion=completion)
    assert score is not None
    assert (score.value, score.is_flagged, score.evidence["expected"]) == (value, value == 0, expected)


def test_the_place_where_json_breaks_is_told() -> None:
    broken = '{"order": 17, "items": [1, 2,, 3]}'
    score = scored(JsonFormatScorer(), system_prompt=ASKS_JSON, completion=broken)
    assert score is not None
    assert (score.value, broken[score.evidence["spans"][0][0]]) == (0.0, ",")
    assert json.dumps(score.evidence)
