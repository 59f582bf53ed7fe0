import json
import math
import os
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_analyzers.grounding.head import shipped_head
from driftline_analyzers.grounding.scorer import GroundingScorer
from driftline_analyzers.grounding.sources import Source
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore

BRIDGE = (
    "The Hollin Bridge was built between 1872 and 1876 by the engineer Thomas Wray. It is 214 metres long and crosses the river Dean.",
    "The bridge was closed to cars in 1998 and is now used by pedestrians and cyclists only.",
)


def no_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    raise AssertionError(f"expected no text to be embedded, got {len(texts)}")


def call(completion: str, documents: Sequence[str] = BRIDGE, prompt: str = "Tell me about the Hollin Bridge") -> Call:
    return Call(
        trace_id="", span_id="", start_ns=0, service="", model="", prompt_version="", session_id="", system_prompt="",
        prompt=prompt, completion=completion, documents=documents,
    )  # fmt: skip


def judged(completion: str, documents: Sequence[str] = BRIDGE) -> CallScore:
    [[score]] = GroundingScorer().score([call(completion, documents)], embed=no_vectors)
    return score


def marked(completion: str) -> list[str]:
    return [completion[span["start"] : span["end"]] for span in judged(completion).evidence["spans"]]


def test_what_the_documents_say_is_supported() -> None:
    score = judged(
        "The Hollin Bridge was built by the engineer Thomas Wray between 1872 and 1876. It is 214 metres long."
    )
    assert (score.field, score.is_flagged, score.evidence["verdict"]) == ("completion", False, "supported")
    assert score.evidence["spans"] == []


@pytest.mark.parametrize(
    ("completion", "words"),
    [
        ("The Hollin Bridge was built between 1872 and 1886 by the engineer Thomas Wray.", ["1886"]),
        ("The Hollin Bridge was built between 1872 and 1876 by the engineer Gustave Eiffel.", ["Gustave Eiffel"]),
        ("It is 214 metres long. Every summer thousands of tourists admire its fireworks.", ["tourists admire its fireworks"]),
    ],
)  # fmt: skip
def test_words_that_no_document_holds_are_marked(completion: str, words: list[str]) -> None:
    score = judged(completion)
    assert score.is_flagged
    assert score.evidence["verdict"] == "unsupported"
    found = marked(completion)
    assert all(any(word in text or text in word for text in found) for word in words), found


