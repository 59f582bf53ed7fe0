from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from driftline_analyzers.grounding.model_kind import open_second_stage
from driftline_analyzers.grounding.scorer import GroundingScorer
from driftline_analyzers.grounding.second_stage import Asked, Judgement, SecondStage
from driftline_analyzers.scoring.registry import make_scorers
from driftline_analyzers.scoring.scorer import CallScore
from driftline_analyzers.settings import AnalyzerSettings
from tests.analyzers.grounding.test_scorer import BRIDGE, call, no_vectors
from tests.analyzers.grounding.tiny_models import (
    byte_tokenizer,
    planted_token_classifier,
    random_sequence_classifier,
    word_tokenizer,
)
from tests.analyzers.scoring.test_conformance import CALLS, HUGE, check, with_text

ANSWER = "The bridge was built by the engineer Thomas Wray. It is 999 miles long and crosses the river Dean."
ALL: tuple[float, float] = (0.0, 1.0)
MISSING_NUMBER = (0.3, 1.0)


class Says:
    """Takes down what it is asked and answers the same to all; marks the words named, if any are."""

    name = "says"

    def __init__(self, support: float | None, mark: str | None = None) -> None:
        self.asked: list[Asked] = []
        self._support = support
        self._mark = mark

    def judge(self, asked: Sequence[Asked]) -> list[Judgement]:
        self.asked.extend(asked)
        return [self._judgement(one) for one in asked]

    def _judgement(self, one: Asked) -> Judgement:
        if self._mark is None:
            return Judgement(support=self._support)
        at = one.answer.find(self._mark, one.start, one.end)
        return Judgement(support=self._support, spans=[] if at < 0 else [(at, at + len(self._mark))])


def scored(stage: SecondStage | None, *, grey: tuple[float, float] = ALL, answer: str = ANSWER) -> CallScore:
    [[score]] = GroundingScorer(second_stage=stage, grey=grey).score([call(answer)], embed=no_vectors)
    return score


def marked(score: CallScore, answer: str = ANSWER) -> list[tuple[str, str]]:
    return [(answer[span["start"] : span["end"]], span["reason"]) for span in score.evidence["spans"]]


def test_only_sentences_in_the_grey_zone_are_asked_about() -> None:
    alone = scored(None)
    low, high = sorted(one["probability"] for one in alone.evidence["sentences"])
    assert low < MISSING_NUMBER[0] < high
    stage = Says(0.999)
    score = scored(stage, grey=MISSING_NUMBER)
    [asked] = stage.asked
    assert asked.claim == "It is 999 miles long and crosses the river Dean."
    assert asked.evidence in BRIDGE[0]
    assert asked.documents == BRIDGE
    assert asked.question == "Tell me about the Hollin Bridge"
    assert score.value is not None
    assert alone.value is not None
    assert score.value < alone.value
    assert score.evidence["second_stage"] == {"model": "says", "n_asked": 1, "n_unread": 0}
    assert [one.get("second_stage_support") for one in score.evidence["sentences"]].count(0.999) == 1


def test_nothing_is_asked_when_nothing_is_grey() -> None:
    stage = Says(0.5)
    score = scored(stage, grey=(0.98, 0.99), answer="The Hollin Bridge crosses the river Dean.")
    assert stage.asked == []
    assert "second_stage" not in score.evidence


def test_what_the_second_stage_marks_replaces_the_words_of_the_first() -> None:
    reason = "not supported, says the second stage"
    stage = Says(0.001, mark="crosses the river")
    assert marked(scored(stage, grey=MISSING_NUMBER)) == [("crosses the river", reason)]


def test_where_the_second_stage_marks_nothing_the_words_of_the_first_stay() -> None:
    for stage in (Says(0.001), Says(0.001, mark="nowhere")):
        found = marked(scored(stage))
        assert {reason for _, reason in found} == {"not in the documents"}
        assert any("999" in text for text, _ in found)


def test_a_sentence_that_the_second_stage_cannot_read_keeps_the_verdict_of_the_first() -> None:
    score, alone = scored(Says(None)), scored(None)
    assert score.value == alone.value
    assert score.evidence["spans"] == alone.evidence["spans"]
    assert score.evidence["second_stage"] == {"model": "says", "n_asked": 2, "n_unread": 2}


