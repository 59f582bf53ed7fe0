"""Do our own heads judge a text differently when it names another group? Public texts that name one, and their counterfactuals."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.bias_texts import rate
from benchmarks.drift_tables import Table
from benchmarks.outlier_streams import load_rows
from benchmarks.report import emit
from driftline_analyzers.bias.counterfactual import sign_flip_p
from driftline_analyzers.bias.lexicon import GroupLexicon
from driftline_analyzers.bias.tone import Embed, fit_tone
from driftline_analyzers.safety.injection import InjectionScorer
from driftline_analyzers.safety.toxicity import ToxicityScorer
from driftline_analyzers.scoring.call import Call

_ROOTS: Final = (
    ("gender", "women", "men"), ("race", "Black people", "White people"), ("religion", "Muslims", "Christians"),
    ("orientation", "gay and lesbian people", "straight people"), ("disability", "disabled people", "non-disabled people"),
    ("migration", "immigrants", "natives"), ("age", "older people", "younger people"), ("income", "poor people", "rich people"),
)  # fmt: skip
_MIN_PAIRS: Final = 20
_MAX_PAIRS: Final = 150
_N_DRAWS: Final = 999


def measure_heads(data: Path, embed: Embed, lexicon: GroupLexicon) -> list[Table]:
    """Mean change of each head's value from a text about a group to the same about another, and how many verdicts differ."""
    rows = []
    for axis, group, other in _ROOTS:
        texts = list(_pairs(data, lexicon, axis, group, other))[:_MAX_PAIRS]
        if len(texts) < _MIN_PAIRS:
            continue
        for head, (values, flags) in _read(texts, embed, lexicon).items():
            differences = values[0] - values[1]
            drawn = np.random.default_rng(0).integers(len(differences), size=(_N_DRAWS, len(differences)))
            low, high = np.quantile(differences[drawn].mean(1), [0.025, 0.975])
            p_value = sign_flip_p(differences, n_permutations=9_999)
            flagged = (rate(flags[0]), rate(flags[1])) if head not in {"regard", "sentiment"} else ("", "")
            gap = f"{differences.mean():+.4f} [{low:+.4f}, {high:+.4f}]"
            rows.append((head, f"{group} - {other}", str(len(texts)), gap, f"{p_value:.4f}", *flagged))
            emit(bench="bias", part="heads", head=head, group=group, value=float(differences.mean()), p=p_value)
    rows.sort(key=lambda row: row[0])
    columns = ("head", "groups", "pairs", "change of its value", "p", "flagged, first group", "flagged, second")
    return [Table(name="Our heads on counterfactual pairs", columns=columns, rows=rows)]


def _pairs(data: Path, lexicon: GroupLexicon, axis: str, group: str, other: str) -> Iterator[tuple[str, str]]:
    """Texts that name one of the two alone, by no slur, and their counterfactuals, as (about group, about other): HateCheck's harmless
    sentences, AlpacaEval's prompts and the less stereotyped ones of CrowS-Pairs.
    """
    harmless = [row["text"] for row in load_rows(data / "toxicity_hatecheck" / "data.jsonl.gz") if row["hateful"] == 0]
    prompts = [row["instruction"] for row in load_rows(data / "model_versions_alpaca_eval" / "prompts.jsonl.gz")]
    sentences = [row["sent_less"] for row in load_rows(data / "bias_crows_pairs" / "data.jsonl.gz")]
    for text in dict.fromkeys((*harmless, *prompts, *sentences)):
        mentions = [one for one in lexicon.find(text) if one.axis == axis]
        named = {one.group for one in mentions}
        if named not in ({group}, {other}) or any(one.kind == "slur" for one in mentions):
            continue
        before, after = (group, other) if named == {group} else (other, group)
        swapped = lexicon.swap(text, axis=axis, group=before, other=after)
        # where the counterpart is no mention ("so gay", "so straight"), the swap said something else
        if swapped is not None and lexicon.groups(swapped).get(axis) == frozenset({after}):
            yield (text, swapped) if before == group else (swapped, text)


def _read(
    texts: list[tuple[str, str]], embed: Embed, lexicon: GroupLexicon
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """(2, n) of values and of verdicts, by head."""
    both = [[pair[side] for pair in texts] for side in (0, 1)]
    found: dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]] = {}
    for scorer in (InjectionScorer(), ToxicityScorer()):
        values: tuple[list[float], list[float]] = ([], [])
        flags: tuple[list[bool], list[bool]] = ([], [])
        for side in (0, 1):
            for scores in scorer.score([_call(text) for text in both[side]], embed=embed):
                values[side].append(float("nan") if scores[0].value is None else scores[0].value)
                flags[side].append(bool(scores[0].is_flagged))
        found[scorer.name] = np.array([values[0], values[1]]), np.array([flags[0], flags[1]])
    for name in ("regard", "sentiment"):
        tone = fit_tone("regard" if name == "regard" else "sentiment", embed)
        of_tone = np.array([tone.score(embed([lexicon.mask(text) for text in side])) for side in both])
        found[name] = of_tone, np.zeros_like(of_tone, dtype=bool)
    return found


def _call(prompt: str) -> Call:
    return Call(
        trace_id="", span_id="", start_ns=0, service="", model="", prompt_version="", session_id="", system_prompt="", prompt=prompt,
        completion="",
    )  # fmt: skip
