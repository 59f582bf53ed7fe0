"""Embeddings a second beside SentenceTransformer.encode: `python -m benchmarks.bench_embed [--texts N] [--rounds N] [--threads N]`.

Everything is measured in one run, in turns (A B C A B C ...), and medians are given, so that a busy machine hits all alike; best is the
fastest round. Corpora: AlpacaEval outputs cut to 98 tokens on average (chat), CLINC150 queries (queries), 256-token texts (long);
made-up texts where /work/shared/data or --data is not there. cosine_min and cosine_mean are against SentenceTransformer.encode in
float32. gemm_share: the model's operations a second, padding not counted, over those of one large matrix product of the same number
format in the same run. Backends that are not installed are named and left out; sentence-transformers' own onnx and openvino need optimum.
"""

import argparse
import gzip
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from benchmarks.report import emit, machine
from driftline_analyzers.embed.embedder import Embeddings, SentenceEmbedder
from driftline_analyzers.embed.model_files import model_folder
from driftline_analyzers.embed.precision import Backend, Dtype, cpu_computes_bfloat16
from driftline_analyzers.embed.tokens import RustTokenizer, fast_tokenizer
from driftline_analyzers.embed.word_cache import WordPieceCache

DATA = Path("/work/shared/data")
ENCODE_BATCH = 32
Run = Callable[[], Embeddings]


def main() -> None:
    """Print one line for each corpus and way."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--texts", type=int, default=600, help="texts of the chat corpus; queries are five times as many"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--corpus", action="append", choices=["chat", "queries", "long"], help="default: all")
    parser.add_argument("--skip-tokenizer", action="store_true", help="a minute less")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    versions = {name: version(name) for name in ("torch", "sentence-transformers", "transformers")}
    emit(bench="embed", case="machine", threads=arguments.threads, **machine(), **versions, amx=_has_amx())
    folder = model_folder("bundled")
    model = SentenceTransformer(str(folder), device="cpu")
    rust = fast_tokenizer(model)
    assert rust is not None
    if not arguments.skip_tokenizer:
        tokenizer_speed(read_outputs(arguments.data), rust, rounds=arguments.rounds)
    ways = own_ways(arguments.threads) | sentence_transformers_ways(model, str(folder))
    for corpus in arguments.corpus or ["chat", "queries", "long"]:
        compare(corpus, make_corpus(corpus, arguments.texts, arguments.data, rust), ways, rust, rounds=arguments.rounds)


def own_ways(threads: int) -> dict[str, Callable[[Sequence[str]], Embeddings]]:
    """Driftline's, by name; what is not installed is reported."""
    candidates: list[tuple[Backend, Dtype]] = [("torch", "float32"), ("torch", "bfloat16"), ("onnx", "float32")]
    candidates += [("openvino", "float32"), ("openvino", "bfloat16")]
    ways: dict[str, Callable[[Sequence[str]], Embeddings]] = {}
    for backend, dtype in candidates:
        name = f"driftline-{backend}-{dtype}"
        if backend != "torch" and find_spec({"onnx": "onnxruntime"}.get(backend, backend)) is None:
            emit(bench="embed", case=name, left_out=f"needs driftline[{backend}]")
        elif dtype == "bfloat16" and not cpu_computes_bfloat16():
            emit(bench="embed", case=name, left_out="this CPU does not compute in bfloat16")
        else:
            ways[name] = SentenceEmbedder(backend=backend, dtype=dtype, threads=threads, long_texts="truncate").embed
    return ways


def sentence_transformers_ways(
    model: SentenceTransformer, folder: str
) -> dict[str, Callable[[Sequence[str]], Embeddings]]:
    """SentenceTransformer.encode in float32 (first: the others are compared with it), bfloat16, and with its backends."""

    def encoder(encoding: SentenceTransformer) -> Callable[[Sequence[str]], Embeddings]:
        def encode(texts: Sequence[str]) -> Embeddings:
            vectors = encoding.encode(
                list(texts), batch_size=ENCODE_BATCH, convert_to_tensor=True, show_progress_bar=False
            )
            return np.asarray(torch.nn.functional.normalize(vectors.float(), dim=1).numpy())

        return encode

    ways = {"st-torch-float32": encoder(model)}
    if cpu_computes_bfloat16():
        half = SentenceTransformer(folder, device="cpu", model_kwargs={"dtype": torch.bfloat16})
        ways["st-torch-bfloat16"] = encoder(half)
    if find_spec("optimum") is None:
        emit(bench="embed", case="st-onnx, st-openvino", left_out="need optimum, which wants an older transformers")
        return ways
    hints = {"st-openvino-float32": "f32", "st-openvino-bfloat16": "bf16"}
    for name, hint in hints.items():
        options: dict[str, Any] = {"export": True, "ov_config": {"INFERENCE_PRECISION_HINT": hint}}
        ways[name] = encoder(SentenceTransformer(folder, device="cpu", backend="openvino", model_kwargs=options))
    ways["st-onnx-float32"] = encoder(
        SentenceTransformer(folder, device="cpu", backend="onnx", model_kwargs={"export": True})
    )
    return ways


