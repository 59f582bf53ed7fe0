"""How often are ordinary answers flagged by relevance, repetition and language, and answers beside the question or in another language?

    OMP_NUM_THREADS=1 python -m benchmarks.eval_quality [--data ../shared/data] [--cache __cache__/eval_quality] [--model gpt4_0314]

AlpacaEval: the 805 answers of one model to their own questions, and each to the next question; repetition and language on every model's
answers. Language also on short calls in thirty languages of our own (language_pairs.toml): each answer to its question, and to the same
question in each other language; and calls that ask for another language than they are written in.
JSON lines; the figures are told in docs/call-scores.md. Without the data it says so, measures our own calls alone and ends with 0.
"""

import argparse
import gzip
import json
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from benchmarks.bias_streams import cached_embed
from benchmarks.report import emit, machine
from driftline_analyzers.quality.language import LanguageScorer
from driftline_analyzers.quality.relevance import RelevanceScorer
from driftline_analyzers.quality.repetition import RepetitionScorer
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScorer, Embed

_FOLDER = "model_versions_alpaca_eval"
_PAIRS = Path(__file__).parent / "language_pairs.toml"


def _rows(data: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(data / _FOLDER / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _call(prompt: str, completion: str, system_prompt: str = "") -> Call:
    return Call(
        trace_id="", span_id="", start_ns=0, service="", model="", prompt_version="", session_id="",
        system_prompt=system_prompt, prompt=prompt, completion=completion,
    )  # fmt: skip


def measure(what: str, scorer: CallScorer, calls: Sequence[Call], embed: Embed) -> None:
    """Print the share flagged of those that the scorer judges, and how many calls it looks at in a second."""
    scorer.score(calls[:1], embed=embed)
    begun = time.perf_counter()
    found = scorer.score(calls, embed=embed)
    seconds = time.perf_counter() - begun
    scores = [one for of_call in found for one in of_call if one.value is not None]
    hits = sum(one.is_flagged for one in scores)
    interval = binomtest(hits, len(scores)).proportion_ci(method="wilson")
    emit(
        bench="eval_quality", scorer=scorer.name, calls=what, n=len(calls), judged=len(scores), flagged=hits,
        value=hits / len(scores), low=float(interval.low), high=float(interval.high), calls_per_s=len(calls) / seconds,
    )  # fmt: skip


def measure_language(embed: Embed) -> None:
    """Print what the scorer of languages says of our own short calls."""
    planted = tomllib.loads(_PAIRS.read_text(encoding="utf-8"))
    pairs: dict[str, list[tuple[str, str]]] = {
        language: list(zip(texts[::2], texts[1::2], strict=True)) for language, texts in planted["pairs"].items()
    }
    scorer = LanguageScorer()
    sound = [_call(*pair) for of_language in pairs.values() for pair in of_language]
    measure(f"own, {len(pairs)} languages, each answer to its question", scorer, sound, embed)
    crossed = {
        (asked, told): [
            _call(question, answer) for (question, _), (_, answer) in zip(pairs[asked], pairs[told], strict=True)
        ]
        for asked in pairs
        for told in pairs
        if asked != told
    }
    to_english = [call for (asked, _), calls in crossed.items() if asked == "en" for call in calls]
    in_english = [call for (_, told), calls in crossed.items() if told == "en" for call in calls]
    measure("own, English question, answer in another language", scorer, to_english, embed)
    measure("own, question in another language, English answer", scorer, in_english, embed)
    every = [call for calls in crossed.values() for call in calls]
    measure("own, every question, answer in every other language", scorer, every, embed)
    for kind in ("asked_for", "not_as_ordered"):
        calls = [_call(one["prompt"], one["completion"], one.get("system_prompt", "")) for one in planted[kind]]
        measure(f"own, {kind.replace('_', ' ')}", scorer, calls, embed)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("__cache__/eval_quality"))
    parser.add_argument("--model", default="gpt4_0314")
    options = parser.parse_args()
    emit(bench="eval_quality", subject="machine", **machine())
    embed = cached_embed(options.cache)
    measure_language(embed)
    if not (options.data / _FOLDER).is_dir():
        emit(bench="eval_quality", skipped=f"no {_FOLDER} in {options.data}")
        return 0
    prompts = {row["prompt_id"]: row["instruction"] for row in _rows(options.data, "prompts.jsonl.gz")}
    outputs = _rows(options.data, "outputs.jsonl.gz")
    of_model = [row for row in outputs if row["model"] == options.model]
    asked = [prompts[row["prompt_id"]] for row in of_model]
    answers = [row["output"] for row in of_model]
    relevance = RelevanceScorer()
    measure("to their own questions", relevance, list(map(_call, asked, answers)), embed)
    measure("to the next question", relevance, list(map(_call, [*asked[1:], asked[0]], answers)), embed)
    everything = [_call(prompts[row["prompt_id"]], row["output"]) for row in outputs]
    for scorer in (RepetitionScorer(), LanguageScorer()):
        measure("of every model", scorer, everything, embed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