def test_scores_that_a_model_had_a_say_in_are_of_another_version() -> None:
    assert GroundingScorer(second_stage=Says(0.5)).version == f"{GroundingScorer().version}/says"


def test_a_token_classifier_that_the_settings_name_marks_the_answer(tmp_path: Path) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "bridge", "river", "999", "miles", "dean", "."]
    word_tokenizer(tmp_path, words, n_positions=256)
    planted_token_classifier(
        tmp_path, {0: "LABEL_0", 1: "LABEL_1"}, verdicts=(1, 0), bad=[words.index("999"), words.index("miles")],
        n_words=len(words), n_positions=256,
    )  # fmt: skip
    [scorer] = make_scorers(AnalyzerSettings(scorers=("grounding",), grounding_model=str(tmp_path)))
    answer = "🌉 " + ANSWER
    [[score]] = scorer.score([call(answer)], embed=no_vectors)
    assert score.is_flagged
    assert marked(score, answer) == [("999 miles", "not supported, says the second stage")]
    assert scorer.version.endswith(f"/{tmp_path}")


def test_a_sequence_classifier_that_the_settings_name_has_a_say(tmp_path: Path) -> None:
    model = random_sequence_classifier(tmp_path, {0: "contradiction", 1: "entailment"})
    [scorer] = make_scorers(AnalyzerSettings(scorers=("grounding",), grounding_model=model))
    [[score]] = scorer.score([call(ANSWER)], embed=no_vectors)
    assert score.evidence["second_stage"]["n_asked"] > 0


def bytes_marking_vowels(folder: Path) -> str:
    """A byte-level token classifier that calls vowels, and some bytes of other scripts, unsupported."""
    tokenizer = byte_tokenizer(folder, ["no merges"], n_positions=512)
    bad = tokenizer("aeiou\u0430\u4e00\U0001f600", add_special_tokens=False)["input_ids"]
    return planted_token_classifier(
        folder, {0: "LABEL_0", 1: "LABEL_1"}, verdicts=(1, 0), bad=bad, n_words=len(tokenizer), n_positions=512
    )


def test_any_text_gets_scores_that_keep_the_contract(tmp_path: Path) -> None:
    stage = open_second_stage(bytes_marking_vowels(tmp_path), device="cpu")
    scorer = GroundingScorer(second_stage=stage, grey=ALL)
    calls = [*CALLS.values(), with_text(HUGE)]
    found = scorer.score(calls, embed=no_vectors)
    for one, scores in zip(calls, found, strict=True):
        check(one, scores)
    evidence = [
        score.evidence["second_stage"] for scores in found for score in scores if "second_stage" in score.evidence
    ]
    assert sum(one["n_asked"] for one in evidence) > 200
    assert sum(one["n_unread"] for one in evidence) > 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_judges_alike(tmp_path: Path) -> None:
    model = bytes_marking_vowels(tmp_path)
    here, there = (scored(open_second_stage(model, device=device)) for device in ("cpu", "cuda"))
    assert here.value == pytest.approx(there.value, abs=1e-4)
    assert here.evidence["spans"] == there.evidence["spans"]


@pytest.mark.parametrize("is_folder", [True, False])
def test_without_the_model_the_first_stage_goes_on_and_says_why(tmp_path: Path, is_folder: bool) -> None:
    model = str(tmp_path) if is_folder else "no/such-model"
    [scorer] = make_scorers(AnalyzerSettings(scorers=("grounding",), grounding_model=model))
    [alone] = make_scorers(AnalyzerSettings(scorers=("grounding",)))
    calls = [call(f"It is {n}99 miles long and crosses the river Dean.") for n in range(3)]
    for [said], [expected] in zip(
        scorer.score(calls, embed=no_vectors), alone.score(calls, embed=no_vectors), strict=True
    ):
        assert (said.value, said.is_flagged) == (expected.value, expected.is_flagged)
        assert said.evidence["second_stage"]["n_unread"] == 1
        assert model in said.evidence["second_stage"]["problem"]
