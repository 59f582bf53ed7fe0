"""How often is a change of model, version or prompt seen from answers alone, and how often is no change flagged?

    python -m benchmarks.eval_model_change --cache DIR [--data ../shared/data/model_versions_alpaca_eval] [--trials 40]
        [--sizes 50 100 200] [--shares 1.0 0.5] [--methods style ...] [--pairs claude-2:claude-2.1 ...] [--table FILE]

One trial: 400 answers of model A are the reference; the window is n answers to *other* prompts, a share of them by B, the rest by A
(share 1.0: all traffic moved; 0.5: half of it). Power: the share of trials with p <= 5 %. False alarms: the same with A for B, and
`gpt4_0314` against its re-run `gpt4`. `paired` answers the window's prompts twice, by A and by B.
The reference is far below the eight windows that the product asks for (800 prompts are all there are), so the detector is told
to take one as large as the window (reference_ratio=1); redrawing windows stays exact, only a frozen reference's luck is not averaged out.
--cache keeps the embeddings. --table writes the Markdown table. Ends with 0 and a reason without the data.
"""

import argparse
import gzip
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.report import emit, machine
from driftline_analyzers.drift.conditional import CONDITIONAL_STATISTICS, ConditionalDrift
from driftline_analyzers.drift.detector import DEFAULT_STATISTICS, DriftDetector
from driftline_analyzers.drift.paired import PAIRED_STYLE_STATISTICS, PairedDriftDetector
from driftline_analyzers.drift.result import DriftResult
from driftline_analyzers.drift.statistics.kolmogorov_smirnov import KolmogorovSmirnov
from driftline_analyzers.drift.statistics.statistic import Statistic
from driftline_analyzers.drift.statistics.top_mean_shift import TopMeanShift
from driftline_analyzers.drift.style import style_features, tokens_of
from driftline_analyzers.drift.style_words import STYLE_STATISTICS, word_columns
from driftline_analyzers.embed.embedder import SentenceEmbedder

ALPHA: Final = 0.05
N_REFERENCE: Final = 400
NULL: Final = "null"
RERUN: Final = ("gpt4_0314", "gpt4")
NULL_MODELS: Final = (
    "gpt4_0613",
    "claude-2",
    "gpt-3.5-turbo-0301",
    "Mistral-7B-Instruct-v0.2",
    "Meta-Llama-3-70B-Instruct",
)

Rows = NDArray[np.int64]
"""Row numbers of answers, in the file's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """row_of: model -> its rows, prompt by prompt. Of each answer style: (n, 13), tokens: its different words and marks, outputs: (n, d)
    embeddings; prompts: (805, d).
    """

    row_of: dict[str, Rows]
    style: NDArray[np.float32]
    tokens: list[set[str]]
    outputs: NDArray[np.float32]
    prompts: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Prompts and rows of both sides; other: A's rows for the window's prompts; seed of the test."""

    reference_prompts: Rows
    current_prompts: Rows
    reference: Rows
    current: Rows
    other: Rows
    seed: int


def load(folder: Path, cache: Path) -> Answers:
    """Texts, style and embeddings."""
    with gzip.open(folder / "outputs.jsonl.gz", "rt", encoding="utf-8") as lines:
        outputs = [json.loads(line) for line in lines]
    with gzip.open(folder / "prompts.jsonl.gz", "rt", encoding="utf-8") as lines:
        prompts = sorted((json.loads(line) for line in lines), key=lambda row: int(row["prompt_id"]))
    texts = [str(row["output"]) for row in outputs]
    row_of = {}
    for model in dict.fromkeys(str(row["model"]) for row in outputs):
        own = [(int(row["prompt_id"]), i) for i, row in enumerate(outputs) if row["model"] == model]
        row_of[model] = np.array([i for _, i in sorted(own)], dtype=np.int64)
    return Answers(
        row_of=row_of,
        style=style_features(texts),
        tokens=[tokens_of(text) for text in texts],
        outputs=embedded(texts, cache),
        prompts=embedded([str(row["instruction"]) for row in prompts], cache),
    )


def embedded(texts: Sequence[str], cache: Path) -> NDArray[np.float32]:
    """Vectors by the bundled model, from a file of the cache when these texts were embedded before."""
    embedder = SentenceEmbedder()
    name = sha256("\0".join([embedder.model_id, *texts]).encode()).hexdigest()[:24]
    file = cache / f"{name}.npy"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(file, embedder.embed(texts))
    vectors: NDArray[np.float32] = np.load(file)
    return vectors


