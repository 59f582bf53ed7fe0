from collections.abc import Sequence
from pathlib import Path

import pytest

from driftline_analyzers.grounding.scorer import GroundingScorer
from driftline_analyzers.grounding.second_stage import Asked, Judgement
from driftline_analyzers.scoring.registry import make_scorers
from driftline_analyzers.scoring.scorer import CallScore
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.errors import ConfigError
from tests.analyzers.grounding.test_scorer import BRIDGE, call, no_vectors
from tests.analyzers.grounding.tiny_models import planted_token_classifier, random_sequence_classifier, word_tokenizer

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


def scored(stage: Says | None, *, grey: tuple[float, float] = ALL, answer: str = ANSWER) -> CallScore:
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


def test_a_model_that_is_none_of_both_breaks_at_its_first_use_only(tmp_path: Path) -> None:
    [scorer] = make_scorers(AnalyzerSettings(scorers=("grounding",), grounding_model=str(tmp_path)))
    with pytest.raises(ConfigError, match="token classifier"):
        scorer.score([call(ANSWER)], embed=no_vectors)
