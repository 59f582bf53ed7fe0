"""Are groups found in texts, is a gap that is there found, is one that is not there left alone, and how biased are our own measures?

    OMP_NUM_THREADS=1 python -m benchmarks.eval_bias [--data ../shared/data] [--cache __cache__/eval_bias] [--markdown PAGE]
        [--parts lexicon,silence,...] [--trials 300] [--regard DIR] [--sentiment DIR]

Embeddings by the bundled model. Parts:
  lexicon   HateCheck: recall and false mention of each group; BOLD: actors and actresses; CrowS-Pairs: pairs whose difference is seen
  tone      regard and sentiment against labels, where the user has fetched them: --regard: train.tsv and test.tsv of github.com/ewsheng/nlg-bias,
            data/regard; --sentiment: hutto_ICWSM_2014 of the source distribution of vaderSentiment 3.3.2 on PyPI, with its package beside it
  silence   no gap: share of tests with p <= .05 and of comparisons with a finding; groups at random and groups that ask about other things
  power     gaps of .3 and .5 standard deviations, 50 to 400 sessions a group: found at p <= .05, as a finding, and covered by the interval
  refusals  a group refused more often
  pairs     sign-flip tests of counterfactual pairs: level and power
  own       our measures' own bias: the same sentences about different groups, masked and not
  bbq       UnifiedQA's answers to BBQ by category and group
  weat      the encoder's associations
JSON lines, and tables between the markers of a page. Without the data it says so and ends with 0.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from benchmarks.bias_probe import accuracy, accuracy_gap, bias_score, estimate, probed
from benchmarks.bias_streams import ASKING, VARIANTS, Corpus, Draw, cached_embed, draw, load_answers, load_bold
from benchmarks.drift_tables import Table
from benchmarks.outlier_streams import load_rows
from benchmarks.report import emit, machine
from driftline_analyzers.bias.association import encoder_associations
from driftline_analyzers.bias.comparison import GapRules, compare_groups
from driftline_analyzers.bias.counterfactual import sign_flip_p
from driftline_analyzers.bias.lexicon import GroupLexicon, default_lexicon
from driftline_analyzers.bias.tone import TONES, Embed, fit_tone
from driftline_analyzers.explain.intervals import wilson

_BEGIN, _END = "<!-- eval_bias begins -->", "<!-- eval_bias ends -->"
PARTS: Final = ("lexicon", "tone", "silence", "power", "refusals", "pairs", "own", "bbq", "weat")
_QUICK: Final = GapRules(min_sessions=10, n_permutations=199, max_permutations=199, n_bootstrap=199)
_TARGETS: Final = {
    "women": ("gender", "women"),
    "trans people": ("gender", "trans people"),
    "black people": ("race", "Black people"),
    "Muslims": ("religion", "Muslims"),
    "gay people": ("orientation", "gay and lesbian people"),
    "disabled people": ("disability", "disabled people"),
    "immigrants": ("migration", "immigrants"),
}
_AXES: Final = {
    "race-color": ("race", "region"),
    "gender": ("gender",),
    "socioeconomic": ("income",),
    "nationality": ("region", "migration"),
    "religion": ("religion",),
    "age": ("age",),
    "sexual-orientation": ("orientation",),
    "disability": ("disability",),
}


def rate(hits: Sequence[bool] | NDArray[np.bool_]) -> str:
    """A share with Wilson's interval, as it is printed."""
    n, share = len(hits), float(np.mean(hits))
    low, high = wilson(np.array([share]), np.array([float(n)]))
    return f"{share:.3f} [{low[0]:.3f}, {high[0]:.3f}]"


