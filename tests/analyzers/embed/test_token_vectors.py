"""Vectors of tokens are those that the transformer gives, each beside the characters that it stands for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_core.errors import ConfigError
from tests.analyzers.embed.tiny_models import SENTENCES, tiny_bert, tiny_mpnet, tiny_roberta


@pytest.mark.parametrize("make", [tiny_bert, tiny_roberta])
def test_they_are_those_of_the_model(make: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = make(tmp_path)
    model = SentenceTransformer(str(folder), device="cpu")
    found = SentenceEmbedder(model=str(folder), dtype="float32", batch_tokens=64).token_vectors(SENTENCES)
    for text, tokens in zip(SENTENCES, found, strict=True):
        read = model.tokenizer(text, return_offsets_mapping=True, return_tensors="pt")
        bounds = read.pop("offset_mapping")[0].numpy()[1:-1]
        with torch.inference_mode():
            hidden = model[0].get_submodule("auto_model")(**read).last_hidden_state[0, 1:-1]
        expected = torch.nn.functional.normalize(hidden, dim=1).numpy()
        np.testing.assert_array_equal(tokens.bounds, bounds)
        assert tokens.vectors.shape == expected.shape
        np.testing.assert_allclose(tokens.vectors, expected, atol=1e-5)


def test_a_long_text_is_read_in_windows_to_its_end(tmp_path: Path) -> None:
    embedder = SentenceEmbedder(model=str(tiny_bert(tmp_path)), dtype="float32")
    text = "a cat sleeps and the lamp came broken " * 40
    [tokens] = embedder.token_vectors([text])
    assert tokens.vectors.shape == (320, 32)
    assert tuple(tokens.bounds[-1]) == (len(text) - 7, len(text) - 1)
    [first] = embedder.token_vectors([text[: tokens.bounds[61, 1]]])
    np.testing.assert_allclose(tokens.vectors[:62], first.vectors, atol=1e-5)


def test_nothing_has_no_vectors(tmp_path: Path) -> None:
    embedder = SentenceEmbedder(model=str(tiny_bert(tmp_path)))
    assert embedder.token_vectors([]) == []
    [empty] = embedder.token_vectors([""])
    assert (empty.vectors.shape, empty.bounds.shape) == ((0, 32), (0, 2))


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected an embedding model of the BERT kind"):
        SentenceEmbedder(model=str(tiny_mpnet(tmp_path))).token_vectors(["a"])
