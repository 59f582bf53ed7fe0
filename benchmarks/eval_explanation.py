"""Does an explanation name what was planted? Topics, examples, effect size and carriers on mixtures of CLINC150.

    python -m benchmarks.eval_explanation [--data ../shared/data/drift_clinc150] [--cache DIR] [--trials 20] [--seed 0]
        [--only null --only one_intent ... --only carrier]

A trial: one of ten domains is held out as new; a reference of 2,000 texts and a window of 1,000 are drawn from the others without
reuse, alone ('iid') or as sessions of five texts of one intent; a share of the window is replaced by one new intent (at most 12 % of
the window: an intent has 120 texts), by the new domain, by out-of-scope texts (at most 200), or by more of a known domain.
One JSON object a line. --cache keeps the embeddings. Ends with 0 and a reason without the data.
"""

import argparse
import gzip
import json
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import emit, machine
from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.explain.covariates import Outcome
from driftline_analyzers.explain.effect import topic_effect
from driftline_analyzers.explain.examples import typical_examples
from driftline_analyzers.explain.pool import Sample, pool_samples
from driftline_analyzers.explain.slices import Carrier, Rows, carried_by, slice_shift
from driftline_analyzers.explain.topics import topic_shift

N_REFERENCE: Final = 2000
N_CURRENT: Final = 1000
SESSION: Final = 5
SCENARIOS: Final[dict[str, tuple[float, ...]]] = {
    "null": (0.0,),
    "one_intent": (0.01, 0.02, 0.05, 0.1),
    "domain15": (0.05, 0.1, 0.2),
    "oos": (0.05, 0.1),
    "prior": (0.1, 0.2),
}
CARRIERS: Final = ("prompt_version changed", "tenant grew", "model swap", "everywhere")

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinc:
    """texts, intent, domain, is_oos: (n,); vectors: (n, d)."""

    texts: list[str]
    intent: NDArray[np.str_]
    domain: NDArray[np.str_]
    is_oos: NDArray[np.bool_]
    vectors: NDArray[np.float32]

    @property
    def domains(self) -> list[str]:
        """The ten of known intents."""
        return sorted({str(name) for name in self.domain[~self.is_oos]})

    def sample(self, blocks: list[Numbers]) -> Sample:
        """Blocks of row numbers as a sample."""
        rows = np.concatenate(blocks)
        groups = np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])
        return Sample(texts=[self.texts[i] for i in rows], vectors=self.vectors[rows], groups=groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """reference, current: samples; is_planted: (n,) of the window; moved: share of texts that would have to change."""

    reference: Sample
    current: Sample
    is_planted: NDArray[np.bool_]
    moved: float


def load(folder: Path, cache: Path | None) -> Clinc:
    """The data set, embedded by the bundled model or from the cache."""
    with gzip.open(folder / "data.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts = [row["text"] for row in rows]
    embedder = SentenceEmbedder()
    kept = cache / f"clinc-{embedder.model_id.replace('/', '_')}.npy" if cache else None
    if kept is not None and kept.exists():
        vectors = np.load(kept)
    else:
        vectors = embedder.embed(texts)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.save(kept, vectors)
    return Clinc(
        texts=texts,
        intent=np.array([row["intent"] for row in rows]),
        domain=np.array([row["domain"] for row in rows]),
        is_oos=np.array([row["oos"] == 1 for row in rows]),
        vectors=vectors,
    )


def blocks_of(data: Clinc, rows: Numbers, *, size: int, rng: np.random.Generator) -> list[Numbers]:
    """Rows in random order as blocks of `size` texts of one intent; left-overs are dropped."""
    found = []
    for intent in np.unique(data.intent[rows]):
        shuffled = rng.permutation(rows[data.intent[rows] == intent])
        found += [shuffled[i : i + size] for i in range(0, len(shuffled) - size + 1, size)]
    return [found[int(i)] for i in rng.permutation(len(found))]


def draw(data: Clinc, scenario: str, share: float, *, size: int, seed: int) -> Trial:
    """One trial."""
    rng = np.random.default_rng(seed)
    domains = data.domains
    held_out, grown = domains[seed % len(domains)], domains[(seed + 1) % len(domains)]
    blocks = blocks_of(data, np.flatnonzero(~data.is_oos & (data.domain != held_out)), size=size, rng=rng)
    n_reference = N_REFERENCE // size
    reference, rest = blocks[:n_reference], blocks[n_reference:]
    wanted = round(share * N_CURRENT / size)
    new = np.flatnonzero(data.domain == held_out)
    if scenario == "one_intent":
        new = new[data.intent[new] == rng.choice(np.unique(data.intent[new]))]
    elif scenario == "oos":
        new = np.flatnonzero(data.is_oos)
    if scenario == "prior":
        planted = [block for block in reversed(rest) if data.domain[block[0]] == grown][:wanted]
        taken = {int(block[0]) for block in planted}
        rest = [block for block in rest if int(block[0]) not in taken]
    else:
        planted = blocks_of(data, new, size=size, rng=rng)[:wanted]
    current = [*planted, *rest][: N_CURRENT // size]
    n_planted = sum(len(block) for block in planted)
    moved = n_planted / N_CURRENT
    if scenario == "prior":
        moved *= 1 - float(np.mean([data.domain[block[0]] == grown for block in blocks]))
    return Trial(
        reference=data.sample(reference),
        current=data.sample(current),
        is_planted=np.arange(N_CURRENT) < n_planted,
        moved=moved,
    )


def explain(trial: Trial) -> dict[str, float]:
    """What the explanation says of one trial, against what was planted."""
    times = [time.perf_counter()]
    topics = topic_shift(trial.reference, trial.current)
    times.append(time.perf_counter())
    effect = topic_effect(topics.labels, pool_samples(trial.reference, trial.current))
    times.append(time.perf_counter())
    examples = typical_examples(trial.reference, trial.current, limit=20)
    times.append(time.perf_counter())
    grown = [topic for topic in topics.grown if topic.is_significant]
    first = list(topics.grown[0].rows) if topics.grown else []
    told = {row for topic in grown for row in topic.rows}
    planted = trial.is_planted
    return {
        "any_significant": float(topics.is_significant),
        "grown_significant": float(bool(grown)),
        "purity_first": float(planted[first].mean()) if first else 0.0,
        "recall_told": float(planted[sorted(told)].sum() / planted.sum()) if planted.any() else 0.0,
        "precision20_crowding": float(np.mean([planted[one.row] for one in examples.crowding])),
        "precision20_unlike": float(np.mean([planted[one.row] for one in examples.unlike_reference])),
        "precision20_shown": float(np.mean([planted[one.row] for one in examples.new(20)])),
        "moved_true": trial.moved,
        "moved_share": effect.moved_share,
        "moved_low": effect.low,
        "moved_high": effect.high,
        "covered": float(effect.low <= trial.moved <= effect.high),
        "called_small": float(effect.is_small),
        "topics_s": times[1] - times[0],
        "effect_s": times[2] - times[1],
        "examples_s": times[3] - times[2],
    }


def find_carrier(data: Clinc, kind: str, *, seed: int) -> Carrier | None:
    """Plant one carrier among three columns (tenant, prompt_version, model) and ask who it is."""
    rng = np.random.default_rng(seed)
    trial = draw(data, "one_intent", 0.1, size=1, seed=seed)
    planted = trial.is_planted
    before = {"tenant": ("acme", "globex", "initech"), "prompt_version": ("v1", "v2"), "model": ("large", "small")}
    columns = [
        {name: rng.choice(values, size=n).astype(object) for name, values in before.items()}
        for n in (N_REFERENCE, N_CURRENT)
    ]
    if kind == "prompt_version changed":
        columns[1]["prompt_version"][planted] = "v2"
    elif kind == "tenant grew":
        columns[1]["tenant"][planted] = "umbrella"
    elif kind == "model swap":
        columns[1]["model"][:] = "next"
    order = np.arange(N_CURRENT)
    reference, current = trial.reference, trial.current.select(order)
    vectors = np.concatenate([reference.vectors, current.vectors]).astype(np.float64)
    distances = np.sqrt(np.maximum(2 - 2 * vectors @ vectors.T, 0))

    def test(rows: Rows, others: Rows) -> Outcome:
        chosen = np.concatenate([rows, others + N_REFERENCE])
        return _energy(distances[np.ix_(chosen, chosen)], len(rows), seed=seed)

    whole = test(np.arange(N_REFERENCE), order)
    sides = [{name: [str(value) for value in values] for name, values in side.items()} for side in columns]
    return carried_by(slice_shift(sides[0], sides[1], whole=whole, test=test), whole=whole)


def _energy(distances: NDArray[np.float64], m: int, *, seed: int, n_draws: int = 199) -> Outcome:
    """Energy distance of the first m rows and the others by permutation of rows."""
    total = len(distances)
    rng = np.random.default_rng(seed)
    window = np.zeros((total, 1 + n_draws))
    window[m:, 0] = 1
    for draw_number in range(1, 1 + n_draws):
        window[rng.permutation(total)[: total - m], draw_number] = 1
    inside = distances @ window
    within = (window * inside).sum(0)
    across = distances.sum(0) @ window - within
    rest = distances.sum() - 2 * across - within
    n = total - m
    energy = 2 * across / (n * m) - within / max(1, n * (n - 1)) - rest / max(1, m * (m - 1))
    null = energy[1:]
    return Outcome(
        p_value=float((1 + (null >= energy[0]).sum()) / (1 + n_draws)),
        effect_size=float((energy[0] - null.mean()) / max(1e-12, float(null.std()))),
    )


def run(data: Clinc, *, trials: int, seed: int, only: list[str]) -> None:
    """Every cell, or those of these scenarios."""
    for size in (1, SESSION):
        for scenario, shares in SCENARIOS.items():
            if only and scenario not in only:
                continue
            if scenario == "oos" and size > 1:
                continue  # 200 texts without an intent make no sessions
            for share in shares:
                sums: dict[str, list[float]] = defaultdict(list)
                n_trials = trials * (5 if scenario == "null" else 1)
                for number in range(n_trials):
                    for name, value in explain(draw(data, scenario, share, size=size, seed=seed + number)).items():
                        sums[name].append(value)
                means: dict[str, Any] = {name: float(np.mean(values)) for name, values in sums.items()}
                kind = "sessions" if size > 1 else "iid"
                emit(figure="explanation", scenario=scenario, share=share, blocks=kind, trials=n_trials, **means)
    expected = {"prompt_version changed": "v2", "tenant grew": "umbrella", "model swap": "next", "everywhere": None}
    for kind in CARRIERS if not only or "carrier" in only else ():
        found = [find_carrier(data, kind, seed=seed + number) for number in range(trials)]
        right = [(one.value if one else None) == expected[kind] for one in found]
        emit(
            figure="carrier",
            planted=kind,
            trials=trials,
            right=float(np.mean(right)),
            none=float(np.mean([one is None for one in found])),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/drift_clinc150"))
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", default=[], choices=[*SCENARIOS, "carrier"])
    arguments = parser.parse_args()
    if not (arguments.data / "data.jsonl.gz").exists():
        print(f"no data at {arguments.data}: nothing to measure")
        return
    emit(figure="machine", seed=arguments.seed, **machine())
    run(load(arguments.data, arguments.cache), trials=arguments.trials, seed=arguments.seed, only=arguments.only)


if __name__ == "__main__":
    main()