def measure_lexicon(data: Path, lexicon: GroupLexicon) -> list[Table]:
    """Recall and false mention by group, and coverage by axis."""
    hate = load_rows(data / "toxicity_hatecheck" / "data.jsonl.gz")
    found = [lexicon.groups(row["text"]) for row in hate]
    rows = []
    for target, (axis, group) in _TARGETS.items():
        named = np.array([group in of_text.get(axis, ()) for of_text in found])
        is_about = np.array([row["target_ident"] == target for row in hate])
        is_whole = np.array([not row["functionality"].startswith(("spell_", "slur_homonym")) for row in hate])
        rows.append(
            (target, str(int(is_about.sum())), rate(named[is_about]), rate(named[is_about & is_whole]), rate(named[~is_about]))
        )  # fmt: skip
        emit(
            bench="bias",
            part="lexicon",
            group=target,
            recall=float(named[is_about].mean()),
            false=float(named[~is_about].mean()),
        )
    hatecheck = Table(
        name="Groups found in HateCheck",
        columns=("group", "texts", "recall", "recall, spelt as usual", "false mention"),
        rows=rows,
    )
    pairs, rows = load_rows(data / "bias_crows_pairs" / "data.jsonl.gz"), []
    for kind, axes in _AXES.items():
        hits = []
        for pair in (row for row in pairs if row["bias_type"] == kind):
            more, less = lexicon.groups(pair["sent_more"]), lexicon.groups(pair["sent_less"])
            hits.append(any(more.get(axis) != less.get(axis) for axis in axes))
        rows.append((kind, str(len(hits)), rate(hits)))
        emit(bench="bias", part="lexicon", kind=kind, coverage=float(np.mean(hits)), n=len(hits))
    crows = Table(name="CrowS-Pairs whose difference the lexicon sees", columns=("type", "pairs", "seen"), rows=rows)
    rows = []
    for name, right in (("American_actors", "men"), ("American_actresses", "women")):
        texts = [row["wikipedia"] for row in load_rows(data / "bias_bold" / "data.jsonl.gz") if row["group"] == name]
        groups = [lexicon.groups(text).get("gender", frozenset()) & {"men", "women"} for text in texts]
        decided = [of_text for of_text in groups if len(of_text) == 1]
        rows.append(
            (
                name,
                str(len(texts)),
                rate([len(of_text) == 1 for of_text in groups]),
                rate([right in one for one in decided]),
            )
        )
        emit(bench="bias", part="lexicon", group=name, decided=len(decided) / len(texts), right=float(np.mean([right in one for one in decided])))  # fmt: skip
    bold = Table(
        name="Gender in BOLD's sentences", columns=("of", "sentences", "one gender named", "the right one"), rows=rows
    )
    return [hatecheck, crows, bold]


def measure_tone(embed: Embed, lexicon: GroupLexicon, *, regard: Path | None, sentiment: Path | None) -> list[Table]:
    """AUROC of positive against negative, by set."""
    rows = []
    for name in TONES:
        tone = fit_tone(name, embed)
        rows.append((name, "its own sentences, each left out", "96", f"R² {tone.loo_r2:.2f}", "", ""))
    if regard is not None:
        lines = [
            line.split("\t", 1)
            for part in ("train", "test")
            for line in (regard / f"{part}.tsv").read_text("utf-8").splitlines()
        ]
        labels = np.array([int(label) for label, _ in lines])
        texts = [lexicon.mask(text) for _, text in lines]
        for name in TONES:
            rows.append(
                (
                    name,
                    "nlg-bias regard",
                    *_ranked(fit_tone(name, embed).score(embed(texts)), labels.astype(float), 0.5),
                )
            )
    if sentiment is not None:
        for path in sorted((sentiment / "hutto_ICWSM_2014").glob("*_GroundTruth.txt")):
            pairs = [line.split("\t")[1:3] for line in path.read_text("utf-8", errors="replace").splitlines()]
            chosen = [pairs[i] for i in np.random.default_rng(0).permutation(len(pairs))[:1000]]
            labels, texts = np.array([float(label) for label, _ in chosen]), [text for _, text in chosen]
            of_set = path.name.split("_")[0]
            for name in TONES:
                rows.append((name, of_set, *_ranked(fit_tone(name, embed).score(embed(texts)), labels, 0.5)))
            rows.append(("VADER 3.3.2", of_set, *_ranked(_vader(sentiment, texts), labels, 0.5)))
    columns = ("measure", "labels", "texts", "AUROC, positive against negative", "Spearman's rho", "clear ones")
    return [Table(name="Tone against labels", columns=columns, rows=rows)]


def _vader(folder: Path, texts: Sequence[str]) -> NDArray[np.float64]:
    sys.path.insert(0, str(folder))
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-not-found] # fetched by the user

    analyzer = SentimentIntensityAnalyzer()
    return np.array([analyzer.polarity_scores(text)["compound"] for text in texts])


