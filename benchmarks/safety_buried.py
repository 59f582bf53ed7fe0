"""Injection in eval_safety.py: a short attack between ordinary sentences, which may not average it away."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.outlier_streams import load_rows
from benchmarks.safety_measures import Scores, Table, flagged
from benchmarks.safety_rows import parts_of, score_prompts, sentences_of, with_sentences
from driftline_analyzers.safety.weights import load_weights
from driftline_analyzers.safety.window_head import WindowHead
from driftline_analyzers.scoring.scorer import Embed
from training.injection import Set, fold_scores
from training.injection_data import SHORT_CHARS
from training.injection_head import Head
from training.injection_texts import load_templates

AROUND: Final = (0, 1, 2, 4, 8, 40)
"""Ordinary sentences on each side."""
_SECTIONS: Final = frozenset({"ignore", "extract", "fake_turn"})
_N_OURS: Final = 100
_N_CLEAN: Final = 200


def tables(data: Path, kit: Set, sentences: Set, embed: Embed) -> Iterator[Table]:
    """Attacks by the heads of the fold that lacks their template or near-duplicates, at the shipped thresholds: wild ones and ours in
    English up to SHORT_CHARS characters. Carriers: sentences of AlpacaEval's answers, which no head saw, and CLINC150's queries.
    """
    rng = np.random.default_rng(0)
    sections = {one.id: one.section for one in load_templates("injection_attacks")}
    is_short = np.array([one.is_attack and len(one.text) <= SHORT_CHARS for one in kit.examples])
    is_ours = np.array([sections.get(one.group) in _SECTIONS for one in kit.examples])
    ours = rng.permutation(np.flatnonzero(is_short & is_ours))[:_N_OURS]
    attacks = {
        "in-the-wild jailbreaks, held-out groups": np.flatnonzero(is_short & (kit.source == "wild")),
        "ours (override, extraction, fake turns), held-out templates": ours,
    }
    _, heads, fold_of = fold_scores(kit, has_vectors=False, seed=0)
    _, sentence_heads, _ = fold_scores(sentences, has_vectors=False, seed=0)
    lines = []
    for carrier, pool in carriers(data).items():
        for name, members in attacks.items():
            for n in AROUND:
                made = [buried(kit.examples[i].text, pool, n, rng) for i in members]
                whole, both = _log_odds(made, heads, sentence_heads, fold_of[members])
                cells = (flagged(scores >= _threshold()) for scores in (whole, both))
                lines.append((name, carrier, str(n), str(len(members)), *cells))
    yield Table(
        name="A short attack inside a long prompt",
        columns=(
            "attack",
            "carrier",
            "ordinary sentences on each side",
            "n",
            "flagged by parts of 900 characters alone",
            "flagged",
        ),
        rows=lines,
    )
    yield _clean(data, embed, rng)


def table_of_others(attacks: Mapping[str, Sequence[str]], data: Path, embed: Embed) -> Table:
    """The same with attacks by other authors, by the shipped scorer."""
    rng = np.random.default_rng(0)
    lines = []
    for carrier, pool in carriers(data).items():
        for name, texts in attacks.items():
            for n in AROUND:
                _, flags = score_prompts([buried(text, pool, n, rng) for text in texts], embed=embed)
                lines.append((name, carrier, str(n), str(len(texts)), flagged(flags)))
    return Table(
        name="A short attack by another author inside a long prompt, the shipped scorer",
        columns=("attack", "carrier", "ordinary sentences on each side", "n", "flagged"),
        rows=lines,
    )


def carriers(data: Path) -> Mapping[str, NDArray[np.object_]]:
    """Sentences by kind."""
    answers = load_rows(data / "model_versions_alpaca_eval" / "outputs.jsonl.gz")[::10]
    parts = (part for row in answers for part in re.split(r"(?<=[.!?])\s+", row["output"]))
    clinc = [row["text"] for row in load_rows(data / "drift_clinc150" / "data.jsonl.gz")]
    return {
        "AlpacaEval answers": np.array(
            [part for part in parts if 20 <= len(part) <= 250 and "\n" not in part], dtype=object
        ),
        "CLINC150 queries": np.array([f"{text[:1].upper()}{text[1:]}." for text in clinc], dtype=object),
    }


def buried(attack: str, pool: NDArray[np.object_], n: int, rng: np.random.Generator) -> str:
    """The attack behind n sentences and before n others."""
    return " ".join([*map(str, rng.choice(pool, n)), attack, *map(str, rng.choice(pool, n))])


def _log_odds(
    texts: Sequence[str], heads: Sequence[Head], sentence_heads: Sequence[Head], fold: NDArray[np.int64]
) -> tuple[Scores, Scores]:
    """Of each text by the heads of its fold: (n,) by parts of 900 characters alone, and as the scorer joins both."""
    parts, sentences = parts_of(texts), sentences_of(texts)
    made = (np.zeros(len(texts)), np.zeros(len(texts)))
    for i in np.unique(fold):
        whole = heads[i].scores(parts, len(texts))
        both = with_sentences(whole, sentence_heads[i].scores(sentences, len(texts)), sentences)
        for side, scores in zip(made, (whole, both), strict=True):
            side[fold == i] = scores[fold == i]
    return made


def _threshold() -> float:
    return float(load_weights("injection")["direct_lexical_threshold"])


def _clean(data: Path, embed: Embed, rng: np.random.Generator) -> Table:
    """The carriers with no attack in them, by the shipped heads."""
    texts: dict[str, list[str]] = {}
    for carrier, pool in carriers(data).items():
        for n in AROUND[1:]:
            texts[f"{carrier}, {2 * n} sentences drawn at random"] = [
                " ".join(map(str, rng.choice(pool, 2 * n))) for _ in range(_N_CLEAN)
            ]
    answers = [row["output"] for row in load_rows(data / "model_versions_alpaca_eval" / "outputs.jsonl.gz")]
    texts["AlpacaEval answers, whole"] = [str(one) for one in rng.choice(np.array(answers, dtype=object), 1000)]
    lines = []
    for name, made in texts.items():
        _, flags = score_prompts(made, embed=embed)
        lines.append(
            (name, str(len(made)), flagged(np.array([_is_flagged_by_parts(one) for one in made])), flagged(flags))
        )
    return Table(
        name="The same carriers without an attack, as prompts, the shipped scorer",
        columns=("prompts", "n", "flagged by parts of 900 characters alone", "flagged"),
        rows=lines,
    )


def _is_flagged_by_parts(text: str) -> bool:
    head = WindowHead(load_weights("injection"), prefix="direct", max_windows=12)
    chosen, _ = head.candidates((text,))
    verdict = head.worst_of(chosen, head.log_odds((text,), chosen), "lexical")
    return verdict.probability >= verdict.threshold
