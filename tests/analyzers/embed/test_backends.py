"""The optional backends, where they are installed; and what is said where they are not."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from sentence_transformers import SentenceTransformer

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.embed.factory import make_embedder
from driftline_analyzers.embed.precision import Backend, Dtype, cpu_computes_bfloat16
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.errors import ConfigError
from tests.analyzers.embed.tiny_models import SENTENCES, tiny_bert, tiny_mpnet

HAS_ONNX = find_spec("onnxruntime") is not None and find_spec("onnx") is not None
HAS_OPENVINO = find_spec("openvino") is not None
needs_onnx = pytest.mark.skipif(not HAS_ONNX, reason="needs driftline[onnx]")
needs_openvino = pytest.mark.skipif(not HAS_OPENVINO, reason="needs driftline[openvino]")


@pytest.mark.parametrize(
    ("backend", "dtype", "least"),
    [
        pytest.param("onnx", "float32", 0.9999, marks=needs_onnx),
        pytest.param("openvino", "float32", 0.9999, marks=needs_openvino),
        pytest.param(
            "openvino",
            "bfloat16",
            0.999,
            marks=[needs_openvino, pytest.mark.skipif(not cpu_computes_bfloat16(), reason="no bfloat16 in this CPU")],
        ),
    ],
)
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_backend_gives_the_vectors_of_sentence_transformers(
    backend: Backend, dtype: Dtype, least: float, pooling: str, tmp_path: Path
) -> None:
    folder = str(tiny_bert(tmp_path, pooling=pooling))
    expected = SentenceTransformer(folder, device="cpu").encode(list(SENTENCES), normalize_embeddings=True)
    embedder = SentenceEmbedder(model=folder, backend=backend, dtype=dtype, long_texts="truncate", threads=2)
    assert (embedder.embed(SENTENCES) * expected).sum(axis=1).min() > least
    assert embedder.model_id.endswith(f"/{dtype}/{backend}")


@needs_openvino
def test_a_backend_takes_other_models_than_bert(tmp_path: Path) -> None:
    folder = str(tiny_mpnet(tmp_path))
    expected = SentenceTransformer(folder, device="cpu").encode(list(SENTENCES), normalize_embeddings=True)
    embedder = SentenceEmbedder(model=folder, backend="openvino", dtype="float32", long_texts="truncate")
    assert (embedder.embed(SENTENCES) * expected).sum(axis=1).min() > 0.9999


@pytest.mark.skipif(HAS_ONNX, reason="onnx is installed")
def test_a_missing_onnx_is_named_with_its_extra() -> None:
    with pytest.raises(ConfigError, match=r"pip install 'driftline\[onnx\]'"):
        SentenceEmbedder(backend="onnx").embed(["text"])


@pytest.mark.skipif(HAS_OPENVINO, reason="openvino is installed")
def test_a_missing_openvino_is_named_with_its_extra() -> None:
    with pytest.raises(ConfigError, match=r"pip install 'driftline\[openvino\]'"):
        SentenceEmbedder(backend="openvino").embed(["text"])


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_a_backend_that_cannot_do_what_was_asked_says_so(backend: Backend) -> None:
    with pytest.raises(ConfigError, match=r"float16|pip install"):
        SentenceEmbedder(backend=backend, dtype="float16").embed(["text"])
    with pytest.raises(ConfigError, match=r"expected device cpu|expected a CUDA device"):
        SentenceEmbedder(backend=backend, device="cuda").embed(["text"])


def test_the_settings_decide_the_embedder() -> None:
    settings = AnalyzerSettings(
        embedding_backend="openvino",
        dtype="float32",
        long_texts="chunk",
        chunk_overlap=16,
        max_chunks=4,
        threads=1,
        batch_tokens=512,
    )
    embedder = make_embedder(settings)
    assert embedder.model_id.startswith("all-MiniLM-L6-v2@")
    assert embedder.model_id.endswith("/float32/openvino/chunk1-4-16")
    assert (embedder.threads, embedder.batch_tokens) == (1, 512)
    truncating = make_embedder(AnalyzerSettings(dtype="float32", long_texts="truncate"))
    assert truncating.model_id.endswith("/float32")