def draw(answers: Answers, pair: tuple[str, str], *, n: int, share: float, seed: int) -> Trial:
    """400 answers of A to random prompts, n answers of B (a share, the rest of A) to others."""
    rng = np.random.default_rng([seed, n, int.from_bytes(sha256("".join(pair).encode()).digest()[:4], "big")])
    prompts = rng.permutation(len(answers.prompts))[: N_REFERENCE + n]
    mine, other = (answers.row_of[model] for model in pair)
    reference, window = prompts[:N_REFERENCE], prompts[N_REFERENCE:]
    is_changed = np.arange(n) < round(share * n)
    return Trial(
        reference_prompts=reference,
        current_prompts=window,
        reference=mine[reference],
        current=np.where(is_changed, other[window], mine[window]),
        other=mine[window],
        seed=seed,
    )


Method = Callable[[Answers, Trial, int], DriftResult]
"""(answers, trial, permutations) -> result"""


def style(answers: Answers, trial: Trial, permutations: int) -> DriftResult:
    """The default style test: 13 features and style words."""
    before, after = _style_rows(answers, trial)
    return _detector(permutations, trial, statistics=STYLE_STATISTICS).fit(before).score(after)


def features(answers: Answers, trial: Trial, permutations: int) -> DriftResult:
    """The 13 features alone, by the two statistics that one would take first."""
    detector = _detector(permutations, trial, statistics=(KolmogorovSmirnov(), TopMeanShift()))
    return detector.fit(answers.style[trial.reference]).score(answers.style[trial.current])


def semantic(answers: Answers, trial: Trial, permutations: int) -> DriftResult:
    """The default ensemble on embeddings of the answers."""
    detector = _detector(permutations, trial)
    return detector.fit(answers.outputs[trial.reference]).score(answers.outputs[trial.current])


def conditional(answers: Answers, trial: Trial, permutations: int) -> DriftResult:
    """Embeddings of the answers, less what their prompts explain."""
    test = ConditionalDrift(_detector(permutations, trial, statistics=CONDITIONAL_STATISTICS))
    test.fit(answers.outputs[trial.reference], prompts=answers.prompts[trial.reference_prompts])
    return test.score(answers.outputs[trial.current], prompts=answers.prompts[trial.current_prompts])


def conditional_style(answers: Answers, trial: Trial, permutations: int) -> DriftResult:
    """The style test, less what the prompts explain."""
    before, after = _style_rows(answers, trial)
    test = ConditionalDrift(_detector(permutations, trial, statistics=STYLE_STATISTICS))
    test.fit(before, prompts=answers.prompts[trial.reference_prompts])
    return test.score(after, prompts=answers.prompts[trial.current_prompts])


def paired(answers: Answers, trial: Trial, permutations: int) -> DriftResult:
    """The window's prompts answered by A too: the 13 features by swaps."""
    detector = PairedDriftDetector(
        PAIRED_STYLE_STATISTICS,
        alpha=ALPHA,
        n_permutations=permutations,
        max_permutations=permutations,
        seed=trial.seed,
    )
    return detector.fit(answers.style[trial.other]).score(answers.style[trial.current])


def _style_rows(answers: Answers, trial: Trial) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """`style_matrices` from features and tokens that are there already."""
    rows = np.concatenate([trial.reference, trial.current])
    matrix = np.hstack([answers.style[rows], word_columns([answers.tokens[row] for row in rows])])
    return matrix[:N_REFERENCE], matrix[N_REFERENCE:]


def _detector(
    permutations: int, trial: Trial, statistics: Sequence[str | Statistic] = DEFAULT_STATISTICS
) -> DriftDetector:
    return DriftDetector(
        statistics,
        alpha=ALPHA,
        n_permutations=permutations,
        max_permutations=permutations,
        reference_ratio=1,
        seed=trial.seed,
    )


