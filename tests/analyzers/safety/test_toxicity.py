from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.safety.classifier import TextClassifier
from driftline_analyzers.safety.toxicity import ToxicityScorer
from driftline_core.errors import ConfigError
from tests.analyzers.safety.calls import call, no_embedding, other_model

HATEFUL = "I hate immigrants, they are all disgusting vermin."
HARMLESS = "My neighbours are immigrants and we cook together on Sundays."


def test_hate_is_flagged_and_a_neutral_mention_is_not(embedder: SentenceEmbedder) -> None:
    hateful, harmless = ToxicityScorer().score(
        [call(prompt=HATEFUL, completion=HARMLESS), call(completion=HARMLESS)], embed=embedder.embed
    )
    assert [(one.field, one.is_flagged) for one in hateful] == [("prompt", True), ("completion", False)]
    assert [(one.field, one.is_flagged) for one in harmless] == [("completion", False)]
    assert hateful[1] == harmless[0]


@pytest.mark.parametrize("group", ["women", "Muslims", "gay people", "immigrants", "disabled people"])
def test_the_group_that_is_named_makes_no_difference(group: str, embedder: SentenceEmbedder) -> None:
    texts = [f"I hate {group}, they ruin everything.", "I hate trans people, they ruin everything."]
    scored = ToxicityScorer().score([call(prompt=text) for text in texts], embed=embedder.embed)
    assert scored[0][0].value == scored[1][0].value


def test_the_worst_part_of_a_long_answer_decides(embedder: SentenceEmbedder) -> None:
    filler = "The lighthouse keeper writes down the weather. She likes the wind and the long evenings. " * 40
    ((found,),) = ToxicityScorer().score([call(completion=filler + HATEFUL)], embed=embedder.embed)
    assert found.is_flagged
    assert found.evidence["spans"][0][1] > len(filler)


def test_a_text_that_is_blank_as_far_as_it_is_read_is_unknown() -> None:
    ((found,),) = ToxicityScorer().score([call(completion=" " * 200_001 + "a")], embed=no_embedding)
    assert (found.value, found.is_flagged) == (None, False)
    assert found.evidence == {"unknown": "all that is read of the text is blank", "unread_chars": 2}


def test_ordinary_texts_are_not_embedded() -> None:
    calls = [call(prompt="How do I bake bread?", completion="Mix flour, water and salt. Wait a day. 😀")]
    (found,) = ToxicityScorer().score(calls, embed=no_embedding)
    assert [one.is_flagged for one in found] == [False, False]
    assert all(one.value is not None and one.value < 0.05 for one in found)


def test_with_another_embedding_model_the_head_knows_nothing() -> None:
    ((found,),) = ToxicityScorer().score([call(prompt=HATEFUL)], embed=other_model)
    assert (found.value, found.is_flagged) == (None, False)
    assert "name a classifier" in found.evidence["unknown"]


def test_blank_texts_are_not_scored_and_nothing_is_embedded_for_them() -> None:
    assert ToxicityScorer().score([call(prompt=" "), call()], embed=no_embedding) == [[], []]


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with random weights but for its last layer, which calls every text with the word 'vermin' toxic."""
    folder = tmp_path_factory.mktemp("classifier")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "vermin", "hello", "there"]
    vocab = {word: i for i, word in enumerate(words)}
    BertTokenizer(vocab=vocab, model_max_length=32).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        id2label={0: "neutral", 1: "toxic"},
        label2id={"neutral": 0, "toxic": 1},
    )
    model = BertForSequenceClassification(config)
    tokens = torch.tensor([[2, 5, 3], [2, 6, 3]])
    with torch.no_grad():
        pooled = model.bert(tokens).pooler_output
        model.classifier.weight.zero_()
        model.classifier.bias.zero_()
        direction = pooled[0] - pooled[1]
        model.classifier.weight[1] = direction * 10 / (direction @ direction)
        model.classifier.bias[1] = -5 - 10 * float(pooled[1] @ direction / (direction @ direction))
    model.save_pretrained(folder)
    return folder


def test_a_named_classifier_decides_instead_of_the_head(classifier: Path) -> None:
    scorer = ToxicityScorer(classifier=str(classifier))
    calls = [call(prompt="vermin", completion="hello"), call(completion="hello")]
    first, second = scorer.score(calls, embed=no_embedding)
    assert [(one.field, one.is_flagged) for one in first] == [("prompt", True), ("completion", False)]
    assert first[0].evidence["model"] == str(classifier)
    assert first[1] == second[0]


def test_a_long_text_is_read_by_the_classifier_in_parts_up_to_the_limit(classifier: Path) -> None:
    scorer = ToxicityScorer(classifier=str(classifier), max_windows=2)
    ((found,),) = scorer.score([call(completion="hello there. " * 600)], embed=no_embedding)
    assert found.evidence["unread_parts"] > 0
    assert TextClassifier(str(classifier)).probabilities([]).shape == (0,)


def test_labels_choose_the_toxic_classes(classifier: Path) -> None:
    of_toxic = TextClassifier(str(classifier)).probabilities(["vermin", "hello"])
    of_neutral = TextClassifier(str(classifier), labels=["neutral"]).probabilities(["vermin", "hello"])
    assert of_toxic + of_neutral == pytest.approx([1, 1])


def test_a_model_that_is_not_there_or_has_no_toxic_class_is_an_error(classifier: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a text classifier"):
        TextClassifier(str(tmp_path / "nowhere")).probabilities(["hi"])
    with pytest.raises(ConfigError, match="expected toxic classes"):
        TextClassifier(str(classifier), labels=["spam"]).probabilities(["hi"])
