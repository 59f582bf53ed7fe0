"""Injection in eval_safety.py: attacks of a source that training lacks, one source left out at a time."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.safety_measures import Flags, Scores, Table, auroc_with_interval, flagged, threshold_at
from benchmarks.safety_rows import BENIGN, Rows, with_sentences
from training.injection import C, Set
from training.injection_head import Windows, fit_head
from training.injection_texts import load_templates

_SOURCES: Final = {
    "in-the-wild jailbreaks": ("wild",),
    "hijack (ours: ignore, fake turns, obfuscation)": ("ignore", "fake_turn", "obfuscation"),
    "extraction (ours)": ("extract",),
    "personas, suppression (ours)": ("persona", "suppression"),
    "framing (ours)": ("framing",),
    "13 other languages (ours)": ("languages",),
    "all of ours at once: wild jailbreaks alone are learned": (
        "ignore", "fake_turn", "obfuscation", "extract", "persona", "suppression", "framing", "languages",
    ),
    "all of ours in English at once": (
        "ignore", "fake_turn", "obfuscation", "extract", "persona", "suppression", "framing",
    ),
}  # fmt: skip
_NEAREST: Final = 3
_WEIGHT: Final = 4.0
"""Of the difference of cosines, in log-odds."""


def tables(rows: Rows, kit: Set, sentences: Set) -> Iterator[Table]:
    """Research notes, section 5: each source of attacks left out once, all others learned, measured against harmless texts that no head
    saw; and what the nearest neighbours of a window among the learned attacks and harmless texts would add.
    """
    family = families(kit)
    benign, hard = rows.of(*BENIGN), rows.of("benign_trigger_words")
    lines, nearest = [], []
    for name, sources in _SOURCES.items():
        is_out = np.isin(family, sources)
        is_shown = is_out & (family != "languages") if "English" in name else is_out
        for has_vectors in (False, True):
            head = fit_head(kit.windows, kit.is_attack, kit.source, ~is_out, has_vectors=has_vectors, c=C)
            found = head.scores(kit.windows, len(kit.examples))[is_shown]
            harmless = head.scores(rows.windows, len(rows.texts))
            if not has_vectors:
                learned = ~is_out & sentences.learned
                second = fit_head(sentences.windows, kit.is_attack, kit.source, learned, has_vectors=False, c=C)
                by_sentence = second.scores(sentences.windows, len(kit.examples))
                whole = head.scores(kit.windows, len(kit.examples))
                found = with_sentences(whole, by_sentence, sentences.windows)[is_shown]
                by_sentence = second.scores(rows.sentences, len(rows.texts))
                harmless = with_sentences(harmless, by_sentence, rows.sentences)
            what = "n-grams, cues, vectors" if has_vectors else "n-grams, cues, and by the sentence"
            lines.append((name, what, *_cells(found, harmless, benign, hard, kit.group[is_shown])))
            if not has_vectors and len(sources) < 7:
                for weight, label in ((0.0, "nearest alone"), (1.0, "n-grams, cues, nearest")):
                    attack, other = (
                        head.window_scores(one) * weight + _WEIGHT * _nearness(one, kit, is_out)
                        for one in (kit.windows, rows.windows)
                    )
                    found = _worst(attack, kit.windows, len(kit.examples))[is_shown]
                    harmless = _worst(other, rows.windows, len(rows.texts))
                    nearest.append((name, label, *_cells(found, harmless, benign, hard, kit.group[is_shown])))
    columns = (
        "unseen source",
        "features",
        "n",
        "AUROC against the harmless kinds",
        "AUROC against NotInject",
        "flagged at 1 % false positives",
    )
    yield Table(
        name="Attacks of a source that training lacks: one left out, all others learned", columns=columns, rows=lines
    )
    yield Table(name="The same with the nearest learned windows (not shipped)", columns=columns, rows=nearest)


def families(kit: Set) -> NDArray[np.str_]:
    """(n,) which source of attacks an example is of: 'wild', or the section of our template; '' harmless."""
    sections = {one.id: one.section for one in load_templates("injection_attacks")}
    of_source = {"wild": "wild"}
    return np.array(
        [
            of_source.get(source) or (sections[group] if source == "own_attacks" else "")
            for source, group in zip(kit.source, kit.group, strict=True)
        ]
    )


def _cells(
    attacks: Scores, harmless: Scores, benign: Flags, hard: Flags, groups: NDArray[np.str_]
) -> tuple[str, str, str, str]:
    return (
        str(len(attacks)),
        auroc_with_interval(attacks, harmless[benign], groups=groups),
        auroc_with_interval(attacks, harmless[hard], groups=groups),
        flagged(attacks >= threshold_at(harmless[benign], 0.01)),
    )


def _nearness(windows: Windows, kit: Set, is_out: Flags) -> Scores:
    """(m,) mean cosine to the nearest learned attack windows, less that to the nearest learned harmless ones."""
    learned = ~is_out[kit.windows.owner]
    is_harmless = ~kit.is_attack[kit.windows.owner]
    sides = [learned & kit.windows.is_attack, learned & is_harmless]
    means = [
        np.sort(windows.vectors @ kit.windows.vectors[side].T, axis=1)[:, -_NEAREST:].mean(axis=1) for side in sides
    ]
    return np.asarray(means[0] - means[1], dtype=np.float64)


def _worst(scores: Scores, windows: Windows, n: int) -> Scores:
    worst = np.full(n, -np.inf)
    np.maximum.at(worst, windows.owner, scores)
    return worst
