"""Every kind of model gives sentence-transformers' own vectors, whichever way it goes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from driftline_analyzers.embed.bert import BertEncoder
from driftline_analyzers.embed.embedder import Embeddings, SentenceEmbedder
from driftline_analyzers.embed.linear import PlainLinear, make_linear
from tests.analyzers.embed.tiny_models import SENTENCES, tiny_bert, tiny_mpnet, tiny_roberta

OWN = {
    "bert": tiny_bert,
    "bert, CLS": lambda folder: tiny_bert(folder, pooling="cls"),
    "bert, not normalised": lambda folder: tiny_bert(folder, normalize=False),
    "bert, relu": lambda folder: tiny_bert(folder, activation="relu"),
    "roberta": tiny_roberta,
    "roberta, CLS": lambda folder: tiny_roberta(folder, pooling="cls"),
}
OTHER = {
    "mpnet": tiny_mpnet,
    "bert, largest of each number": lambda folder: tiny_bert(folder, pooling="max"),
    "bert, tanh GELU": lambda folder: tiny_bert(folder, activation="gelu_pytorch_tanh"),
}
TEXTS = [*SENTENCES, "a <pad> in a text [SEP] and a <mask>", "a lone surrogate \udc80".replace("\udc80", "?")]


def encode(model: SentenceTransformer) -> Embeddings:
    vectors = model.encode(TEXTS, batch_size=3, normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(vectors, dtype=np.float32)


@pytest.mark.parametrize(("name", "make"), [*OWN.items(), *OTHER.items()])
def test_vectors_are_those_of_sentence_transformers(name: str, make: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = make(tmp_path)
    model = SentenceTransformer(str(folder), device="cpu")
    assert (BertEncoder.from_model(model) is not None) == (name in OWN)
    expected = encode(model)
    vectors = SentenceEmbedder(
        model=str(folder), dtype="float32", batch_tokens=256, threads=2, long_texts="truncate"
    ).embed(TEXTS)
    assert (vectors * expected).sum(axis=1).min() > 0.9999
    assert abs(expected[0] @ expected[1]) < 0.999  # texts do differ by this model


def test_the_bundled_model_gives_equal_vectors_in_float32_and_near_ones_in_bfloat16() -> None:
    folder = SentenceEmbedder(dtype="float32")
    model = folder._load_model()
    expected = encode(model)
    assert (folder.embed(TEXTS) * expected).sum(axis=1).min() > 0.9999
    half = SentenceEmbedder(dtype="bfloat16").embed(TEXTS)
    assert (half * expected).sum(axis=1).min() > 0.9995


def test_loading_leaves_the_number_format_of_other_threads_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_bert(tmp_path)
    by_transformers = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.bfloat16})
    formats = []
    set_format = torch.set_default_dtype

    def noted(dtype: torch.dtype) -> None:
        formats.append(dtype)
        set_format(dtype)

    monkeypatch.setattr(torch, "set_default_dtype", noted)  # it is the process's, not the thread's
    ours = SentenceEmbedder(model=str(folder), dtype="bfloat16")._load_model()
    assert set(formats) <= {torch.float32}
    ids = [[101, 2054, 2003, 2023, 102], [101, 2023, 102]]
    encoders = [BertEncoder.from_model(model) for model in (ours, by_transformers)]
    first, second = [encoder.encode(ids) for encoder in encoders if encoder is not None]
    np.testing.assert_array_equal(first, second)


def test_packed_products_are_those_of_torch() -> None:
    generator = torch.Generator().manual_seed(1)
    weight, bias = torch.randn(48, 32, generator=generator), torch.randn(48, generator=generator)
    x, residual = torch.randn(70, 32, generator=generator), torch.randn(70, 48, generator=generator)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 0.15)):
        arguments = [tensor.to(dtype) for tensor in (weight, bias, x, residual)]
        linear, plain = make_linear(arguments[0], arguments[1]), PlainLinear(arguments[0], arguments[1])
        with torch.inference_mode():
            torch.testing.assert_close(linear(arguments[2]), plain(arguments[2]), atol=tolerance, rtol=0)
            torch.testing.assert_close(
                linear.plus(arguments[2], arguments[3]),
                plain.plus(arguments[2], arguments[3]),
                atol=tolerance,
                rtol=0,
            )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_gpu_gives_the_same_vectors_in_bfloat16() -> None:
    expected = SentenceEmbedder(dtype="float32").embed(TEXTS)
    vectors = SentenceEmbedder(device="cuda", dtype="bfloat16", batch_tokens=65_536).embed(TEXTS)
    assert (vectors * expected).sum(axis=1).min() > 0.9995