METHODS: Final[dict[str, Method]] = {
    "style": style,
    "features": features,
    "conditional_style": conditional_style,
    "conditional": conditional,
    "semantic": semantic,
    "paired": paired,
}
LABELS: Final = {
    "style": "style (features and words)",
    "features": "13 features: KS, top 3 means",
    "conditional_style": "style given the prompt",
    "conditional": "embeddings given the prompt",
    "semantic": "semantic ensemble",
    "paired": "13 features, paired",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """hits of trials with p <= 5 %."""

    hits: int
    trials: int

    @property
    def rate(self) -> float:
        return self.hits / self.trials


def load_pairs(folder: Path) -> list[tuple[str, str]]:
    """The labelled pairs (the re-run too) and the hard swap of research/science.md that is not among them."""
    with gzip.open(folder / "pairs.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [*((str(row["reference"]), str(row["current"])) for row in rows), ("gpt4_0613", "gpt-3.5-turbo-0613")]


def measure(
    answers: Answers, method: str, pair: tuple[str, str], *, n: int, share: float, trials: int, permutations: int
) -> Cell:
    """Run the trials and print their rate."""
    started = time.perf_counter()
    kinds = [(model, model) for model in NULL_MODELS] if pair == (NULL, NULL) else [pair]
    hits = n_trials = 0
    for kind in kinds:
        for seed in range(trials):
            trial = draw(answers, kind, n=n, share=share, seed=seed)
            if kind[0] == kind[1] and method == "paired":
                continue
            hits += METHODS[method](answers, trial, permutations).p_value <= ALPHA
            n_trials += 1
    cell = Cell(hits=hits, trials=n_trials)
    emit(
        bench="model_change",
        subject="driftline",
        method=method,
        reference=pair[0],
        current=pair[1],
        n=n,
        share=share,
        metric="false_alarm_rate" if pair in ((NULL, NULL), RERUN) else "power",
        value=cell.rate if n_trials else None,
        unit="share of trials",
        trials=n_trials,
        alpha=ALPHA,
        permutations=permutations,
        ms_per_test=1000 * (time.perf_counter() - started) / max(n_trials, 1),
    )
    return cell


def table(cells: dict[tuple[str, tuple[str, str], int, float], Cell], *, methods: list[str], sizes: list[int]) -> str:
    """Markdown: a pair a row, a method a column, rates at the sizes joined by slashes; one table a share."""
    lines = []
    for share in sorted({key[3] for key in cells}, reverse=True):
        joined = " / ".join(map(str, sizes))
        lines += [f"{share:.0%} of the window by the new model; n = {joined}", ""]
        lines += [
            "| A to B | " + " | ".join(LABELS[method] for method in methods) + " |",
            "|---" * (1 + len(methods)) + "|",
        ]
        for pair in dict.fromkeys(key[1] for key in cells if key[3] == share):
            name = "no change (A to A)" if pair == (NULL, NULL) else f"{pair[0]} to {pair[1]}"
            name += " (re-run: no change)" if pair == RERUN else ""
            columns = []
            for method in methods:
                found = [cells.get((method, pair, n, share)) for n in sizes]
                rates = [f"{one.rate:.2f}".replace("0.", ".") for one in found if one is not None and one.trials]
                columns.append(" / ".join(rates) or "-")
            lines.append(f"| {name} | " + " | ".join(columns) + " |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Run; 0 also without the data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/model_versions_alpaca_eval"))
    parser.add_argument("--cache", type=Path, required=True, help="keep embeddings here")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--permutations", type=int, default=199)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--shares", type=float, nargs="+", default=[1.0, 0.5])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--pairs", nargs="+", default=None, help="A:B, or 'null:null'; default: all and null")
    parser.add_argument("--table", type=Path, default=None, help="write the Markdown table here")
    options = parser.parse_args()
    if not (options.data / "outputs.jsonl.gz").exists():
        emit(bench="model_change", subject="driftline", skipped=f"no data at {options.data}")
        return 0
    torch.set_num_threads(1)
    answers = load(options.data, options.cache)
    pairs = [(NULL, NULL), *load_pairs(options.data)]
    if options.pairs is not None:
        pairs = [(one.split(":")[0], one.split(":")[1]) for one in options.pairs]
    cells = {}
    for share in options.shares:
        for pair in pairs:
            if share < 1 and pair == (NULL, NULL):
                continue
            for method in options.methods:
                for n in options.sizes:
                    cells[method, pair, n, share] = measure(
                        answers,
                        method,
                        pair,
                        n=n,
                        share=share,
                        trials=options.trials,
                        permutations=options.permutations,
                    )
    emit(bench="model_change", subject="driftline", metric="cells", value=len(cells), unit="cells", **machine())
    if options.table is not None:
        options.table.write_text(table(cells, methods=options.methods, sizes=options.sizes), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
