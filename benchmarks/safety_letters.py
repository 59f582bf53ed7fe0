"""Injection in eval_safety.py: attacks written in letters that look alike, or with characters that nobody sees between them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from benchmarks.safety_measures import Table, flagged
from benchmarks.safety_rows import score_prompts
from driftline_analyzers.safety.weights import load_weights
from driftline_analyzers.safety.window_head import WindowHead
from driftline_analyzers.scoring.scorer import Embed

_CYRILLIC: Final = str.maketrans("aeopcyxiAEOPCTX", "аеорсухіАЕОРСТХ")
_GREEK: Final = str.maketrans("oviATEOPIN", "ονιΑΤΕΟΡΙΝ")
_FULL: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_BOLD: Final = {ord("A") + i: 0x1D400 + i for i in range(26)} | {ord("a") + i: 0x1D41A + i for i in range(26)}
WRITINGS: Final[Mapping[str, Callable[[str], str]]] = {
    "as they are": str,
    "a zero-width space behind every letter": "\u200b".join,
    "five word joiners behind every letter": ("\u2060" * 5).join,
    "Cyrillic look-alikes": lambda text: text.translate(_CYRILLIC),
    "Greek look-alikes": lambda text: text.translate(_GREEK),
    "full-width letters": lambda text: text.translate(_FULL),
    "mathematical bold letters": lambda text: text.translate(_BOLD),
    "tag characters, unseen": lambda text: "".join(chr(0xE0000 + ord(char)) for char in text if char.isascii()),
    "leetspeak (not folded)": lambda text: text.translate(str.maketrans("oeiat", "03147")),
    "spaced letters (not folded)": " ".join,
}
"""How a text is written; all but the last two look to a reader, or read to a model, as the text does."""


def table(attacks: Mapping[str, Sequence[str]], embed: Embed) -> Table:
    """Prompts by the shipped scorer, and by its direct head on the text as it came."""
    texts = [text for of_source in attacks.values() for text in of_source]
    lines = []
    for name, write in WRITINGS.items():
        made = [write(text) for text in texts]
        _, flags = score_prompts(made, embed=embed)
        raw = np.array([is_flagged_by_parts(text) for text in made])
        lines.append((name, str(len(made)), flagged(raw), flagged(flags)))
    return Table(
        name=f"The same attacks in other letters ({', '.join(attacks)})",
        columns=("letters", "n", "flagged by parts of 900 characters of the text as it came", "flagged"),
        rows=lines,
    )


def is_flagged_by_parts(text: str) -> bool:
    """By the direct head alone, on the text as it came."""
    head = WindowHead(load_weights("injection"), prefix="direct", max_windows=12)
    chosen, _ = head.candidates((text,))
    verdict = head.worst_of(chosen, head.log_odds((text,), chosen), "lexical")
    return verdict.probability >= verdict.threshold
