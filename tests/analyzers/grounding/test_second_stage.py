from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from driftline_analyzers.grounding.scorer import GroundingScorer
from driftline_analyzers.grounding.second_stage import CrossEncoderStage
from driftline_core.errors import ConfigError
from tests.analyzers.grounding.test_scorer import BRIDGE, call, no_vectors

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "bridge", "is", "long", "river", "##s", "built"]


def tiny(folder: Path, labels: dict[int, str]) -> str:
    """A random BERT classifier with two layers of 16."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    torch.manual_seed(0)
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    BertTokenizer(vocab_file=str(folder / "vocab.txt")).save_pretrained(str(folder))
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, id2label=labels, label2id={name: number for number, name in labels.items()},
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(str(folder))
    return str(folder)


PAIRS = [("the bridge is long", "the river is long " * k) for k in (1, 9, 2, 5)]


def test_probabilities_come_in_order_whatever_the_batches(tmp_path: Path) -> None:
    model = tiny(tmp_path, {0: "contradiction", 1: "entailment", 2: "neutral"})
    one = CrossEncoderStage(model, batch_size=1, max_tokens=64).support(PAIRS)
    two = CrossEncoderStage(model, batch_size=3, max_tokens=64).support(PAIRS)
    assert np.allclose(one, two, atol=1e-5)
    assert len(set(np.round(one, 6))) > 1
    assert all(0 < value < 1 for value in one)


def test_a_model_with_one_output_tells_log_odds(tmp_path: Path) -> None:
    found = CrossEncoderStage(tiny(tmp_path, {0: "LABEL_0"}), max_tokens=64).support(PAIRS)
    assert len(found) == len(PAIRS)
    assert all(0 < value < 1 for value in found)


def test_a_model_whose_labels_say_nothing_of_support_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="entail"):
        CrossEncoderStage(tiny(tmp_path, {0: "cats", 1: "dogs"}))


class Says:
    """Takes down what it is asked and answers the same to all."""

    name = "says"

    def __init__(self, support: float) -> None:
        self.asked: list[tuple[str, str]] = []
        self._support = support

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        self.asked.extend(pairs)
        return [self._support] * len(pairs)


def test_only_sentences_in_the_grey_zone_are_asked_about() -> None:
    answer = "The bridge was built by the engineer Thomas Wray. It is 999 miles long and crosses the river Dean."
    alone = GroundingScorer().score([call(answer)], embed=no_vectors)[0][0]
    low, high = sorted(one["probability"] for one in alone.evidence["sentences"])
    stage = Says(0.999)
    scorer = GroundingScorer(second_stage=stage, grey=((low + high) / 2, 1.0))
    [[score]] = scorer.score([call(answer)], embed=no_vectors)
    assert [claim for _, claim in stage.asked] == ["It is 999 miles long and crosses the river Dean."]
    assert stage.asked[0][0] in BRIDGE[0]
    assert score.value is not None
    assert alone.value is not None
    assert score.value < alone.value


def test_nothing_is_asked_when_nothing_is_grey() -> None:
    stage = Says(0.5)
    calls = [call("The Hollin Bridge crosses the river Dean.")]
    assert GroundingScorer(second_stage=stage, grey=(0.98, 0.99)).score(calls, embed=no_vectors)[0]
    assert stage.asked == []


def test_scores_that_a_model_had_a_say_in_are_of_another_version() -> None:
    assert GroundingScorer().version == "2"
    assert GroundingScorer(second_stage=Says(0.5)).version == "2/says"
