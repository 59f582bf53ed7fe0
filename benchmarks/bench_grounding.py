"""Answers a second of the grounding scorer, of its first stage and with a second, beside what embedding the same sentences costs.

    OMP_NUM_THREADS=1 python -m benchmarks.bench_grounding [--data ../shared/data] [--answers 200] [--rounds 3]

In turns, in one run, medians: words (the first stage, which needs no model); cosine_cold (the bundled model embeds the answer's sentences
and the documents', and the largest cosine is taken: the usual cheap check); cosine_warm (the same with every vector at hand). long: one
answer of three sentences with a document of 100,000 characters. Answers are RAGTruth's, or our own written ones where it is missing.

token_classifier, cross_encoder: the first stage and then a second for the sentences that it leaves open, of the bundled model's size (six
layers of 384, 512 tokens) with random weights: what such a model costs, and nothing of what it is worth, since which sentences are asked
about does not hang on it. Where there is a CUDA device, these and cosine_cold run there too; each row names its device.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoConfig, AutoTokenizer, BertForSequenceClassification, BertForTokenClassification

from benchmarks.grounding_sets import answer_call, ragtruth
from benchmarks.report import emit, machine
from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.embed.model_files import model_folder
from driftline_analyzers.grounding.model_kind import open_second_stage
from driftline_analyzers.grounding.scorer import GroundingScorer
from driftline_analyzers.grounding.sentences import split_sentences
from driftline_analyzers.scoring.call import Call

WRITTEN = Path(__file__).parents[1] / "analyzers" / "training" / "grounding_answers_everyday.jsonl"
LONG_CHARS = 100_000
Kind = Literal["token_classifier", "cross_encoder"]
SECOND_STAGES: Final[tuple[Kind, ...]] = ("token_classifier", "cross_encoder")
Embed = Callable[[Sequence[str]], NDArray[np.float32]]


def read_calls(data: Path, n: int) -> tuple[str, list[Call]]:
    """Where the answers are from, and n of them, repeated where there are fewer."""
    if (data / "grounding_ragtruth_qa").is_dir():
        name, calls = "ragtruth_qa", [item.call for item in ragtruth(data)]
    else:
        rows = [json.loads(line) for line in WRITTEN.read_text(encoding="utf-8").splitlines()]
        name = "written"
        calls = [
            answer_call(row["question"], one["answer"], row["documents"]) for row in rows for one in row["answers"]
        ]
    return name, [calls[i % len(calls)] for i in range(n)]


def parts(text: str) -> list[str]:
    """Its sentences."""
    return [text[one.start : one.end] for one in split_sentences(text)]


def largest_cosines(calls: Sequence[Call], embed: Embed) -> list[float]:
    """One minus the largest cosine of the answer's worst sentence."""
    answers = [parts(call.completion) for call in calls]
    sources = [[one for document in call.documents for one in parts(document)] for call in calls]
    texts = list(dict.fromkeys(text for group in (*answers, *sources) for text in group))
    vectors = dict(zip(texts, embed(texts), strict=True))
    found = []
    for answer, source in zip(answers, sources, strict=True):
        cosines = np.stack([vectors[text] for text in answer]) @ np.stack([vectors[text] for text in source]).T
        found.append(1 - float(cosines.max(1).min()))
    return found


def as_array(embedder: SentenceEmbedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """(n, d)."""
    return np.asarray(embedder.embed(texts), dtype=np.float32)


def random_model(kind: Kind, folder: Path) -> str:
    """The folder of a classifier of two labels that has the bundled model's shape and tokenizer, and random weights."""
    bundled = str(model_folder("bundled"))
    torch.manual_seed(0)
    names = ("supported", "unsupported")
    config = AutoConfig.from_pretrained(bundled, id2label=dict(enumerate(names)), label2id={names[0]: 0, names[1]: 1})
    model = BertForTokenClassification if kind == "token_classifier" else BertForSequenceClassification
    model(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(bundled, model_max_length=512).save_pretrained(str(folder))
    return str(folder)


def scored_twice(kind: Kind, device: str) -> GroundingScorer:
    """A scorer with such a model as second stage, loaded."""
    with tempfile.TemporaryDirectory() as folder:
        return GroundingScorer(second_stage=open_second_stage(random_model(kind, Path(folder)), device=device))


def n_asked(scorer: GroundingScorer, calls: Sequence[Call]) -> int:
    """Sentences that its second stage is asked about."""
    found = [score.evidence for of_call in scorer.score(calls, embed=no_vectors) for score in of_call]
    return sum(evidence["second_stage"]["n_asked"] for evidence in found if "second_stage" in evidence)


def no_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Grounding embeds nothing."""
    raise AssertionError(f"expected no text to be embedded, got {len(texts)}")


def main() -> int:
    """Print one line a way."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    name, calls = read_calls(options.data, options.answers)
    scorer, embedder = GroundingScorer(), SentenceEmbedder()
    embedder.embed(["warm up"])
    known: dict[str, NDArray[np.float32]] = {}

    def cold(texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = as_array(embedder, texts)
        known.update(zip(texts, vectors, strict=True))
        return vectors

    def warm(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([known[text] for text in texts])

    article = " ".join(part for call in calls for document in call.documents for part in parts(document))
    long = answer_call(
        calls[0].prompt, calls[0].completion, [(article * (LONG_CHARS // len(article) + 1))[:LONG_CHARS]]
    )
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "words": (len(calls), lambda: scorer.score(calls, embed=no_vectors)),
        "cosine_cold": (len(calls), lambda: largest_cosines(calls, cold)),
        "cosine_warm": (len(calls), lambda: largest_cosines(calls, warm)),
        "words_long_document": (1, lambda: scorer.score([long], embed=no_vectors)),
    }
    asked: dict[str, int] = {}
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        for kind in SECOND_STAGES:
            again = scored_twice(kind, device)
            asked[f"{kind}_{device}"] = n_asked(again, calls)
            ways[f"{kind}_{device}"] = (len(calls), partial(again.score, calls, embed=no_vectors))
    if torch.cuda.is_available():
        there = SentenceEmbedder(device="cuda")
        ways["cosine_cold_cuda"] = (len(calls), lambda: largest_cosines(calls, lambda texts: as_array(there, texts)))
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way, (_, run) in ways.items():
            begun = time.perf_counter()
            run()
            seconds[way].append(time.perf_counter() - begun)
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    emit(
        bench="grounding", case="machine", threads=1, answers=name, model=embedder.model_id, gpu=gpu, seed=0, **machine()
    )  # fmt: skip
    rates = {way: n / statistics.median(seconds[way]) for way, (n, _) in ways.items()}
    for way, rate in rates.items():
        emit(
            bench="grounding",
            case=way,
            device="cuda" if way.endswith("cuda") else "cpu",
            answers_per_s=rate,
            ms_per_answer=1000 / rate,
            sentences_asked_again=asked.get(way, 0),
            times_cosine_cold=rate / rates["cosine_cold"],
            times_slower_than_words=rates["words"] / rate,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
