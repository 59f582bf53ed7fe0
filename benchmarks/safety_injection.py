"""Injection in eval_safety.py: what cross-validation, unseen sources, untouched hard negatives and hidden payloads say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import safety_buried
from benchmarks.outlier_streams import load_rows
from benchmarks.safety_measures import (
    Flags,
    Scores,
    Table,
    auroc,
    auroc_with_interval,
    flagged,
    rate,
    threshold_at,
)
from benchmarks.safety_rows import BENIGN, NAMES, Rows, load, score_documents, score_prompts, with_sentences
from driftline_analyzers.safety.injection import InjectionScorer
from driftline_analyzers.safety.weights import load_weights
from driftline_analyzers.scoring.scorer import Embed
from training.injection import CachedVectors, Set, fold_scores, load_set
from training.injection_data import hide

_STRATA: Final = ((0, 300), (300, 1000), (1000, 2000), (2000, 4000), (4000, 20_000))
_POSITIONS: Final = ("start", "middle", "end")


def tables(data: Path, vectors: CachedVectors) -> Iterator[Table]:
    """All of them; the training set is made again from its seed, so that folds are those of training."""
    rows = load(data, vectors)
    seed = int(load_weights("injection")["seed"])
    kit, sentences = (load_set(head, data, vectors, seed=seed) for head in ("direct", "sentence"))
    yield from _in_distribution(rows, kit, sentences)
    yield from safety_buried.tables(data, kit, sentences, vectors.vectors)
    yield _length(rows, kit, sentences)
    yield _shipped(rows, vectors.vectors)
    yield from _hidden(rows, data, vectors.vectors)


def _of_folds(
    rows: Rows, kit: Set, sentences: Set, *, has_vectors: bool
) -> tuple[Scores, list[Scores], NDArray[np.int64]]:
    """Of the training set's examples by the heads of the fold that lacks their group, of the rows by those of each fold; the fold of each
    example. With vectors the direct head alone, without them joined with that of sentences, as it ships.
    """
    scores, heads, fold_of = fold_scores(kit, has_vectors=has_vectors, seed=0)
    of_rows = [head.scores(rows.windows, len(rows.texts)) for head in heads]
    if has_vectors:
        return scores, of_rows, fold_of
    by_sentence, sentence_heads, _ = fold_scores(sentences, has_vectors=False, seed=0)
    of_rows = [
        with_sentences(one, head.scores(rows.sentences, len(rows.texts)), rows.sentences)
        for one, head in zip(of_rows, sentence_heads, strict=True)
    ]
    return with_sentences(scores, by_sentence, sentences.windows), of_rows, fold_of


def _in_distribution(rows: Rows, kit: Set, sentences: Set) -> Iterator[Table]:
    """Wild jailbreaks by the heads of the fold that lacks their group; harmless texts, which no head saw, by every head."""
    for has_vectors in (True, False):
        scores, by_fold, fold_of = _of_folds(rows, kit, sentences, has_vectors=has_vectors)
        wild = kit.source == "wild"
        benign = rows.of(*BENIGN)
        hits, cells = np.zeros(len(scores), dtype=np.bool_), []
        kinds = [*BENIGN, "indirect_payload_text", "indirect_payload_code"]
        passed: dict[str, list[Flags]] = {kind: [] for kind in kinds}
        for fold, found in enumerate(by_fold):
            threshold = threshold_at(found[benign], 0.01)
            hits |= wild & (fold_of == fold) & (scores >= threshold)
            for kind in kinds:
                passed[kind].append(found[rows.of(kind)] >= threshold)
        for fold in range(len(by_fold)):
            cells.append(auroc(scores[wild & (fold_of == fold)], by_fold[fold][benign]))
        mean = np.mean(by_fold, axis=0)
        lines = [
            (
                NAMES["jailbreak_in_the_wild"] + ", held-out groups",
                str(int(wild.sum())),
                flagged(hits[wild]),
                f"{np.mean(cells):.3f} (folds {min(cells):.3f} to {max(cells):.3f})",
            )
        ]
        for kind in kinds[3:]:
            members = rows.of(kind)
            share = float(np.mean(passed[kind]))
            lines.append(
                (
                    NAMES[kind] + ", as prompts",
                    str(int(members.sum())),
                    rate(round(share * int(members.sum())), int(members.sum())),
                    auroc_with_interval(mean[members], mean[benign]),
                )
            )
        for kind in BENIGN:
            members = rows.of(kind)
            share = float(np.mean(passed[kind]))
            lines.append((NAMES[kind] + ", harmless", str(int(members.sum())), f"{share:.3f}", "-"))
        name = "vectors, n-grams and cues" if has_vectors else "n-grams and cues alone, and by the sentence"
        yield Table(
            name=f"Prompts at 1 % false positives over the three harmless kinds: {name}",
            columns=("texts", "n", "share flagged", "AUROC against the harmless kinds"),
            rows=lines,
        )


def _length(rows: Rows, kit: Set, sentences: Set) -> Table:
    """Held-out wild jailbreaks against harmless texts of the same length: ours out of fold, AlpacaEval's unseen."""
    scores, by_fold, _ = _of_folds(rows, kit, sentences, has_vectors=False)
    wild = kit.source == "wild"
    ours = ~kit.is_attack & np.char.startswith(kit.source, "own_")
    length = np.array([len(one.text) for one in kit.examples])
    row_length = np.array([len(text) for text in rows.texts])
    benign = rows.of(*BENIGN)
    unseen = np.mean(by_fold, axis=0)
    lines = [
        (
            "all lengths, against the three kinds",
            str(int(wild.sum())),
            str(int(benign.sum())),
            f"{auroc(length[wild].astype(float), row_length[benign].astype(float)):.3f}",
            auroc_with_interval(scores[wild], unseen[benign], groups=kit.group[wild]),
        ),
        (
            "all lengths, against our long harmless texts",
            str(int(wild.sum())),
            str(int((kit.source == "own_long").sum())),
            f"{auroc(length[wild].astype(float), length[kit.source == 'own_long'].astype(float)):.3f}",
            auroc_with_interval(scores[wild], scores[kit.source == "own_long"], groups=kit.group[wild]),
        ),
    ]
    for low, high in _STRATA:
        attacks = wild & (length >= low) & (length < high)
        near = ours & (length >= low) & (length < high)
        far = rows.of("benign_instruction") & (row_length >= low) & (row_length < high)
        for name, found, lengths in (
            ("ours", scores[near], length[near]),
            ("AlpacaEval", unseen[far], row_length[far]),
        ):
            if len(found) >= 20 and attacks.sum() >= 20:
                lines.append(
                    (
                        f"{low} to {high} characters, against {name}",
                        str(int(attacks.sum())),
                        str(len(found)),
                        f"{auroc(length[attacks].astype(float), lengths.astype(float)):.3f}",
                        auroc_with_interval(scores[attacks], found, groups=kit.group[attacks]),
                    )
                )
    return Table(
        name="Length is not what is measured",
        columns=(
            "in-the-wild jailbreaks, held-out groups",
            "n attacks",
            "n harmless",
            "AUROC of the length",
            "AUROC of the head",
        ),
        rows=lines,
    )


