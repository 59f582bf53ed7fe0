from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from driftline_analyzers.grounding.second_stage import Asked, Judgement
from driftline_analyzers.grounding.token_classifier import TokenClassifierStage, prompt_of, unsupported_columns
from driftline_core.errors import ConfigError
from tests.analyzers.grounding.tiny_models import (
    byte_tokenizer,
    planted_token_classifier,
    random_token_classifier,
    word_tokenizer,
)

UNNAMED = {0: "LABEL_0", 1: "LABEL_1"}


def asked(
    answer: str, claim: str | None = None, *, documents: Sequence[str] = ("a text",), evidence: str = "a text", question: str = "why"
) -> Asked:  # fmt: skip
    part = answer if claim is None else claim
    start = answer.index(part)
    return Asked(
        question=question, documents=tuple(documents), evidence=evidence, answer=answer, start=start, end=start + len(part)
    )  # fmt: skip


def bytes_marking(
    folder: Path, bad: str, *, labels: dict[int, str] = UNNAMED, verdicts: tuple[int, int] = (1, 0)
) -> str:
    """A byte-level model of 512 tokens that calls every token of `bad` unsupported. verdicts: the labels it gives, unsupported first."""
    tokenizer = byte_tokenizer(folder, ["the bridge is long and red, says the guide. " * 4], n_positions=512)
    ids = {token for text in (bad, " " + bad) for token in tokenizer(text, add_special_tokens=False)["input_ids"]}
    ids -= set(tokenizer(" ", add_special_tokens=False)["input_ids"])
    return planted_token_classifier(folder, labels, verdicts=verdicts, bad=ids, n_words=len(tokenizer), n_positions=512)


def marked(answer: str, judgement: Judgement) -> list[str]:
    assert judgement.spans is not None
    return [answer[start:end] for start, end in judgement.spans]


@pytest.mark.parametrize(
    ("answer", "bad"),
    [
        ("the bridge is 🌉🌉 long", "🌉🌉"),
        ("👩‍👩‍👧 the bridge is 999 long", "999"),
        ("Мост длинный 🙂 777", "777"),
        ("桥很长,有999座", "999"),
        ("e\u0301toile\u0301e, the bridge ZZZ", "ZZZ"),
        ("الجسر طويل 555", "555"),
    ],
)
def test_marked_text_stands_where_the_answer_has_it(tmp_path: Path, answer: str, bad: str) -> None:
    [judgement] = TokenClassifierStage(bytes_marking(tmp_path, bad)).judge([asked(answer)])
    assert "".join(marked(answer, judgement)) == bad
    assert judgement.support == pytest.approx(0.018, abs=0.002)


def test_a_tokenizer_that_lowers_and_strips_accents_tells_places_in_the_text_as_written(tmp_path: Path) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "bridge", "creme", "##s"]
    word_tokenizer(tmp_path, words, n_positions=128)
    bad = [words.index("creme"), words.index("##s")]
    planted_token_classifier(tmp_path, UNNAMED, verdicts=(1, 0), bad=bad, n_words=len(words), n_positions=128)
    answer = "🌉 THE  CRÈMES the bridge CRE\u0300ME"
    [judgement] = TokenClassifierStage(str(tmp_path)).judge([asked(answer)])
    assert marked(answer, judgement) == ["CRÈMES", "CRE\u0300ME"]


@pytest.mark.parametrize(
    ("labels", "verdicts"),
    [
        (UNNAMED, (1, 0)),
        ({0: "supported", 1: "hallucinated"}, (1, 0)),
        ({0: "hallucinated", 1: "non_hallucinated"}, (0, 1)),
        ({0: "O", 1: "B-unsupported", 2: "I-unsupported"}, (2, 0)),
        ({0: "contradiction", 1: "entailment", 2: "baseless"}, (0, 1)),
    ],
)
def test_which_label_means_unsupported_is_read_from_the_config(
    tmp_path: Path, labels: dict[int, str], verdicts: tuple[int, int]
) -> None:
    answer = "the bridge is 999 long"
    stage = TokenClassifierStage(bytes_marking(tmp_path, "999", labels=labels, verdicts=verdicts))
    wrong, right = stage.judge([asked(answer), asked("the bridge is long")])
    assert marked(answer, wrong) == ["999"]
    assert right.spans == []
    assert wrong.support is not None
    assert right.support is not None
    assert (round(wrong.support), round(right.support)) == (0, 1)


@pytest.mark.parametrize(
    "labels", [{0: "O", 1: "B-PER", 2: "I-PER"}, {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}, {0: "hallucinated"}]
)
def test_labels_that_do_not_tell_support_are_refused(labels: dict[int, str]) -> None:
    with pytest.raises(ConfigError, match="some mean unsupported"):
        unsupported_columns(labels, model="of somebody")


