"""Tiny classifiers of evidence and claim, saved as transformers saves them: random ones, and one whose verdict on each token is planted."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "bridge", "is", "long", "river", "##s", "built")


def _config(labels: dict[int, str], *, n_words: int, n_layers: int, n_positions: int) -> Any:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=n_words, hidden_size=16, num_hidden_layers=n_layers, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=n_positions, id2label=labels, label2id={name: number for number, name in labels.items()},
    )  # fmt: skip


def word_tokenizer(folder: Path, words: Sequence[str] = WORDS, *, n_positions: int) -> str:
    """WordPiece, lower case."""
    from transformers import BertTokenizer

    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    tokenizer = BertTokenizer(vocab=str(folder / "vocab.txt"), model_max_length=n_positions)
    tokenizer.save_pretrained(str(folder))
    return str(folder)


def byte_tokenizer(folder: Path, texts: Iterable[str], *, n_positions: int) -> Any:
    """Byte-level BPE, as ModernBERT's: what it has not seen falls into bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["[PAD]", "[CLS]", "[SEP]"]
    made.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    )
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, made.token_to_id(name)) for name in special[1:]],
    )
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # transformers types it so
        tokenizer_object=made, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", model_max_length=n_positions,
    )  # fmt: skip
    tokenizer.save_pretrained(str(folder))
    return tokenizer


def random_sequence_classifier(folder: Path, labels: dict[int, str]) -> str:
    """Two layers of 16, 64 tokens."""
    import torch
    from transformers import BertForSequenceClassification

    torch.manual_seed(0)
    word_tokenizer(folder, n_positions=64)
    BertForSequenceClassification(_config(labels, n_words=len(WORDS), n_layers=2, n_positions=64)).save_pretrained(
        folder
    )
    return str(folder)


def random_token_classifier(folder: Path, labels: dict[int, str], *, n_positions: int = 256) -> str:
    """Two layers of 16, whose verdict on a token hangs on all of both texts."""
    import torch
    from transformers import BertForTokenClassification

    torch.manual_seed(0)
    word_tokenizer(folder, n_positions=n_positions)
    model = BertForTokenClassification(_config(labels, n_words=len(WORDS), n_layers=2, n_positions=n_positions))
    for weights in model.parameters():
        weights.data.normal_(0, 0.4)
    model.save_pretrained(folder)
    return str(folder)


def planted_token_classifier(
    folder: Path,
    labels: dict[int, str],
    *,
    verdicts: tuple[int, int],
    bad: Iterable[int],
    n_words: int,
    n_positions: int,
) -> str:
    """No layer: a token is of the first label of verdicts with probability 0.98 if its id is in bad, else of the second."""
    import torch
    from transformers import BertForTokenClassification

    model = BertForTokenClassification(_config(labels, n_words=n_words, n_layers=0, n_positions=n_positions))
    sign = torch.ones(16)
    sign[::2] = -1
    with torch.no_grad():
        embeddings: Any = model.bert.embeddings
        embeddings.position_embeddings.weight.zero_()
        embeddings.token_type_embeddings.weight.zero_()
        embeddings.word_embeddings.weight.copy_(-sign.expand(n_words, 16))
        embeddings.word_embeddings.weight[list(bad)] = sign
        model.classifier.weight.fill_(0)
        model.classifier.bias.fill_(-20)
        model.classifier.weight[verdicts[0]] = sign / 8
        model.classifier.weight[verdicts[1]] = -sign / 8
        model.classifier.bias[list(verdicts)] = 0
    model.save_pretrained(folder)
    return str(folder)
