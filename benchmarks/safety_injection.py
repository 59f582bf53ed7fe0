"""Injection in eval_safety.py: what cross-validation, unseen sources, untouched hard negatives and hidden payloads say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

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
from driftline_analyzers.safety.injection import InjectionScorer
from driftline_analyzers.safety.weights import load_weights
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import Embed
from training.injection import C, CachedVectors, Set, load_set
from training.injection_data import Example, cut, hide
from training.injection_head import Head, Windows, fit_head, measure_windows, out_of_fold

BENIGN: Final = ("benign_assistant_query", "benign_instruction", "benign_trigger_words")
NAMES: Final = {
    "benign_assistant_query": "CLINC150 queries",
    "benign_instruction": "AlpacaEval prompts (unseen)",
    "benign_trigger_words": "NotInject (unseen)",
    "jailbreak_in_the_wild": "in-the-wild jailbreaks",
    "indirect_payload_text": "BIPIA text payloads (unseen)",
    "indirect_payload_code": "BIPIA code payloads (unseen)",
}
_STRATA: Final = ((0, 300), (300, 1000), (1000, 2000), (2000, 4000), (4000, 20_000))
_POSITIONS: Final = ("start", "middle", "end")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The evaluation's texts (n,), their kinds and, of attacks, groups; windows as the direct head sees them."""

    texts: list[str]
    kind: NDArray[np.str_]
    group: NDArray[np.str_]
    windows: Windows

    def of(self, *kinds: str) -> Flags:
        """Which are of these kinds."""
        return np.isin(self.kind, kinds)


def load(data: Path, vectors: CachedVectors) -> Rows:
    """The rows of injection_jailbreak, embedded."""
    rows = load_rows(data / "injection_jailbreak" / "data.jsonl.gz")
    examples = [Example(text=row["text"], is_attack=bool(row["label"]), source=row["kind"], group="") for row in rows]
    texts, owner, is_attack = cut(examples, head="direct")
    return Rows(
        texts=[row["text"] for row in rows],
        kind=np.array([row["kind"] for row in rows]),
        group=np.array([str(row["group"]) for row in rows]),
        windows=measure_windows(texts, vectors.vectors(texts), owner, is_attack),
    )


def tables(data: Path, vectors: CachedVectors) -> Iterator[Table]:
    """All of them; the training set is made again from its seed, so that folds are those of training."""
    rows = load(data, vectors)
    kit = load_set("direct", data, vectors, seed=int(load_weights("injection")["seed"]))
    yield from _in_distribution(rows, kit)
    yield _other_sources(rows, kit)
    yield _length(rows, kit)
    yield _shipped(rows, vectors.vectors)
    yield from _hidden(rows, data, vectors.vectors)


def _fold_scores(kit: Set, *, has_vectors: bool) -> tuple[Scores, list[Head], NDArray[np.int64]]:
    return out_of_fold(kit.windows, kit.is_attack, kit.source, kit.group, has_vectors=has_vectors, c=C, seed=0)


def _in_distribution(rows: Rows, kit: Set) -> Iterator[Table]:
    """Wild jailbreaks by the head of the fold that lacks their group; harmless texts, which no head saw, by every head."""
    for has_vectors in (True, False):
        scores, heads, fold_of = _fold_scores(kit, has_vectors=has_vectors)
        wild = kit.source == "wild"
        benign = rows.of(*BENIGN)
        hits, cells = np.zeros(len(scores), dtype=np.bool_), []
        by_fold = [head.scores(rows.windows, len(rows.texts)) for head in heads]
        kinds = [*BENIGN, "indirect_payload_text", "indirect_payload_code"]
        passed: dict[str, list[Flags]] = {kind: [] for kind in kinds}
        for fold, found in enumerate(by_fold):
            threshold = threshold_at(found[benign], 0.01)
            hits |= wild & (fold_of == fold) & (scores >= threshold)
            for kind in kinds:
                passed[kind].append(found[rows.of(kind)] >= threshold)
        for fold in range(len(heads)):
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
        name = "vectors, n-grams and cues" if has_vectors else "n-grams and cues alone"
        yield Table(
            name=f"Prompts at 1 % false positives over the three harmless kinds: {name}",
            columns=("texts", "n", "share flagged", "AUROC against the harmless kinds"),
            rows=lines,
        )