def _ranked(scores: NDArray[np.float64], labels: NDArray[np.float64], least: float) -> tuple[str, str, str, str]:
    is_clear = np.abs(labels) >= least
    auroc = float(roc_auc_score(labels[is_clear] > 0, scores[is_clear]))
    rng = np.random.default_rng(0)
    drawn = []
    clear = np.flatnonzero(is_clear)
    for _ in range(499):
        rows = rng.choice(clear, len(clear))
        if 0 < (labels[rows] > 0).sum() < len(rows):
            drawn.append(roc_auc_score(labels[rows] > 0, scores[rows]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    rho = float(spearmanr(scores, labels)[0])
    return str(len(labels)), f"{auroc:.3f} [{low:.3f}, {high:.3f}]", f"{rho:.2f}", str(int(is_clear.sum()))


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
                    emit(bench="bias", part="silence", corpus=corpus.name, n=n_sessions, asks=asks, variant=name, value=float(pooled.mean()), finding=float(np.mean(hits["finding"])))  # fmt: skip
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


def _compared(drawn: Draw, **rules: Any) -> list[Any]:
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
                found, findings, covered, matched = [], [], [], []
                for trial in range(n_trials):
                    drawn = draw(corpus, n_sessions=n_sessions, rng=np.random.default_rng(1000 + trial))
                    drawn = replace(drawn, vectors=None)
                    alone = replace(drawn, measures={"regard": drawn.measures["regard"]})
                    before = _regard(_compared(alone, n_permutations=9, max_permutations=9, n_bootstrap=9))
                    gaps = _compared(drawn.planted("regard", d))
                    regard = _regard(gaps)
                    planted = regard.gap.gap - before.gap.gap
                    found.append(regard.gap.p_value <= 0.05)
                    findings.append(regard.status == "gap")
                    covered.append(regard.gap.low <= planted <= regard.gap.high)
                    matched.append(regard.matched_share)
                rows.append(
                    (corpus.name, f"{d}", str(n_sessions), str(n_trials), rate(found), rate(findings), rate(covered), f"{np.mean(matched):.2f}")
                )  # fmt: skip
                emit(bench="bias", part="power", corpus=corpus.name, d=d, n=n_sessions, value=float(np.mean(found)), finding=float(np.mean(findings)), coverage=float(np.mean(covered)))  # fmt: skip
    columns = ("texts", "d", "sessions a group", "trials", "p <= .05", "finding", "interval covers", "calls matched")
    return [Table(name="A planted gap of regard", columns=columns, rows=rows)]


def _regard(gaps: Sequence[Any]) -> Any:
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


def measure_own(data: Path, embed: Embed, lexicon: GroupLexicon) -> list[Table]:
    """HateCheck's harmless and hateful sentences by target, and CrowS-Pairs, with group words and without."""
    hate = [row for row in load_rows(data / "toxicity_hatecheck" / "data.jsonl.gz") if row["target_ident"]]
    target, is_hateful = (
        np.array([row["target_ident"] for row in hate]),
        np.array([row["hateful"] == 1 for row in hate]),
    )
    tone = fit_tone("regard", embed)
    scores = {
        "as written": tone.score(embed([row["text"] for row in hate])),
        "masked": tone.score(embed([lexicon.mask(row["text"]) for row in hate])),
    }
    rows, kinds = [], np.array([row["functionality"] for row in hate])
    for name in _TARGETS:
        cells = [name, str(int((~is_hateful & (target == name)).sum()))]
        for values in scores.values():
            threshold = np.quantile(values[~is_hateful], 0.1)
            harmless = ~is_hateful & (target == name)
            same = np.isin(kinds, ["ident_neutral_nh", "ident_pos_nh", "negate_neg_nh"])
            gap = values[same & (target == name)].mean() - values[same & (target != name)].mean()
            cells += [rate(values[harmless] <= threshold), f"{gap:+.3f}"]
        rows.append(tuple(cells))
    for name, values in scores.items():
        auroc = float(roc_auc_score(is_hateful, -values))
        rows.append((f"all, {name}: AUROC of hateful by low regard", str(len(hate)), f"{auroc:.3f}", "", "", ""))
        emit(bench="bias", part="own", metric="auroc_hateful", variant=name, value=auroc)
    columns = (
        "target",
        "harmless texts",
        "lowest tenth, as written",
        "gap of regard, as written",
        "lowest tenth, masked",
        "gap, masked",
    )
    own = Table(name="Our regard on HateCheck, by group", columns=columns, rows=rows)
    pairs, rows = load_rows(data / "bias_crows_pairs" / "data.jsonl.gz"), []
    for kind in (*_AXES, "physical-appearance"):
        chosen = [row for row in pairs if row["bias_type"] == kind and row["stereo_antistereo"] == "stereo"]
        cells = [kind, str(len(chosen))]
        change: Callable[[str], str]
        for change in (str, lexicon.mask):
            more, less = (
                tone.score(embed([change(row[side]) for row in chosen])) for side in ("sent_more", "sent_less")
            )
            differences = more - less
            drawn = differences[np.random.default_rng(0).integers(len(differences), size=(999, len(differences)))].mean(
                1
            )
            low, high = np.quantile(drawn, [0.025, 0.975])
            p_value = sign_flip_p(differences, n_permutations=9_999)
            cells += [f"{differences.mean():+.3f} [{low:+.3f}, {high:+.3f}]", f"{p_value:.4f}"]
            emit(bench="bias", part="own", kind=kind, variant="masked" if change is not str else "as written", value=float(differences.mean()), p=p_value)  # fmt: skip
        rows.append(tuple(cells))
    columns = ("type", "pairs", "change of regard, as written", "p", "change, masked", "p")
    return [
        own,
        Table(name="Our regard on CrowS-Pairs: stereotyped sentence less the other", columns=columns, rows=rows),
    ]


def measure_bbq(data: Path) -> list[Table]:
    """Both prompt formats that answers are there for."""
    source = load_rows(data / "bias_bbq" / "data.jsonl.gz")
    tables = []
    for answers in ("unifiedqa_race", "unifiedqa_arc"):
        rows_of, n_left_out = probed(source, answers)
        rows = []
        for by in ("category", "target"):
            for name in sorted({getattr(row, by) for row in rows_of}):
                clear = [row for row in rows_of if getattr(row, by) == name and not row.is_ambiguous]
                ambiguous = [row for row in rows_of if getattr(row, by) == name and row.is_ambiguous]
                if len({row.template for row in clear}) < (5 if by == "category" else 4) or len(clear) < 100:
                    continue
                gap, of_clear, of_ambiguous = (
                    estimate(clear, accuracy_gap),
                    estimate(clear, bias_score),
                    estimate(ambiguous, bias_score),
                )
                rows.append(
                    (
                        f"**{name}**" if by == "category" else name,
                        f"{gap.n} + {len(ambiguous)}",
                        str(gap.n_templates),
                        f"{accuracy(clear):.3f} / {accuracy(ambiguous):.3f}",
                        *(f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}] p {one.p_value:.3f}" for one in (gap, of_clear, of_ambiguous)),
                    )
                )  # fmt: skip
                emit(bench="bias", part="bbq", answers=answers, of=name, gap=gap.value, low=gap.low, high=gap.high, clear=of_clear.value, ambiguous=of_ambiguous.value)  # fmt: skip
        columns = (
            "of",
            "questions",
            "templates",
            "accuracy, clear / ambiguous",
            "accuracy gap",
            "bias score, clear",
            "bias score, ambiguous",
        )
        tables.append(Table(name=f"BBQ, {answers} ({n_left_out} questions left out)", columns=columns, rows=rows))
    return tables


def measure_weat(embed: Embed) -> list[Table]:
    """The bundled encoder's own."""
    rows = []
    for one in encoder_associations(embed):
        rows.append((one.name, str(one.n_targets), f"{one.d:+.2f}", f"{one.p_value:.4f}"))
        emit(bench="bias", part="weat", test=one.name, d=one.d, p=one.p_value)
    return [
        Table(name="What the encoder itself associates", columns=("test", "targets", "d", "p, one-sided"), rows=rows)
    ]


def write_tables(page: Path, tables: Sequence[Table]) -> None:
    """Between the page's two markers, or as a page of their own where it has none."""
    text = "\n\n".join(table.markdown() for table in tables)
    before, found, rest = (page.read_text(encoding="utf-8") if page.exists() else "").partition(_BEGIN)
    after = rest.partition(_END)[2]
    page.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}" if found else text + "\n", encoding="utf-8")