def compare(
    corpus: str,
    texts: Sequence[str],
    ways: dict[str, Callable[[Sequence[str]], Embeddings]],
    rust: RustTokenizer,
    *,
    rounds: int,
) -> None:
    """Time every way in turns over one corpus."""
    lengths = [min(len(ids) + 2, 256) for ids in rust.encode(texts)]
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    ceilings: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    vectors: dict[str, Embeddings] = {}
    for name, way in ways.items():
        way(texts[:8])
        vectors[name] = way(texts)
    for _ in range(rounds):
        for dtype, measured in ceilings.items():
            measured.append(gemm_flops(torch.float32 if dtype == "float32" else torch.bfloat16))
        for name, way in ways.items():
            began_s = time.perf_counter()
            way(texts)
            seconds[name].append(time.perf_counter() - began_s)
    reference = vectors["st-torch-float32"]
    base_s = statistics.median(seconds["st-torch-float32"])
    flops = sum(minilm_flops(length) for length in lengths)
    emit(bench="embed", corpus=corpus, n_texts=len(texts), tokens_a_text=statistics.fmean(lengths))
    for name in ways:
        median_s = statistics.median(seconds[name])
        cosines = (vectors[name] * reference).sum(axis=1)
        ceiling = statistics.median(ceilings["bfloat16" if name.endswith("bfloat16") else "float32"])
        emit(
            bench="embed",
            corpus=corpus,
            case=name,
            texts_s=len(texts) / median_s,
            texts_s_best=len(texts) / min(seconds[name]),
            tokens_s=sum(lengths) / median_s,
            ratio=base_s / median_s,
            ratio_best=min(seconds["st-torch-float32"]) / min(seconds[name]),
            gemm_share=flops / median_s / ceiling,
            cosine_min=float(cosines.min()),
            cosine_mean=float(cosines.mean()),
        )


def tokenizer_speed(texts: Sequence[str], rust: RustTokenizer, *, rounds: int) -> None:
    """The word cache beside the Rust tokeniser: on texts not seen before, after 4,000 others, and on texts seen before."""
    seen, unseen = texts[:4000], texts[4000:8000]
    n_same = sum(
        ours == theirs for ours, theirs in zip(WordPieceCache(rust).encode(unseen), rust.encode(unseen), strict=True)
    )
    n_tokens = sum(map(len, rust.encode(unseen)))
    seconds: dict[str, list[float]] = {"rust": [], "unseen": [], "seen": []}
    for _ in range(rounds):
        cache = WordPieceCache(rust)
        cache.encode(seen)
        for name, tokenizer in (("rust", rust), ("unseen", cache), ("seen", cache)):
            began_s = time.perf_counter()
            for start in range(0, len(unseen), 1024):
                tokenizer.encode(unseen[start : start + 1024])
            seconds[name].append(time.perf_counter() - began_s)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    emit(
        bench="embed",
        case="tokenizer",
        n_texts=len(unseen),
        n_same_ids=n_same,
        n_tokens=n_tokens,
        **{f"{name}_tokens_s": n_tokens / value for name, value in medians.items()},
        ratio_unseen=medians["rust"] / medians["unseen"],
        ratio_seen=medians["rust"] / medians["seen"],
    )


def make_corpus(corpus: str, n_texts: int, data: Path, rust: RustTokenizer) -> list[str]:
    """chat: outputs cut to 10 to 254 tokens, log-uniform, 98 on average; queries: CLINC150 as it is; long: outputs cut to 256 tokens."""
    rng = random.Random(7)
    if corpus == "queries":
        return read_queries(data)[: 5 * n_texts]
    outputs = read_outputs(data)
    cut: list[str] = []
    for output in outputs:
        offsets = rust.offsets(output[:4000])
        n_tokens = 254 if corpus == "long" else int(10 * 25.4 ** (rng.random() ** 0.5))
        if len(offsets) >= n_tokens:
            cut.append(output[: offsets[n_tokens - 1][1]])
        if len(cut) == (n_texts // 2 if corpus == "long" else n_texts):
            break
    return cut


def read_outputs(data: Path) -> list[str]:
    """AlpacaEval's outputs in random order, or made-up texts of 300 words."""
    path = data / "model_versions_alpaca_eval" / "outputs.jsonl.gz"
    if not path.exists():
        return _synthetic(8000, words=300)
    return _read(path, "output")


def read_queries(data: Path) -> list[str]:
    """CLINC150's queries in random order, or made-up texts of 9 words."""
    path = data / "drift_clinc150" / "data.jsonl.gz"
    return _read(path, "text") if path.exists() else _synthetic(20_000, words=9)


def _read(path: Path, field: str) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        texts = [str(json.loads(line)[field]) for line in stream]
    random.Random(0).shuffle(texts)
    return texts


def _synthetic(n_texts: int, *, words: int) -> list[str]:
    rng = random.Random(0)
    syllables = [a + b + c for a in "bdfglmnprst" for b in "aeiou" for c in ("", "n", "r", "st")]
    vocabulary = ["".join(rng.choices(syllables, k=rng.randint(1, 3))) for _ in range(5000)]
    weights = [1 / (rank + 3) for rank in range(len(vocabulary))]
    return [" ".join(rng.choices(vocabulary, weights, k=words)) + "." for _ in range(n_texts)]


def minilm_flops(n_tokens: int) -> float:
    """Operations of all-MiniLM-L6-v2 for one text: the products of 6 layers of 384 and 1,536, and attention."""
    return n_tokens * (21.23e6 + 9216 * n_tokens)


def gemm_flops(dtype: torch.dtype) -> float:
    """Operations a second of a product of 2,048 x 2,048 matrices."""
    a, b = torch.randn(2048, 2048).to(dtype), torch.randn(2048, 2048).to(dtype)
    a @ b
    began_s = time.perf_counter()
    for _ in range(4):
        a @ b
    return 4 * 2 * 2048**3 / (time.perf_counter() - began_s)


def _has_amx() -> bool:
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))


if __name__ == "__main__":
    main()
