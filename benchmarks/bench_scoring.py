"""How fast single calls are scored, store included: `python -m benchmarks.bench_scoring [--calls N] [--threads N]`.

Calls of the demo's support assistant, each with two documents and an answer from them, all different, into an embedded store; one run of
the scoring runner with every scorer. Prints calls/s and the time of each scorer; "reading and writing" is the rest. No embedding is known
before, so the first run embeds; the second shows what it costs when the texts were embedded for drift already.
"""

import argparse
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import torch

from benchmarks.report import emit, machine
from driftline_analyzers.scoring.runner import ScoringRunner
from driftline_analyzers.settings import AnalyzerSettings
from driftline_cli.demo.corpus import load_topics
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate

_SEED = 7


def main(arguments: list[str] | None = None) -> int:
    """Print a table for each of two runs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":", maxsplit=1)[0])
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    emit(
        bench="scoring",
        subject="machine",
        threads=options.threads,
        calls=options.calls,
        torch=torch.__version__,
        **machine(),
    )
    with tempfile.TemporaryDirectory() as folder:
        store = Store(StoreSettings(path=Path(folder) / "store"))
        migrate(store)
        _fill(store, options.calls)
        for name in ("not embedded before", "embedded before"):
            _measure(store, name)
            store.command("TRUNCATE TABLE cursors")
        store.close()
    return 0


def _fill(store: Store, n_calls: int) -> None:
    rng = random.Random(_SEED)
    documents = [document for topic in load_topics() for document in topic.documents]
    now = datetime.now(UTC)
    rows, spans = [], []
    for number in range(n_calls):
        chosen = rng.sample(documents, 2)
        question = f"Number {number}: {rng.choice(chosen[0].questions)}"
        answer = f"{' '.join(chosen[0].facts)} Your case is number {number}."
        texts = [("", document.text, None) for document in chosen]
        started = now - timedelta(hours=6) + timedelta(seconds=5 * number)
        ids = rng.randbytes(16), rng.randbytes(8)
        rows.append(
            (
                "default",
                "bench",
                started,
                *ids,
                "llm",
                "gpt-4o",
                10,
                "Answer from the documents.",
                question,
                answer,
                texts,
                now,
            )
        )
        sent = {
            "gen_ai.prompt": question,
            "gen_ai.completion": answer,
            "gen_ai.documents": " ".join(text for _, text, _ in texts),
        }
        spans.append(("default", "bench", started, *ids, sent, now))
    columns = (
        *("project", "service", "start_time", "trace_id", "span_id", "kind", "request_model", "input_tokens"),
        *("system_prompt", "prompt", "completion", "documents", "received_at"),
    )
    store.insert("generations", columns, rows)
    store.insert("spans", (*columns[:5], "attributes", "received_at"), spans)


def _measure(store: Store, name: str) -> None:
    runner = ScoringRunner(AnalyzerSettings(), store)
    begun = time.perf_counter()
    report = runner.run_once(is_settled=True)
    seconds = time.perf_counter() - begun
    emit(
        bench="scoring",
        texts=name,
        metric="calls",
        value=report.calls / seconds,
        unit="1/s",
        texts_embedded=report.texts_embedded,
    )
    parts = {**report.seconds, "reading and writing": seconds - sum(report.seconds.values())}
    for part, spent in sorted(parts.items(), key=lambda item: -item[1]):
        emit(bench="scoring", texts=name, metric=part, value=1000 * spent / max(1, report.calls), unit="ms a call")


if __name__ == "__main__":
    sys.exit(main())
