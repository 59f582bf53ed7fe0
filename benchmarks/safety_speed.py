"""How fast the safety scorers are, in eval_safety.py."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.outlier_streams import load_rows
from benchmarks.safety_measures import Table
from benchmarks.safety_rows import blank_call
from driftline_analyzers.safety.injection import InjectionScorer
from driftline_analyzers.safety.pii import PiiScorer
from driftline_analyzers.safety.prompt_leak import PromptLeakScorer
from driftline_analyzers.safety.refusal import RefusalScorer
from driftline_analyzers.safety.secrets import SecretsScorer
from driftline_analyzers.safety.toxicity import ToxicityScorer
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScorer, Embed

_N_CALLS = 400
_REPEATS = 3


def table(data: Path, embed: Embed) -> Table:
    """Calls with a prompt, an answer (AlpacaEval) and a retrieved document (RAGTruth); CPU seconds of one thread, embedding apart."""
    calls = calls_of(data)
    n_chars = sum(len(call.prompt) + len(call.completion) + sum(map(len, call.documents)) for call in calls)
    scorers: dict[str, CallScorer] = {
        "injection": InjectionScorer(),
        "injection, parts judged alone": InjectionScorer(reads_context=False),
        "injection, with vectors": InjectionScorer(uses_vectors=True),
        "toxicity": ToxicityScorer(),
        "pii": PiiScorer(),
        "secrets": SecretsScorer(),
        "prompt_leak": PromptLeakScorer(),
        "refusal": RefusalScorer(),
    }
    lines = []
    for name, scorer in scorers.items():
        counted = _Counted(embed)
        scorer.score(calls, embed=counted)
        n_embedded = counted.n_texts
        seconds = min(_cpu_seconds(partial(scorer.score, calls, embed=counted.known)) for _ in range(_REPEATS))
        lines.append((name, f"{len(calls) / seconds:,.0f}", f"{n_embedded / len(calls):.1f}"))
    prompts = [blank_call(prompt=call.completion) for call in calls]
    mean = sum(len(call.prompt) for call in prompts) / len(prompts)
    seconds = min(_cpu_seconds(partial(InjectionScorer().score, prompts, embed=embed)) for _ in range(_REPEATS))
    lines.append((f"injection, prompts of {mean:,.0f} characters alone", f"{len(prompts) / seconds:,.0f}", "0.0"))
    return Table(
        name=f"Speed on one core: {len(calls)} calls of {n_chars / len(calls):,.0f} characters on average",
        columns=("scorer", "calls/s without embedding", "texts embedded a call"),
        rows=lines,
    )


class _Counted:
    """An embedding that counts its texts and remembers their vectors."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._known: dict[str, NDArray[np.float32]] = {}
        self.n_texts = 0

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.n_texts += len(texts)
        vectors = self._embed(texts)
        self._known.update(zip(texts, vectors, strict=True))
        return vectors

    def known(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors that were asked for before."""
        return np.stack([self._known[text] for text in texts])


def _cpu_seconds(run: Callable[[], object]) -> float:
    begun = time.process_time()
    run()
    return time.process_time() - begun


def calls_of(data: Path) -> list[Call]:
    """Calls with a prompt, an answer and a document."""
    prompts = [row["instruction"] for row in load_rows(data / "model_versions_alpaca_eval" / "prompts.jsonl.gz")]
    answers = [row["output"] for row in load_rows(data / "model_versions_alpaca_eval" / "outputs.jsonl.gz")]
    documents = [row["context"] for row in load_rows(data / "grounding_ragtruth_qa" / "data.jsonl.gz")]
    return [
        Call(
            trace_id="0" * 32,
            span_id="0" * 16,
            start_ns=0,
            service="",
            model="",
            prompt_version="",
            session_id="",
            system_prompt="You are a helpful assistant. Answer briefly and politely, and say so where you do not know.",
            prompt=prompts[i],
            completion=answers[i],
            documents=(documents[i % len(documents)],),
        )
        for i in range(_N_CALLS)
    ]