def main() -> int:
    """The parts asked for, in order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("__cache__/eval_bias"))
    parser.add_argument("--markdown", type=Path, help="a page: the tables replace what is between its markers")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--regard", type=Path, help="train.tsv and test.tsv of nlg-bias, data/regard")
    parser.add_argument("--sentiment", type=Path, help="holds hutto_ICWSM_2014/ and vaderSentiment/")
    options = parser.parse_args()
    if not (options.data / "bias_bold").exists():
        print(f"no data under {options.data}: nothing is measured")
        return 0
    emit(bench="bias", part="machine", **machine())
    parts = options.parts.split(",")
    embed, lexicon = cached_embed(options.cache), default_lexicon()
    tables: list[Table] = []
    if "lexicon" in parts:
        tables += measure_lexicon(options.data, lexicon)
    if "tone" in parts:
        tables += measure_tone(embed, lexicon, regard=options.regard, sentiment=options.sentiment)
    if {"silence", "power", "refusals", "pairs"} & set(parts):
        answers = load_answers(options.data, embed)
        corpora = [load_bold(options.data, embed), answers]
        if "silence" in parts:
            tables += measure_silence(corpora, n_trials=options.trials)
        if "power" in parts:
            tables += measure_power(corpora, n_trials=max(20, options.trials // 3))
        if "refusals" in parts:
            tables += measure_refusals(answers, n_trials=max(20, options.trials // 3))
        if "pairs" in parts:
            tables += measure_pairs(answers, n_trials=options.trials)
    if "own" in parts:
        tables += measure_own(options.data, embed, lexicon)
    if "bbq" in parts:
        tables += measure_bbq(options.data)
    if "weat" in parts:
        tables += measure_weat(embed)
    if options.markdown is not None:
        write_tables(options.markdown, tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())
