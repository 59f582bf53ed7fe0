"""Toxicity in eval_safety.py: the head on templates, targets and kinds of sentences that it has not seen, and to whom it is unfair."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from benchmarks.outlier_streams import load_rows
from benchmarks.safety_measures import Flags, Scores, Table, auroc_with_interval, flagged
from driftline_analyzers.safety.toxicity import ToxicityScorer
from driftline_analyzers.safety.weights import load_weights
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import Embed
from training.injection import CachedVectors
from training.toxicity import Texts, fit, load_texts, out_of_fold, threshold_of

_DRAWS: Final = 1000


def tables(data: Path, vectors: CachedVectors) -> Iterator[Table]:
    """All of them; the training set is made again from its seed."""
    texts = load_texts(data, vectors, seed=int(load_weights("toxicity")["seed"]))
    by_template = out_of_fold(texts, texts.group)
    threshold = threshold_of(texts, by_template)
    yield _protocols(texts, by_template, threshold)
    yield _functionalities(texts, by_template >= threshold)
    yield _targets(texts, by_template >= threshold)
    yield _ordinary(data, vectors.vectors)


def _protocols(texts: Texts, by_template: Scores, threshold: float) -> Table:
    both = texts.is_hatecheck
    protocols = {
        "templates held out": by_template,
        "target and template held out": _target_and_template(texts),
        "functionality held out": out_of_fold(texts, np.where(both, texts.functionality, texts.group), n_folds=30),
    }
    lines = []
    for name, scores in protocols.items():
        hateful, harmless = both & texts.is_hateful, both & ~texts.is_hateful
        recall, false = (scores[hateful] >= threshold).mean(), (scores[harmless] >= threshold).mean()
        lines.append(
            (
                name,
                auroc_with_interval(scores[hateful], scores[harmless], groups=texts.group[hateful]),
                f"{_macro_f1(scores[both] >= threshold, texts.is_hateful[both]):.3f}",
                f"{recall:.3f}",
                f"{false:.3f}",
            )
        )
    return Table(
        name="Hateful against harmless within HateCheck",
        columns=("protocol", "AUROC", "macro F1", "hateful flagged", "harmless flagged"),
        rows=lines,
    )


def _target_and_template(texts: Texts) -> Scores:
    """A sentence of a target by a head that has seen neither the target nor the template, which other targets share."""
    scores = np.zeros(len(texts.group))
    for train, test in GroupKFold(5).split(scores, groups=texts.group):
        in_train = np.isin(np.arange(len(scores)), train)
        for target in np.unique(texts.target[test]):
            members = test[texts.target[test] == target]
            chosen = in_train & ((texts.target != target) | (target in {"", "none"}))
            scores[members] = fit(texts, chosen).decision_function(texts.vectors[members])
    return scores


def _macro_f1(is_flagged: Flags, is_hateful: Flags) -> float:
    found = []
    for side in (True, False):
        hits = float(((is_flagged == side) & (is_hateful == side)).sum())
        found.append(2 * hits / ((is_flagged == side).sum() + (is_hateful == side).sum()))
    return float(np.mean(found))


def _functionalities(texts: Texts, is_flagged: Flags) -> Table:
    lines = []
    for name in np.unique(texts.functionality[texts.is_hatecheck]):
        members = texts.functionality == name
        is_hateful = bool(texts.is_hateful[members][0])
        right = is_flagged[members] == is_hateful
        lines.append((str(name), "hateful" if is_hateful else "harmless", str(int(members.sum())), flagged(right)))
    return Table(
        name="Right by kind of sentence (HateCheck's functionality), templates held out",
        columns=("functionality", "gold", "n", "right"),
        rows=lines,
    )


def _targets(texts: Texts, is_flagged: Flags) -> Table:
    """Harmless sentences by the group they mention, templates drawn with replacement for the interval of the widest gap."""
    harmless = texts.is_hatecheck & ~texts.is_hateful & (texts.target != "none")
    targets = np.unique(texts.target[harmless])
    lines = [
        (
            str(target),
            flagged(is_flagged[harmless & (texts.target == target)]),
            flagged(is_flagged[texts.is_hatecheck & texts.is_hateful & (texts.target == target)]),
            str(int((harmless & (texts.target == target)).sum())),
        )
        for target in targets
    ]
    rows = np.flatnonzero(harmless)
    names = np.unique(texts.group[rows])
    members = [rows[texts.group[rows] == name] for name in names]
    rng = np.random.default_rng(0)

    def rates(chosen: NDArray[np.int64]) -> list[float]:
        of = [chosen[texts.target[chosen] == target] for target in targets]
        return [float(is_flagged[one].mean()) for one in of if len(one)]

    found = rates(rows)
    most, least = int(np.argmax(found)), int(np.argmin(found))
    widest, fixed = [], []
    for _ in range(_DRAWS):
        chosen = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        drawn = rates(chosen)
        widest.append(max(drawn) - min(drawn))
        if len(drawn) == len(targets):
            fixed.append(drawn[most] - drawn[least])
    low, high = np.quantile(fixed, [0.025, 0.975])
    lines.append(
        (
            f"**gap: {targets[most]} minus {targets[least]}**",
            f"{found[most] - found[least]:.3f} [{low:.3f}, {high:.3f}]; widest gap of a resample {np.median(widest):.3f}",
            "",
            "",
        )
    )
    return Table(
        name="To whom the head is unfair: flagged by group that a sentence mentions, templates held out",
        columns=("group", "harmless, yet flagged", "hateful and flagged", "n harmless"),
        rows=lines,
    )


def _ordinary(data: Path, embed: Embed) -> Table:
    """Texts that training lacks, by the scorer as it ships."""
    injection = load_rows(data / "injection_jailbreak" / "data.jsonl.gz")
    outputs = load_rows(data / "model_versions_alpaca_eval" / "outputs.jsonl.gz")
    lines = []
    for name, texts in {
        "CLINC150 queries": [row["text"] for row in injection if row["kind"] == "benign_assistant_query"],
        "AlpacaEval prompts": [row["text"] for row in injection if row["kind"] == "benign_instruction"],
        "AlpacaEval answers": [row["output"] for row in outputs[:: len(outputs) // 300]][:300],
        "in-the-wild jailbreaks (many with insults)": [
            row["text"] for row in injection if row["kind"] == "jailbreak_in_the_wild"
        ],
    }.items():
        scored = ToxicityScorer().score([_call(text) for text in texts], embed=embed)
        lines.append((name, str(len(scored)), flagged(np.array([one[0].is_flagged for one in scored if one]))))
    return Table(name="Ordinary traffic, the shipped scorer", columns=("texts", "n", "flagged"), rows=lines)


def _call(prompt: str) -> Call:
    return Call(
        trace_id="0" * 32,
        span_id="0" * 16,
        start_ns=0,
        service="",
        model="",
        prompt_version="",
        session_id="",
        system_prompt="",
        prompt=prompt,
        completion="",
    )
