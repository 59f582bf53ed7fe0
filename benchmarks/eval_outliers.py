"""How well are new texts told from ordinary ones, is the stated share of false flags true, is an excess found, is an attack one group?

    OMP_NUM_THREADS=1 python -m benchmarks.eval_outliers [--data ../shared/data] [--cache __cache__/eval_outliers]
        [--parts scores,flags,...] [--threads 1] [--quick]

Embeddings by the bundled model; nothing is fitted to labels. Parts:
  scores         AUROC with DeLong's 95 % interval, ordinary texts above the 5 % quantile of new ones (FPR at 95 % TPR), new texts among
                 the 5 % strangest by ordinary texts; every detector, references of 500 to 15,000, seconds to fit and per 1,000 texts
  contamination  the same with 4 % of the reference out of scope
  ordinary       ordinary texts alone: share of them with p <= .05, every detector, references of 2,000
  flags          windows of 1,000, 0 to 20 % out of scope: share of false flags, of new texts flagged; independent and in sessions of five
  excess         windows of 250 and 1,000 with nothing new: false alarms of the excess test; with 1 to 10 % out of scope: power
  ratio          sessions of 20, nothing new: false alarms of the excess test with its rule that a window is at most an eighth of its
                 reference, and without
  groups         an intent or a family of jailbreaks that the reference lacks: is it one group, pure, and does it keep its id
  jailbreaks     in-the-wild jailbreaks against benign instructions, for the record
JSON lines; figures and protocol are told in docs/detection-quality-outliers.md. Without the data it says so and ends with 0.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.outlier_p_values import (
    CALIBRATED,
    N_REFERENCE,
    fit,
    measure_excess,
    measure_flags,
    measure_ordinary,
    measure_ratio,
)
from benchmarks.outlier_streams import (
    N_OOS_CHOOSING,
    Queries,
    embedded,
    load_queries,
    load_rows,
    placements,
    sessions,
    with_groups,
)
from benchmarks.report import emit, machine
from driftline_analyzers.outliers.excess import TAILS
from driftline_analyzers.outliers.groups import group_outliers
from driftline_analyzers.outliers.matching import KnownGroup, match_groups
from driftline_analyzers.outliers.registry import DEFAULT_OUTLIER_DETECTOR, OUTLIER_DETECTORS

REFERENCES: Final = {500: 5, 1000: 5, 2000: 4, 5000: 3, 15_000: 1}
"""Reference size -> how many are drawn (as far as the data go: 15,000 is all of train)."""


def measure_scores(q: Queries, *, quick: bool) -> None:
    """Every detector, size and kind of new text."""
    rng = np.random.default_rng(0)
    held_back_intents = np.unique(q.intent[q.held_back(q.val)])
    for m, n_draws in REFERENCES.items():
        if quick and m > 2000:
            continue
        draws = [(rng.permutation(q.train)[:m], rng.permutation(held_back_intents)[:25]) for _ in range(n_draws)]
        for name in OUTLIER_DETECTORS:
            is_model = OUTLIER_DETECTORS[name].__mro__[1].__name__ == "FoldedDetector"
            found: dict[str, list[tuple[NDArray[np.float64], NDArray[np.bool_]]]] = {}
            fit_s, score_s = [], []
            for rows, out in draws[: 2 if is_model else None]:
                begun = time.perf_counter()
                detector = fit(name, q.vectors[rows])
                fit_s.append(time.perf_counter() - begun)
                for task, ordinary, new in _tasks(q):
                    begun = time.perf_counter()
                    scores = detector.score(np.concatenate([ordinary, new])).scores
                    score_s.append((time.perf_counter() - begun) / len(scores) * 1000)
                    found.setdefault(task, []).append((scores, np.arange(len(scores)) >= len(ordinary)))
                if not is_model or m <= 5000:
                    known = rows[~np.isin(q.intent[rows], out)]
                    scores = fit(name, q.vectors[known]).score(q.vectors[q.val]).scores
                    found.setdefault("new_intents", []).append((scores, np.isin(q.intent[q.val], out)))
            for task, runs in found.items():
                _emit_ranking(task, name, m, runs, fit_s=float(np.median(fit_s)), score_s=float(np.median(score_s)))


def _tasks(q: Queries) -> Iterator[tuple[str, NDArray[np.float32], NDArray[np.float32]]]:
    money = q.val[np.isin(q.domain[q.val], ["banking", "credit_cards"])]
    yield "oos", q.vectors[q.val], q.vectors[q.oos]
    yield "oos_held_back", q.vectors[q.held_back(q.val)], q.vectors[q.oos[N_OOS_CHOOSING:]]
    yield "wiki", q.vectors[q.val], q.wiki
    yield "banking77", q.vectors[money], q.banking


def _emit_ranking(
    task: str, name: str, m: int, runs: list[tuple[NDArray[np.float64], NDArray[np.bool_]]], **seconds: float
) -> None:
    aurocs, fprs, recalls, errors = [], [], [], []
    for scores, is_new in runs:
        of_new, of_old = placements(scores, is_new)
        aurocs.append(float(of_new.mean()))
        errors.append(of_new.var() / len(of_new) + of_old.var() / len(of_old))
        fprs.append(float((scores[~is_new] >= np.quantile(scores[is_new], 0.05)).mean()))
        recalls.append(float((scores[is_new] > np.quantile(scores[~is_new], 0.95)).mean()))
    auroc, half = float(np.mean(aurocs)), 1.96 * float(np.sqrt(np.mean(errors)))
    emit(
        bench="outliers",
        part="scores",
        task=task,
        subject=name,
        n_reference=m,
        metric="auroc",
        value=auroc,
        unit="probability",
        low=auroc - half,
        high=min(1.0, auroc + half),
        least=min(aurocs),
        fpr_at_95_tpr=float(np.mean(fprs)),
        recall_at_5_percent=float(np.mean(recalls)),
        references=len(runs),
        fit_s=seconds["fit_s"],
        score_s_per_1000=seconds["score_s"],
    )


def measure_contamination(q: Queries) -> None:
    """2,500 texts, 100 of them from the same source as what shall be found."""
    rng = np.random.default_rng(1)
    for name in OUTLIER_DETECTORS:
        for contaminated in (False, True):
            runs = []
            for _ in range(2):
                rows = rng.permutation(q.train)[:2500]
                if contaminated:
                    rows[:N_OOS_CHOOSING] = q.oos[:N_OOS_CHOOSING]
                current = np.concatenate([q.val, q.oos[N_OOS_CHOOSING:]])
                scores = fit(name, q.vectors[rows]).score(q.vectors[current]).scores
                runs.append((scores, np.arange(len(current)) >= len(q.val)))
            _emit_ranking(f"oos_contaminated_{contaminated}".lower(), name, 2500, runs, fit_s=0.0, score_s=0.0)


def measure_groups(q: Queries, *, data: Path, cache: Path, n_references: int) -> None:
    """Attacks among 940 ordinary texts of 188 sessions and 20 out-of-scope ones, in two windows: 40 texts in eight sessions about an intent
    that the reference lacks; variants of one in-the-wild jailbreak, half of them in each window, each a session. What is grouped is what
    is flagged or has p <= 0.05.
    """
    intents = np.unique(q.intent[q.held_back(q.val)])
    ordinary = np.concatenate([q.train, q.val])
    jailbreaks = load_rows(data / "injection_jailbreak" / "data.jsonl.gz")
    vectors = np.concatenate(
        [q.vectors, embedded("injection_jailbreak", [row["text"] for row in jailbreaks], cache)], dtype=np.float32
    )
    texts = q.texts + [row["text"] for row in jailbreaks]
    family_of = np.array([row["group"] if row["kind"] == "jailbreak_in_the_wild" else "" for row in jailbreaks])
    names, counts = np.unique(family_of[family_of != ""], return_counts=True)
    families = [np.flatnonzero(family_of == name) + len(q.texts) for name in names[counts >= 7]]
    measured: dict[tuple[str, str], list[float]] = {}
    for draw in range(n_references):
        rng = np.random.default_rng(200 + draw)
        planted = rng.permutation(intents)[:15]
        pool = sessions(ordinary[~np.isin(q.intent[ordinary], planted)], q.intent, size=5, rng=rng)
        detector = fit(DEFAULT_OUTLIER_DETECTOR, vectors[(of := with_groups(pool[: N_REFERENCE // 5]))[0]], of[1])
        attacks = [("intent", q.intent[ordinary] == intent) for intent in planted]
        plans = [(kind, sessions(ordinary[rows], q.intent, size=5, rng=rng)[:16]) for kind, rows in attacks]
        plans += [("jailbreak", [np.array([row]) for row in rng.permutation(family)]) for family in families]
        for kind, attack in plans:
            known: list[KnownGroup] = []
            ids = []
            for half in (attack[: len(attack) // 2], attack[len(attack) // 2 :]):
                fresh = [pool[i] for i in rng.choice(np.arange(N_REFERENCE // 5, len(pool)), 188, replace=False)]
                strays = [np.array([row]) for row in rng.choice(q.oos, 20, replace=False)]
                current, groups = with_groups(fresh + half + strays)
                is_attack = np.isin(current, np.concatenate(half))
                result = detector.score(vectors[current])
                candidates = result.is_flagged | (result.p_values <= TAILS[0])
                found = group_outliers(
                    vectors[current],
                    candidates,
                    [texts[i] for i in current],
                    p_values=result.p_values,
                    groups=groups,
                ).groups
                now = match_groups(known, found)
                known = [KnownGroup(group_id=one.group_id, vectors=one.vectors) for one in now]
                n_attack = [int(is_attack[list(one.rows)].sum()) for one in now]
                best = int(np.argmax(n_attack)) if sum(n_attack) else None
                ids.append(now[best].group_id if best is not None else None)
                figures = {
                    "attack_texts_grouped_over": float(candidates[is_attack].mean()),
                    "attack_flagged": float(result.is_flagged[is_attack].mean()),
                    "attack_has_a_group": float(best is not None),
                    "other_groups": float(sum(n == 0 for n in n_attack)),
                }
                if best is not None:
                    figures |= {
                        "in_its_largest_group": n_attack[best] / int((candidates & is_attack).sum()),
                        "purity": n_attack[best] / now[best].n_texts,
                        "groups_with_attack": float(sum(n > 0 for n in n_attack)),
                        "is_listed_first": float(best == 0),
                    }
                for metric, value in figures.items():
                    measured.setdefault((kind, metric), []).append(value)
            if None not in ids:
                measured.setdefault((kind, "same_id_next_window"), []).append(float(ids[0] == ids[1]))
    for (kind, metric), values in measured.items():
        emit(
            bench="outliers",
            part="groups",
            subject=DEFAULT_OUTLIER_DETECTOR,
            attack=kind,
            metric=metric,
            value=float(np.mean(values)),
            se=float(np.std(values) / np.sqrt(len(values))),
            unit="groups" if metric.endswith("groups") or metric == "groups_with_attack" else "share",
            n=len(values),
        )


def measure_jailbreaks(data: Path, cache: Path) -> None:
    """Strange is not dangerous: jailbreaks are written like ordinary instructions."""
    rows = load_rows(data / "injection_jailbreak" / "data.jsonl.gz")
    kind = np.array([row["kind"] for row in rows])
    vectors = embedded("injection_jailbreak", [row["text"] for row in rows], cache)
    benign = np.random.default_rng(0).permutation(np.flatnonzero(kind == "benign_instruction"))
    current = np.concatenate([benign[300:], np.flatnonzero(kind == "jailbreak_in_the_wild")])
    for name in CALIBRATED:
        scores = fit(name, vectors[benign[:300]]).score(vectors[current]).scores
        _emit_ranking(
            "jailbreaks", name, 300, [(scores, kind[current] == "jailbreak_in_the_wild")], fit_s=0.0, score_s=0.0
        )


def main() -> int:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("__cache__/eval_outliers"), help="vectors")
    parser.add_argument("--parts", default="scores,contamination,ordinary,flags,excess,ratio,groups,jailbreaks")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="references to 2,000; a third of the trials")
    options = parser.parse_args()
    if not (options.data / "drift_clinc150" / "data.jsonl.gz").exists():
        emit(bench="outliers", skipped=f"no data at {options.data}")
        return 0
    torch.set_num_threads(options.threads)
    queries = load_queries(options.data, options.cache)
    n = {"n_references": 3 if options.quick else 8}
    parts: dict[str, Callable[[], None]] = {
        "scores": lambda: measure_scores(queries, quick=options.quick),
        "contamination": lambda: measure_contamination(queries),
        "ordinary": lambda: measure_ordinary(queries, n_references=3),
        "flags": lambda: measure_flags(queries, n_windows=25, **n),
        "excess": lambda: measure_excess(queries, n_windows=50, **n),
        "ratio": lambda: measure_ratio(queries, n_windows=50, **n),
        "groups": lambda: measure_groups(
            queries, data=options.data, cache=options.cache, n_references=1 if options.quick else 3
        ),
        "jailbreaks": lambda: measure_jailbreaks(options.data, options.cache),
    }
    emit(bench="outliers", part="machine", threads=options.threads, **machine())
    for part in options.parts.split(","):
        parts[part]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