def test_each_sentence_of_an_answer_gets_its_own_verdict(tmp_path: Path) -> None:
    answer = "the bridge is long. the bridge is 999 long. is 999 the guide."
    claims = ("the bridge is long.", "the bridge is 999 long.", "is 999 the guide.")
    found = TokenClassifierStage(bytes_marking(tmp_path, "999")).judge([asked(answer, claim) for claim in claims])
    assert [one.spans for one in found] == [[], [(34, 37)], [(47, 50)]]
    assert [one.support is not None and one.support > 0.5 for one in found] == [True, False, False]


def test_verdicts_come_in_order_whatever_the_batches(tmp_path: Path) -> None:
    model = random_token_classifier(tmp_path, UNNAMED)
    questions = [
        asked("the bridge is long " * k, documents=("rivers is the river " * n,)) for k, n in ((1, 1), (9, 2), (2, 9), (5, 5))
    ]  # fmt: skip
    together = TokenClassifierStage(model, batch_tokens=10_000).judge(questions)
    alone = TokenClassifierStage(model, batch_tokens=1).judge(questions)
    one, two = ([judgement.support or 0.0 for judgement in found] for found in (together, alone))
    assert np.allclose(one, two, atol=1e-5)
    assert len(set(np.round(one, 6))) == len(questions)
    assert [one.spans for one in together] == [one.spans for one in alone]


def test_the_documents_are_read(tmp_path: Path) -> None:
    stage = TokenClassifierStage(random_token_classifier(tmp_path, UNNAMED))
    one, two = stage.judge([asked("the bridge", documents=(text,)) for text in ("is long", "river built river")])
    assert one.support != two.support


def test_of_documents_that_are_too_long_the_evidence_is_read(tmp_path: Path) -> None:
    stage = TokenClassifierStage(random_token_classifier(tmp_path, UNNAMED))
    long, short = stage.judge(
        [
            asked("the bridge is long", documents=("built " * 500,), evidence="the river is long"),
            asked("the bridge is long", documents=("the river is long",), evidence="the river is long"),
        ]
    )
    assert long.support == pytest.approx(short.support, abs=1e-6)


def test_evidence_that_is_too_long_is_cut_and_the_claim_is_not(tmp_path: Path) -> None:
    stage = TokenClassifierStage(bytes_marking(tmp_path, "999"))
    answer = "the bridge is long, says the guide, and 999"
    [judgement] = stage.judge([asked(answer, documents=("red " * 900,), evidence="red " * 800)])
    assert marked(answer, judgement) == ["999"]


def test_a_sentence_of_an_answer_that_is_too_long_is_read_alone(tmp_path: Path) -> None:
    stage = TokenClassifierStage(bytes_marking(tmp_path, "999"))
    answer = "🌉 the guide is red. " * 60 + "the bridge is 999 long."
    found = stage.judge([asked(answer, "the bridge is 999 long."), asked(answer, answer[:21])])
    assert marked(answer, found[0]) == ["999"]
    assert found[1].spans == []


def test_a_claim_that_does_not_fit_is_told(tmp_path: Path) -> None:
    stage = TokenClassifierStage(bytes_marking(tmp_path, "999"))
    long, short = stage.judge([asked("🌉 " * 200 + "999"), asked("the bridge is 999 long")])
    assert (long.support, long.spans) == (None, None)
    assert short.support is not None


def test_a_text_of_blanks_or_of_what_the_tokenizer_drops_is_not_judged(tmp_path: Path) -> None:
    stage = TokenClassifierStage(random_token_classifier(tmp_path, UNNAMED))
    assert stage.judge([asked("\u200b\u200b")]) == [Judgement(support=None)]
    assert stage.judge([]) == []


def test_weights_that_give_no_number_give_no_verdict(tmp_path: Path) -> None:
    import torch
    from transformers import BertForTokenClassification

    model = BertForTokenClassification.from_pretrained(random_token_classifier(tmp_path, UNNAMED))
    with torch.no_grad():
        model.classifier.weight.fill_(float("nan"))
    model.save_pretrained(tmp_path)
    assert TokenClassifierStage(str(tmp_path)).judge([asked("the bridge")]) == [Judgement(support=None)]


def test_a_tokenizer_without_offsets_is_refused(tmp_path: Path) -> None:
    from transformers import ByT5Tokenizer, T5Config, T5ForTokenClassification

    config = T5Config(
        d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, vocab_size=400, id2label=UNNAMED, is_encoder_decoder=False
    )
    T5ForTokenClassification(config).save_pretrained(tmp_path)
    ByT5Tokenizer().save_pretrained(str(tmp_path))
    with pytest.raises(ConfigError, match="offsets"):
        TokenClassifierStage(str(tmp_path))


def test_the_prompt_has_the_question_and_every_passage() -> None:
    prompt = prompt_of("How long?", ["It is long.", "It is red."])
    assert "How long?" in prompt
    assert "following 2 passages:\npassage 1: It is long.\npassage 2: It is red.\n" in prompt
    assert prompt_of("", ["It is long."]) == "Summarize the following text:\npassage 1: It is long.\noutput:"