def _other_sources(rows: Rows, kit: Set) -> Table:
    """Attacks of a source that the head has not seen, against harmless kinds that it has not seen."""
    benign = rows.of(*BENIGN)
    lines = []
    for unseen, name in (("wild", "in-the-wild jailbreaks"), ("own_attacks", "our own attacks")):
        for has_vectors in (True, False):
            head = fit_head(kit.windows, kit.is_attack, kit.source, kit.source != unseen, has_vectors=has_vectors, c=C)
            members = kit.source == unseen
            found = head.scores(kit.windows, len(kit.examples))[members]
            harmless = head.scores(rows.windows, len(rows.texts))[benign]
            lines.append(
                (
                    name,
                    "all" if has_vectors else "no vectors",
                    str(int(members.sum())),
                    auroc_with_interval(found, harmless, groups=kit.group[members]),
                    flagged(found >= threshold_at(harmless, 0.01)),
                )
            )
    return Table(
        name="Attacks of a source that training lacks",
        columns=(
            "unseen source",
            "features",
            "n",
            "AUROC against the harmless kinds",
            "flagged at 1 % false positives",
        ),
        rows=lines,
    )


def _length(rows: Rows, kit: Set) -> Table:
    """Held-out wild jailbreaks against harmless texts of the same length: ours out of fold, AlpacaEval's unseen."""
    scores, heads, _ = _fold_scores(kit, has_vectors=False)
    wild = kit.source == "wild"
    ours = ~kit.is_attack & np.char.startswith(kit.source, "own_")
    length = np.array([len(one.text) for one in kit.examples])
    row_length = np.array([len(text) for text in rows.texts])
    benign = rows.of(*BENIGN)
    unseen = np.mean([head.scores(rows.windows, len(rows.texts)) for head in heads], axis=0)
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
    flags = {has: _flags(rows.texts, embed, has_vectors=has) for has in (False, True)}
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
    for has_vectors in (False, True):
        lines = []
        for name, all_texts in hosts.items():
            texts = [text[:8000] for text in dict.fromkeys(all_texts)]
            rng = np.random.default_rng(0)
            clean = texts[:200]
            clean_values, clean_flags = _values(clean, embed, has_vectors=has_vectors)
            lines.append((name, "nothing", str(len(clean)), flagged(clean_flags), "-", "-"))
            for kind in ("indirect_payload_text", "indirect_payload_code"):
                payloads = [rows.texts[i] for i in np.flatnonzero(rows.of(kind))]
                made = [hide(one, str(rng.choice(np.array(texts, dtype=object))), rng)[0] for one in payloads * 2]
                values, flags = _values(made, embed, has_vectors=has_vectors)
                lines.append(
                    (
                        name,
                        NAMES[kind].removesuffix(" (unseen)"),
                        str(len(made)),
                        flagged(flags),
                        flagged(values >= threshold_at(clean_values, 0.01)),
                        auroc_with_interval(values, clean_values),
                    )
                )
        yield Table(
            name="Payloads hidden in documents, the shipped scorer" + (" with vectors" if has_vectors else ""),
            columns=(
                "documents",
                "hidden in them",
                "n",
                "flagged",
                "flagged at 1 % false positives",
                "AUROC against the clean ones",
            ),
            rows=lines,
        )


def _values(documents: Sequence[str], embed: Embed, *, has_vectors: bool) -> tuple[Scores, Flags]:
    scorer = InjectionScorer(uses_vectors=has_vectors)
    scored = scorer.score([_call(documents=(text,)) for text in documents], embed=embed)
    values = np.array([one[0].value for one in scored], dtype=np.float64)
    return values, np.array([one[0].is_flagged for one in scored])


def _flags(prompts: Sequence[str], embed: Embed, *, has_vectors: bool) -> Flags:
    scored = InjectionScorer(uses_vectors=has_vectors).score([_call(prompt=text) for text in prompts], embed=embed)
    return np.array([one[0].is_flagged for one in scored])


def _call(*, prompt: str = "", documents: Sequence[str] = ()) -> Call:
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
        documents=documents,
    )
