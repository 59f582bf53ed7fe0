"""How often are ordinary answers flagged by relevance and repetition, and answers to another question by relevance?

    OMP_NUM_THREADS=1 python -m benchmarks.eval_quality [--data ../shared/data] [--cache __cache__/eval_quality] [--model gpt4_0314]

AlpacaEval: the 805 answers of one model to their own questions, and each to the next question; repetition on every model's answers.
JSON lines; the figures are told in docs/call-scores.md. Without the data it says so and ends with 0.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from benchmarks.bias_streams import cached_embed
from benchmarks.report import emit, machine
from driftline_analyzers.quality.relevance import RelevanceScorer
from driftline_analyzers.quality.repetition import RepetitionScorer
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScorer, Embed

_FOLDER = "model_versions_alpaca_eval"


def _rows(data: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(data / _FOLDER / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _call(prompt: str, completion: str) -> Call:
    return Call(
        trace_id="", span_id="", start_ns=0, service="", model="", prompt_version="", session_id="", system_prompt="",
        prompt=prompt, completion=completion,
    )  # fmt: skip


def measure(what: str, scorer: CallScorer, calls: Sequence[Call], embed: Embed) -> None:
    """Print the share flagged of those that the scorer judges."""
    scores = [one for found in scorer.score(calls, embed=embed) for one in found if one.value is not None]
    hits = sum(one.is_flagged for one in scores)
    interval = binomtest(hits, len(scores)).proportion_ci(method="wilson")
    emit(
        bench="eval_quality", scorer=scorer.name, calls=what, n=len(calls), judged=len(scores), flagged=hits,
        value=hits / len(scores), low=float(interval.low), high=float(interval.high),
    )  # fmt: skip


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("__cache__/eval_quality"))
    parser.add_argument("--model", default="gpt4_0314")
    options = parser.parse_args()
    if not (options.data / _FOLDER).is_dir():
        emit(bench="eval_quality", skipped=f"no {_FOLDER} in {options.data}")
        return 0
    emit(bench="eval_quality", subject="machine", **machine())
    prompts = {row["prompt_id"]: row["instruction"] for row in _rows(options.data, "prompts.jsonl.gz")}
    outputs = _rows(options.data, "outputs.jsonl.gz")
    of_model = [row for row in outputs if row["model"] == options.model]
    asked = [prompts[row["prompt_id"]] for row in of_model]
    answers = [row["output"] for row in of_model]
    embed = cached_embed(options.cache)
    relevance = RelevanceScorer()
    measure("to their own questions", relevance, list(map(_call, asked, answers)), embed)
    measure("to the next question", relevance, list(map(_call, [*asked[1:], asked[0]], answers)), embed)
    everything = [_call(prompts[row["prompt_id"]], row["output"]) for row in outputs]
    measure("of every model", RepetitionScorer(), everything, embed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
