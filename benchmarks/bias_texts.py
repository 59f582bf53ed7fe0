"""What eval_bias.py measures on labelled texts: the tone of sentences, and what our own measures do to groups."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from benchmarks.drift_tables import Table
from benchmarks.outlier_streams import load_rows
from benchmarks.report import emit
from driftline_analyzers.bias.association import encoder_associations
from driftline_analyzers.bias.counterfactual import sign_flip_p
from driftline_analyzers.bias.lexicon import GroupLexicon
from driftline_analyzers.bias.tone import TONES, Embed, fit_tone
from driftline_analyzers.explain.intervals import wilson

TARGETS: Final = {
    "women": ("gender", "women"),
    "trans people": ("gender", "trans people"),
    "black people": ("race", "Black people"),
    "Muslims": ("religion", "Muslims"),
    "gay people": ("orientation", "gay and lesbian people"),
    "disabled people": ("disability", "disabled people"),
    "immigrants": ("migration", "immigrants"),
}
AXES: Final = {
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


def measure_tone(embed: Embed, lexicon: GroupLexicon, *, regard: Path | None, sentiment: Path | None) -> list[Table]:
    """AUROC of positive against negative, by set."""
    rows: list[tuple[str, ...]] = []
    for name in TONES:
        tone = fit_tone(name, embed)
        rows.append((name, "its own sentences, each left out", str(tone.n_texts), f"R² {tone.loo_r2:.2f}", "", ""))
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
    for name in TARGETS:
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
    for kind in (*AXES, "physical-appearance"):
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
            emit(
                bench="bias",
                part="own",
                kind=kind,
                variant="masked" if change is not str else "as written",
                value=float(differences.mean()),
                p=p_value,
            )
        rows.append(tuple(cells))
    columns = ("type", "pairs", "change of regard, as written", "p", "change, masked", "p")
    return [
        own,
        Table(name="Our regard on CrowS-Pairs: stereotyped sentence less the other", columns=columns, rows=rows),
    ]


def measure_weat(embed: Embed) -> list[Table]:
    """The bundled encoder's own."""
    rows = []
    for one in encoder_associations(embed):
        rows.append((one.name, str(one.n_targets), f"{one.d:+.2f}", f"{one.p_value:.4f}"))
        emit(bench="bias", part="weat", test=one.name, d=one.d, p=one.p_value)
    return [
        Table(name="What the encoder itself associates", columns=("test", "targets", "d", "p, one-sided"), rows=rows)
    ]