@pytest.mark.parametrize("n_sentences", [24, 60, 180])
def test_a_long_answer_that_copies_its_documents_is_not_flagged(n_sentences: int) -> None:
    text = "\n".join(
        f"{BRIDGE[i % 2]} Arch {i} of the bridge bears the mark of mason {i + 7}." for i in range(n_sentences // 3)
    )
    score = judged(text, [text])
    assert not score.is_flagged, score.value
    invented = text + "\nIn 1911 the Duke of Ravenna bought it for 40 million dollars."
    assert judged(invented, [text]).is_flagged


def test_a_wrong_number_makes_an_answer_less_likely_supported() -> None:
    right, wrong = judged("The bridge is 214 metres long."), judged("The bridge is 241 metres long.")
    assert right.value is not None
    assert wrong.value is not None
    assert wrong.value > right.value


def test_a_number_with_another_unit_is_not_supported() -> None:
    assert judged("It is 214 metres long and crosses the river Dean.").evidence["verdict"] == "supported"
    assert judged("It is 214 miles long and crosses the river Dean.").evidence["verdict"] != "supported"


def test_numbers_are_compared_by_value() -> None:
    documents = ["The town has 1,000 inhabitants, seven schools and 2.50 parks each."]
    score = judged("The town has 1000 inhabitants, 7 schools and 2.5 parks each.", documents)
    assert score.evidence["verdict"] == "supported"


def test_each_sentence_has_its_best_evidence_with_offsets() -> None:
    score = judged("Cars have not been allowed on the bridge since 1998.")
    [sentence] = score.evidence["sentences"]
    evidence = sentence["evidence"]
    assert evidence["document"] == 1
    assert BRIDGE[1][evidence["start"] : evidence["end"]] == evidence["text"]


@pytest.mark.parametrize(
    "completion",
    [
        "",
        "   \n",
        "I'm sorry, but I can't help with that.",
        "What would you like to know?",
        "Hello! Let me know if you need anything else.",
        "The passages do not mention who paid for it.",
        "🙂🙂🙂",
    ],
)
def test_what_claims_nothing_gets_no_score(completion: str) -> None:
    assert GroundingScorer().score([call(completion)], embed=no_vectors) == [[]]


def test_a_call_without_documents_gets_no_score() -> None:
    calls = [call("The bridge is long.", documents=()), call("The bridge is long.", documents=("", "  "))]
    assert GroundingScorer().score(calls, embed=no_vectors) == [[], []]


def test_scores_are_the_same_alone_in_a_batch_and_again() -> None:
    calls = [call("It is 214 metres long."), call("It is 99 metres long."), call("It was painted blue by Anna.")]
    scorer = GroundingScorer()
    together = scorer.score(calls, embed=no_vectors)
    assert together == scorer.score(calls, embed=no_vectors)
    assert together == [scorer.score([one], embed=no_vectors)[0] for one in calls]


@pytest.mark.parametrize(
    ("completion", "documents"),
    [
        ("桥长214米。它建于1872年。", ["这座桥长214米，建于1872年。"]),
        ("Мост построен в 1872 году. 🙂", ["Мост был построен в 1872 году."]),
        ("الجسر طوله 214 مترا.", ["يبلغ طول الجسر 214 مترا."]),
        ("Bridge \ud800 of 1872.", ["The bridge \x00 of 1872."]),
        ("a. b. c. " * 5000, ["a. b. c. " * 5000]),
        ("word " * 20_000, ["word " * 20_000]),
        ("語" * 20_000, ["語" * 20_000]),
    ],
)
def test_any_text_gets_a_finite_score_and_spans_inside_it(completion: str, documents: list[str]) -> None:
    [scores] = GroundingScorer().score([call(completion, documents)], embed=no_vectors)
    for score in scores:
        assert score.value is not None
        assert math.isfinite(score.value)
        assert 0 <= score.value <= 1
        assert all(0 <= span["start"] < span["end"] <= len(completion) for span in score.evidence["spans"])


def test_the_same_in_chinese_is_supported_and_another_number_is_not() -> None:
    documents = ["这座桥长214米，建于1872年，位于城市北部。"]
    assert not judged("这座桥长214米。它建于1872年。", documents).is_flagged
    assert judged("这座桥长999米，由著名建筑师设计。", documents).is_flagged


def test_what_is_not_read_is_told() -> None:
    documents = ["The bridge is 214 metres long. " * 100]
    [[score]] = GroundingScorer(max_chars=1000).score([call("It is 214 metres long.", documents)], embed=no_vectors)
    assert score.evidence["n_unread_document_chars"] == len(documents[0]) - 1000
    many = judged("It is 214 metres long. " * 250)
    assert many.evidence["n_unread_sentences"] == 50


def test_what_was_not_read_may_hold_it() -> None:
    documents = ["The bridge is 214 metres long. " * 100]
    invented = "Gustave Eiffel painted it blue in 1911."
    [[score]] = GroundingScorer(max_chars=1000).score([call(invented, documents)], embed=no_vectors)
    [[whole]] = GroundingScorer().score([call(invented, documents)], embed=no_vectors)
    assert (whole.is_flagged, whole.evidence["verdict"]) == (True, "unsupported")
    assert (score.is_flagged, score.evidence["verdict"], score.evidence["spans"]) == (False, "unsure", [])
    assert score.value == whole.value
    assert "read" in score.evidence["not_flagged"]


def test_code_and_headers_of_tables_are_not_judged() -> None:
    text = "It is 214 metres long.\n```python\nfee = Invoice(99, 'Paris')\n```\n| Fireworks | Tourists |\n|---|---|\n"
    assert [one["end"] for one in judged(text).evidence["sentences"]] == [22]


def test_evidence_is_json() -> None:
    evidence = judged("It is 99 metres long and made of cheese.").evidence
    assert json.loads(json.dumps(evidence)) == evidence


def test_the_head_finds_every_feature_a_sign_of_less_support() -> None:
    head = shipped_head()
    assert (head.weights >= 0).all()
    assert 0 < head.threshold < 1
    assert 0 < head.sentence_threshold < 1


@pytest.mark.parametrize(
    ("document", "completion"),
    [
        ("Das Abo kostet 1.000 Euro im Monat.", "Das Abo kostet 1000 Euro im Monat."),
        ("Das Abo kostet 1000 Euro im Monat.", "Das Abo kostet 1.000 Euro im Monat."),
        ("Each disk is 1.500 inches thick.", "Each disk is 1.5 inches thick."),
        ("The price is 49 euros.", "The price is ４９ euros."),
        ("It opened on March 5, 2020.", "It opened on 2020-03-05."),
        ("It opened on 5 March 2020.", "It opened on 05/03/2020."),
        ("It opened on 2020-03-05.", "It opened on 5 March 2020."),
        ("It was paid from 5 to 8 March 2020.", "It was paid from 5 March 2020."),
        ("The lease costs 49 euros a month.", "The lease costs €49 per month."),
        ("The lease costs $5 million.", "The lease costs 5,000,000 dollars."),
        ("The lease costs 49 dollars.", "The lease costs forty-nine dollars."),
        ("It is 49 kilometres long.", "It is 49 km long."),
        ("سعر الدراجة ٤٩ يورو", "سعر الدراجة 49 يورو"),
        ("Die Gebühr beträgt fünf Euro.", unicodedata.normalize("NFD", "Die Gebühr beträgt fünf Euro.")),
    ],
)
def test_what_is_only_written_otherwise_is_supported(document: str, completion: str) -> None:
    score = judged(completion, [document])
    assert score.evidence["verdict"] == "supported", score


@pytest.mark.parametrize(
    ("document", "completion", "marked"),
    [
        ("साइकिल की कीमत दिल्ली में हर महीने ४९ यूरो है।", "साइकिल की कीमत मुंबई में हर महीने ४९ यूरो है।", "मुंबई"),
        ("اتَّفَقَ الطَّرَفَانِ عَلَى السِّعْرِ", "عَلَّمَنَا", "عَلَّمَنَا"),
        ("நகரில் மிதிவண்டி விலை 49 யூரோ", "நகரில் மிதிவண்டி விலை 59 யூரோ", "59"),
    ],
)
def test_words_of_scripts_with_marks_are_marked_whole(document: str, completion: str, marked: str) -> None:
    head = replace(shipped_head(), threshold=0.0, sentence_threshold=0.0)
    ((score,),) = GroundingScorer(head=head).score([call(completion, [document])], embed=no_vectors)
    assert [completion[one["start"] : one["end"]] for one in score.evidence["spans"]] == [marked]


LEASE = (
    "The lease costs 49 euros a month in Berlin. It can be cancelled in the app at any time. The bicycle weighs 14 kilograms. The battery "
    "lasts for 80 kilometres. A helmet is included in the price. The shop opened on 5 March 2020. The old one closed on 3 May 2021.",
    "The company sold bicycles for $5 million in 2022.",
)


@pytest.mark.parametrize(
    ("completion", "marked"),
    [
        ("The lease costs 59 euros a month in Berlin.", "59"),
        ("The lease costs 49 dollars a month in Berlin.", "49"),
        ("The lease costs 49 euros a year in Berlin.", "49"),
        ("The lease costs 49 euros a month in Paris.", "Paris"),
        ("The battery lasts for 80 miles.", "80 miles"),
        ("The battery lasts for 14 kilometres.", ""),
        ("A helmet is not included in the price.", "not"),
        ("It cannot be cancelled in the app.", "cannot"),
        ("The shop opened on 3 May 2020.", "3 May 2020"),
        ("The shop opened on 2020-05-03.", "2020-05-03"),
        ("The shop opened in March 2021.", "March 2021"),
        ("The company sold bicycles for $5 billion in 2022.", "5"),
    ],
)
def test_a_copy_with_one_thing_altered_is_flagged(completion: str, marked: str) -> None:
    score = judged(completion, LEASE)
    assert score.is_flagged, score.value
    if marked:
        assert marked in [completion[one["start"] : one["end"]] for one in score.evidence["spans"]]


@pytest.mark.parametrize("document", LEASE)
def test_the_same_copy_unaltered_is_not(document: str) -> None:
    for completion in (document, *(f"{one.rstrip('.')}." for one in document.split(". "))):
        assert judged(completion, LEASE).evidence["verdict"] == "supported", completion


def test_no_digit_depends_on_how_python_hashes_strings() -> None:
    """Sums over a source's words are in the order in which it has them."""
    program = (
        "from driftline_analyzers.grounding.sources import Source\n"
        f"print(Source({BRIDGE!r}, max_chars=1000).meanings.tobytes().hex())"
    )
    environment = os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == Source(BRIDGE, max_chars=1000).meanings.tobytes().hex()
