from pathlib import Path

import numpy as np
import pytest

from driftline_analyzers.grounding.cross_encoder import CrossEncoderStage
from driftline_analyzers.grounding.second_stage import Asked, Judgement
from driftline_core.errors import ConfigError
from tests.analyzers.grounding.tiny_models import random_sequence_classifier


def asked(evidence: str, claim: str) -> Asked:
    return Asked(question="", documents=(evidence,), evidence=evidence, answer=claim, start=0, end=len(claim))


PAIRS = [asked("the bridge is long", "the river is long " * k) for k in (1, 9, 2, 5)]


def supports(model: str, *, batch_size: int = 32) -> list[float]:
    found = CrossEncoderStage(model, batch_size=batch_size, max_tokens=64).judge(PAIRS)
    assert all(one.spans is None for one in found)
    return [one.support for one in found if one.support is not None]


def logits(model: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """As transformers alone gives them: (n, labels)."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(model)(
        [one.evidence for one in PAIRS], [one.claim for one in PAIRS], padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        found = AutoModelForSequenceClassification.from_pretrained(model)(**tokens).logits
    return np.asarray(found.numpy(), dtype=np.float64)


def test_probabilities_come_in_order_whatever_the_batches(tmp_path: Path) -> None:
    model = random_sequence_classifier(tmp_path, {0: "contradiction", 1: "entailment", 2: "neutral"})
    one, two = supports(model, batch_size=1), supports(model, batch_size=3)
    assert np.allclose(one, two, atol=1e-5)
    assert len(set(np.round(one, 6))) > 1
    exponents = np.exp(logits(model))
    assert np.allclose(one, exponents[:, 1] / exponents.sum(1), atol=1e-5)


@pytest.mark.parametrize("label", ["LABEL_0", "consistency"])
def test_one_output_is_the_log_odds_of_support_as_hhem_gives_it(tmp_path: Path, label: str) -> None:
    model = random_sequence_classifier(tmp_path, {0: label})
    assert np.allclose(supports(model), 1 / (1 + np.exp(-logits(model)[:, 0])), atol=1e-5)


def test_one_output_that_is_called_hallucination_is_turned_round(tmp_path: Path) -> None:
    model = random_sequence_classifier(tmp_path, {0: "hallucination"})
    assert np.allclose(supports(model), 1 / (1 + np.exp(logits(model)[:, 0])), atol=1e-5)


@pytest.mark.parametrize(
    ("labels", "column"),
    [
        ({0: "entailment", 1: "not_entailment"}, 0),
        ({0: "hallucinated", 1: "ok"}, 1),
        ({0: "fine", 1: "hallucination"}, 0),
        ({0: "unsupported", 1: "supported"}, 1),
    ],
)
def test_two_outputs_go_by_the_names_of_their_labels(tmp_path: Path, labels: dict[int, str], column: int) -> None:
    model = random_sequence_classifier(tmp_path, labels)
    exponents = np.exp(logits(model))
    assert np.allclose(supports(model), exponents[:, column] / exponents.sum(1), atol=1e-5)


@pytest.mark.parametrize(
    "labels", [{0: "cats", 1: "dogs"}, {0: "LABEL_0", 1: "LABEL_1"}, {0: "hallucinated", 1: "a", 2: "b"}]
)
def test_a_model_whose_labels_say_nothing_of_support_is_refused(tmp_path: Path, labels: dict[int, str]) -> None:
    with pytest.raises(ConfigError, match="entail"):
        CrossEncoderStage(random_sequence_classifier(tmp_path, labels))


def test_weights_that_give_no_number_give_no_verdict(tmp_path: Path) -> None:
    import torch
    from transformers import BertForSequenceClassification

    model = BertForSequenceClassification.from_pretrained(random_sequence_classifier(tmp_path, {0: "LABEL_0"}))
    with torch.no_grad():
        model.classifier.weight.fill_(float("nan"))
    model.save_pretrained(tmp_path)
    assert CrossEncoderStage(str(tmp_path), max_tokens=64).judge(PAIRS[:1]) == [Judgement(support=None)]
