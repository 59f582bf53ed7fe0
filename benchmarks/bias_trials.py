"""What eval_bias.py measures by planting: groups that differ in nothing, in what they ask, or in how they are answered."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from benchmarks.bias_streams import ASKING, VARIANTS, Corpus, Draw, draw
from benchmarks.bias_texts import rate
from benchmarks.drift_tables import Table
from benchmarks.report import emit
from driftline_analyzers.bias.comparison import GapRules, GroupGap, compare_groups
from driftline_analyzers.bias.counterfactual import sign_flip_p

_QUICK: Final = GapRules(min_sessions=10, n_permutations=199, max_permutations=199, n_bootstrap=199)


def measure_silence(corpora: Sequence[Corpus], *, n_trials: int) -> list[Table]:
    """Groups that differ in nothing, or in nothing but what they ask."""
    rows = []
    for corpus in corpora:
        for n_sessions in (100, 300):
            for asks in ASKING:
                for name, variant in VARIANTS.items():
                    if name != "as built" and n_sessions != 300:
                        continue
                    hits: dict[str, list[bool]] = defaultdict(list)
                    for trial in range(n_trials if name == "as built" else n_trials // 3):
                        drawn = draw(corpus, n_sessions=n_sessions, rng=np.random.default_rng(trial), asks=asks)
                        gaps = _compared(variant(drawn), n_bootstrap=9)
                        for gap in gaps:
                            hits[gap.measure].append(gap.gap.p_value <= 0.05)
                        hits["finding"].append(any(gap.status == "gap" for gap in gaps))
                    measures = [one for one in hits if one not in ("finding", "position")]
                    pooled = np.concatenate([hits[one] for one in measures])
                    rows.append(
                        (
                            corpus.name,
                            str(n_sessions),
                            asks,
                            name,
                            str(len(hits["finding"])),
                            f"{pooled.mean():.3f}",
                            " ".join(f"{one} {np.mean(hits[one]):.3f}" for one in measures),
                            rate(hits["finding"]),
                            f"{np.mean(hits['position']):.3f}",
                        )
                    )
                    emit(
                        bench="bias",
                        part="silence",
                        corpus=corpus.name,
                        n=n_sessions,
                        asks=asks,
                        variant=name,
                        value=float(pooled.mean()),
                        finding=float(np.mean(hits["finding"])),
                    )
    columns = (
        "texts",
        "sessions a group",
        "groups",
        "test",
        "trials",
        "p <= .05",
        "by measure",
        "any finding",
        "position p <= .05",
    )
    return [Table(name="No gap", columns=columns, rows=rows)]


def _compared(drawn: Draw, **rules: Any) -> list[GroupGap]:
    return compare_groups(
        [drawn.labels],
        drawn.measures,
        stratum=drawn.stratum,
        session=drawn.session,
        prompts=drawn.prompts,
        vectors=drawn.vectors,
        rules=replace(_QUICK, **rules),
    )


def measure_power(corpora: Sequence[Corpus], *, n_trials: int) -> list[Table]:
    """Regard moved for one group; the other measures as they are."""
    rows = []
    for corpus in corpora:
        for d in (0.3, 0.5):
            for n_sessions in (50, 100, 200, 400):
                found, findings, covered, matched, errors, widths = [], [], [], [], [], []
                for trial in range(n_trials):
                    drawn = draw(corpus, n_sessions=n_sessions, rng=np.random.default_rng(1000 + trial))
                    drawn = replace(drawn, vectors=None)
                    moved = drawn.planted("regard", d)
                    planted = float(np.nanmax(moved.measures["regard"] - drawn.measures["regard"]))
                    regard = _regard(_compared(moved))
                    found.append(regard.gap.p_value <= 0.05)
                    findings.append(regard.status == "gap")
                    covered.append(regard.gap.low <= planted <= regard.gap.high)
                    matched.append(regard.matched_share)
                    errors.append(regard.gap.gap - planted)
                    widths.append((regard.gap.high - regard.gap.low) / (2 * 1.96))
                spread = float(np.sqrt(np.mean(np.square(errors))) / np.mean(widths))
                rows.append(
                    (
                        corpus.name,
                        f"{d}",
                        str(n_sessions),
                        str(n_trials),
                        rate(found),
                        rate(findings),
                        rate(covered),
                        f"{spread:.2f}",
                        f"{np.mean(matched):.2f}",
                    )
                )
                emit(
                    bench="bias",
                    part="power",
                    corpus=corpus.name,
                    d=d,
                    n=n_sessions,
                    value=float(np.mean(found)),
                    finding=float(np.mean(findings)),
                    coverage=float(np.mean(covered)),
                )
    columns = (
        "texts",
        "d",
        "sessions a group",
        "trials",
        "p <= .05",
        "finding",
        "interval covers",
        "spread by interval",
        "calls matched",
    )
    return [Table(name="A planted gap of regard", columns=columns, rows=rows)]


def _regard(gaps: Sequence[GroupGap]) -> GroupGap:
    return next(gap for gap in gaps if gap.measure == "regard")


def measure_refusals(corpus: Corpus, *, n_trials: int) -> list[Table]:
    """Answers turned into refusals: all groups at the base rate, one at a higher one."""
    rows = []
    for base, higher in ((0.02, 0.02), (0.02, 0.06), (0.02, 0.10), (0.05, 0.15)):
        for n_sessions in (100, 200, 400):
            found, findings = [], []
            for trial in range(n_trials):
                rng = np.random.default_rng(2000 + trial)
                drawn = draw(corpus, n_sessions=n_sessions, rng=rng)
                share = np.where(drawn.labels.label == 0, higher, base)
                drawn = replace(drawn, vectors=None)
                drawn.measures["refusal"] = (rng.random(len(share)) < share).astype(np.float64)
                gap = next(gap for gap in _compared(drawn, n_bootstrap=9) if gap.measure == "refusal")
                found.append(gap.gap.p_value <= 0.05)
                findings.append(gap.status == "gap")
            rows.append((f"{base:.0%}", f"{higher:.0%}", str(n_sessions), str(n_trials), rate(found), rate(findings)))
            emit(bench="bias", part="refusals", base=base, higher=higher, n=n_sessions, value=float(np.mean(found)))
    columns = ("others", "group", "sessions a group", "trials", "p <= .05", "finding")
    return [Table(name=f"One group refused more often ({corpus.name})", columns=columns, rows=rows)]


def measure_pairs(corpus: Corpus, *, n_trials: int) -> list[Table]:
    """Two answers to the same prompt by two models, which of them is called the group's at random."""
    by_session = [np.flatnonzero(corpus.session == number)[:2] for number in range(corpus.n_sessions)]
    pool = np.array([rows for rows in by_session if len(rows) == 2])
    rows = []
    for d in (0.0, 0.3, 0.5):
        for n_pairs in (60, 120, 240):
            hits: dict[str, list[bool]] = defaultdict(list)
            for trial in range(n_trials):
                rng = np.random.default_rng(3000 + trial)
                chosen = rng.permuted(pool[rng.permutation(len(pool))[:n_pairs]], axis=1)
                for name in ("regard", "sentiment", "length"):
                    differences = (
                        corpus.measured.values[name][chosen[:, 0]] - corpus.measured.values[name][chosen[:, 1]]
                    )
                    moved = differences + d * differences.std(ddof=1)
                    hits[name].append(sign_flip_p(moved, n_permutations=199, seed=trial) <= 0.05)
            rows.append(
                (f"{d}", str(n_pairs), str(n_trials), *(rate(hits[name]) for name in ("regard", "sentiment", "length")))
            )
            emit(bench="bias", part="pairs", d=d, n=n_pairs, value=float(np.mean(hits["regard"])))
    return [
        Table(
            name="Counterfactual pairs, p <= .05",
            columns=("d", "pairs", "trials", "regard", "sentiment", "length"),
            rows=rows,
        )
    ]
