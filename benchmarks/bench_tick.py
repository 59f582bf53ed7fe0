"""What a tick of the analysis runner costs a segment: every test of one window of 500 calls against 8,000 earlier ones.

    OMP_NUM_THREADS=1 python -m benchmarks.bench_tick [--segments 4] [--data ../shared/data] [--cache __cache__/eval_drift]

Prompts are CLINC150's queries, completions PolyAI's turns, drawn at random, sessions of two calls; nothing drifted, texts embedded before.
A segment's CPU seconds are the difference between a tick of one and a tick of several, so that what is done once a process (imports,
the first query) is left out; phases by the clock. Without the data it says so and ends with 0.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import torch

from benchmarks.drift_streams import CORPORA, load_corpus, read_texts
from benchmarks.report import emit, machine
from driftline_analyzers.embed.embedder import Embeddings, OnBatch, SentenceEmbedder
from driftline_analyzers.runner.report import RunReport
from driftline_analyzers.runner.runner import AnalysisRunner
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from tests.analyzers.traffic import Call, store_calls

_BEGIN: Final = datetime(2026, 10, 1, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
_EARLIER: Final = 16
_CALLS: Final = 500
_PROMPTS, _COMPLETIONS = "clinc150", "polyai"


class Known(SentenceEmbedder):
    """Vectors that were computed before."""

    def __init__(self, vectors: Mapping[str, Embeddings]) -> None:
        super().__init__()
        self._vectors = vectors

    def embed(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> Embeddings:
        return np.stack([self._vectors[text] for text in texts])


def traffic(prompts: Sequence[str], completions: Sequence[str], *, segment: int) -> list[Call]:
    """Seventeen hours of one model."""
    rng = random.Random(segment)
    return [
        Call(
            start=_BEGIN + hour * _HOUR + timedelta(seconds=rng.uniform(0, 3500)),
            prompt=rng.choice(prompts),
            completion=rng.choice(completions),
            model=f"model-{segment}",
            session_id=f"{segment}-{hour}-{number // 2}",
            duration_ms=rng.lognormvariate(6, 0.5),
            output_tokens=rng.randrange(10, 80),
        )
        for hour in range(_EARLIER + 1)
        for number in range(_CALLS)
    ]


def tick(calls: Sequence[Call], embedder: SentenceEmbedder) -> tuple[float, RunReport]:
    """CPU seconds of testing the last hour, and what the runner says of it."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(StoreSettings(path=Path(folder) / "store"))
        migrate(store)
        store_calls(store, calls)
        settings = AnalyzerSettings(reference_check_windows=0, threads=torch.get_num_threads())
        runner = AnalysisRunner(settings, store, lambda: _BEGIN + 2 * _EARLIER * _HOUR, embedder=embedder)
        last = _BEGIN + _EARLIER * _HOUR
        begun = time.process_time()
        report = runner.run_range(from_time=last, to_time=last + _HOUR)
        spent = time.process_time() - begun
        store.close()
    return spent, report


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("__cache__/eval_drift"))
    parser.add_argument("--segments", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    wanted = [CORPORA[_PROMPTS], CORPORA[_COMPLETIONS]]
    if missing := [name for name in wanted if not (options.data / name / "data.jsonl.gz").exists()]:
        emit(bench="tick", skipped=f"no {', '.join(missing)} in {options.data}")
        return 0
    torch.set_num_threads(options.threads)
    emit(bench="tick", subject="machine", threads=options.threads, torch=torch.__version__, **machine())
    texts = {name: read_texts(name, data=options.data) for name in (_PROMPTS, _COMPLETIONS)}
    vectors: dict[str, Embeddings] = {}
    for name, of_corpus in texts.items():
        corpus = load_corpus(name, data=options.data, cache=options.cache)
        vectors.update(zip(of_corpus, corpus.vectors, strict=True))
    embedder = Known(vectors)
    calls = [traffic(texts[_PROMPTS], texts[_COMPLETIONS], segment=i) for i in range(options.segments)]
    one, _ = tick(calls[0], embedder)
    all_of_them, report = tick([call for of_segment in calls for call in of_segment], embedder)
    each = (all_of_them - one) / max(1, options.segments - 1)
    emit(
        bench="tick", metric="cpu_a_segment", value=each, unit="s", segments=options.segments, findings=report.findings
    )
    for phase, seconds in report.seconds.items():
        emit(bench="tick", metric=f"clock of {phase}", value=seconds, unit="s", segments=options.segments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