def _shipped(rows: Rows, embed: Embed) -> Table:
    """The scorer as it runs, at its own thresholds."""
    flags = {has: score_prompts(rows.texts, embed=embed, has_vectors=has)[1] for has in (False, True)}
    lines = [
        (NAMES[kind], str(int(rows.of(kind).sum())), *(flagged(flags[has][rows.of(kind)]) for has in (False, True)))
        for kind in (*BENIGN, "indirect_payload_text", "indirect_payload_code")
    ]
    return Table(
        name="Over-defence: prompts that the shipped scorer flags",
        columns=("prompts", "n", "flagged", "flagged with vectors"),
        rows=lines,
    )


def _hidden(rows: Rows, data: Path, embed: Embed) -> Iterator[Table]:
    """BIPIA's payloads, which training lacks, in documents that training lacks; the same documents without them are the harmless ones."""
    hosts = {
        "RAGTruth passages": [row["context"] for row in load_rows(data / "grounding_ragtruth_qa" / "data.jsonl.gz")],
        "FActScore articles": [
            row["text"].replace("<s>", " ").replace("</s>", " ")
            for row in load_rows(data / "grounding_factscore" / "documents.jsonl.gz")
        ],
    }
    scorers = {
        "the shipped scorer": InjectionScorer(),
        "the same without context": InjectionScorer(reads_context=False),
        "with vectors of every part": InjectionScorer(uses_vectors=True),
    }
    clean = {name: [text[:8000] for text in dict.fromkeys(texts)] for name, texts in hosts.items()}
    made: dict[tuple[str, str], list[str]] = {}
    for name, texts in clean.items():
        rng = np.random.default_rng(0)
        for kind in ("indirect_payload_text", "indirect_payload_code"):
            payloads = [rows.texts[i] for i in np.flatnonzero(rows.of(kind))]
            made[name, kind] = [
                hide(one, str(rng.choice(np.array(texts, dtype=object))), rng)[0] for one in payloads * 2
            ]
    for title, scorer in scorers.items():
        known = {name: score_documents(texts, embed=embed, scorer=scorer) for name, texts in clean.items()}
        all_values = np.concatenate([values for values, _ in known.values()])
        lines = []
        for (name, kind), documents in made.items():
            if kind == "indirect_payload_text":
                lines.append((name, "nothing", str(len(clean[name])), flagged(known[name][1]), "-", "-"))
            values, flags = score_documents(documents, embed=embed, scorer=scorer)
            lines.append(
                (
                    name,
                    NAMES[kind].removesuffix(" (unseen)"),
                    str(len(documents)),
                    flagged(flags),
                    flagged(values >= threshold_at(all_values, 0.01)),
                    auroc_with_interval(values, known[name][0]),
                )
            )
        yield Table(
            name=f"Payloads hidden in documents, {title}",
            columns=(
                "documents",
                "hidden in them",
                "n",
                "flagged",
                "flagged at 1 % false positives of all clean ones",
                "AUROC against the clean ones",
            ),
            rows=lines,
        )
