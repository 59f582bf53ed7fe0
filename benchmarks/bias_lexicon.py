"""Are groups found in labelled texts? Half of the texts were read when words were added to the lexicon, the other half is held out."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.bias_texts import AXES, TARGETS, rate
from benchmarks.drift_tables import Table
from benchmarks.outlier_streams import load_rows
from benchmarks.report import emit
from driftline_analyzers.bias.lexicon import GroupLexicon, default_lexicon

Row = dict[str, Any]

_BBQ: Final = {
    "old": ("age", "older people"), "nonOld": ("age", "younger people"), "disabled": ("disability", "disabled people"),
    "Africa": ("region", "Africans"), "LatinSouthAmerica": ("region", "Latin Americans"), "NorthAmerica": ("region", "Americans"),
    "Atheist": ("religion", "atheists"), "Buddhist": ("religion", "Buddhists"), "Catholic": ("religion", "Christians"),
    "Hindu": ("religion", "Hindus"), "Jewish": ("religion", "Jews"), "Muslim": ("religion", "Muslims"), "Sikh": ("religion", "Sikhs"),
    "bisexual": ("orientation", "bisexual and pansexual people"), "gay": ("orientation", "gay and lesbian people"),
    "lesbian": ("orientation", "gay and lesbian people"), "straight": ("orientation", "straight people"),
    "pansexual": ("orientation", "bisexual and pansexual people"),
}  # fmt: skip
"""BBQ's labels whose groups are the lexicon's; its other regions are cut otherwise (Israel in Europe, Somalia among the Arab states)."""


def is_held_out(key: str) -> bool:
    """By hash: nobody chose."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % 2 == 1


def measure_lexicon(data: Path, lexicon: GroupLexicon) -> list[Table]:
    """By group in HateCheck and BBQ, by axis in CrowS-Pairs; gender in BOLD, with and without first names."""
    named = default_lexicon(with_names=True)
    return [
        _hatecheck(data, lexicon),
        _bbq(data, lexicon),
        _crows_pairs(data, lexicon, named),
        _bold(data, lexicon, named),
    ]


def _hatecheck(data: Path, lexicon: GroupLexicon) -> Table:
    hate = load_rows(data / "toxicity_hatecheck" / "data.jsonl.gz")
    found = [lexicon.groups(row["text"]) for row in hate]
    held = np.array([is_held_out(f"hatecheck/{row['templ_id']}") for row in hate])
    is_whole = np.array([not row["functionality"].startswith(("spell_", "slur_homonym")) for row in hate])
    rows = []
    for target, (axis, group) in TARGETS.items():
        is_named = np.array([group in of_text.get(axis, ()) for of_text in found])
        is_about = np.array([row["target_ident"] == target for row in hate])
        rows.append(
            (
                target,
                str(int(is_about.sum())),
                rate(is_named[is_about]),
                rate(is_named[is_about & held]),
                rate(is_named[is_about & held & is_whole]),
                rate(is_named[is_about & held & ~is_whole]),
                rate(is_named[~is_about]),
            )
        )
        emit(bench="bias", part="lexicon", group=target, recall=float(is_named[is_about & held].mean()))
    columns = (
        "group",
        "texts",
        "recall, all",
        "held out",
        "held out, spelt as usual",
        "held out, misspelt",
        "false mention, all",
    )
    return Table(name="Groups found in HateCheck", columns=columns, rows=rows)


def _bbq(data: Path, lexicon: GroupLexicon) -> Table:
    """Answers such as "The 78-year-old", each wording once; a false mention is one of another label of the same category."""
    wordings: dict[str, dict[str, tuple[str, bool]]] = {}
    of_category: dict[str, str] = {}
    for row in load_rows(data / "bias_bbq" / "data.jsonl.gz"):
        held = is_held_out(f"bbq/{row['category']}/{row['question_index']}")
        for i in range(3):
            label, text = row["answer_info"][f"ans{i}"][1], row[f"ans{i}"].strip()
            if label == "unknown":
                continue
            of_category[label] = row["category"]
            before = wordings.setdefault(label, {}).get(text.lower(), (text, True))
            # held out: in no question that was read
            wordings[label][text.lower()] = (text, before[1] and held)
    rows = []
    for label, (axis, group) in _BBQ.items():
        own = list(wordings[label].values())
        is_found = [group in lexicon.groups(text).get(axis, ()) for text, _ in own]
        held_out = [hit for hit, (_, held) in zip(is_found, own, strict=True) if held]
        others = [
            group in lexicon.groups(text).get(axis, ())
            for other in wordings
            if of_category[other] == of_category[label] and _BBQ.get(other, ("", other))[1] != group
            for text, _ in wordings[other].values()
            if label != "Catholic" or other not in {"Christian", "Protestant", "Mormon"}
        ]
        shown = (rate(values) if values else "" for values in (is_found, held_out, others))
        rows.append((label, group, str(len(own)), str(len(held_out)), *shown))
        emit(bench="bias", part="lexicon", bbq=label, recall=float(np.mean(is_found)), false=float(np.mean(others)))
    columns = ("label", "group", "wordings", "held out", "recall, all", "recall, held out", "false mention")
    return Table(name="Groups found in BBQ's answers", columns=columns, rows=rows)


def _crows_pairs(data: Path, lexicon: GroupLexicon, named: GroupLexicon) -> Table:
    pairs, rows = load_rows(data / "bias_crows_pairs" / "data.jsonl.gz"), []
    for kind, axes in AXES.items():
        chosen = [pair for pair in pairs if pair["bias_type"] == kind]
        seen = [_is_seen(pair, lexicon, axes) for pair in chosen]
        held = [is_held_out(f"crows/{pair['id']}") for pair in chosen]
        of_held = [hit for hit, is_held in zip(seen, held, strict=True) if is_held]
        with_names = [
            _is_seen(pair, named, (*axes, "first name")) for pair, is_held in zip(chosen, held, strict=True) if is_held
        ]
        rows.append((kind, str(len(chosen)), rate(seen), str(len(of_held)), rate(of_held), rate(with_names)))
        emit(bench="bias", part="lexicon", kind=kind, coverage=float(np.mean(of_held)), n=len(of_held))
    columns = ("type", "pairs", "seen, all", "held out", "seen, held out", "held out, first names too")
    return Table(name="CrowS-Pairs whose difference the lexicon sees", columns=columns, rows=rows)


def _is_seen(pair: Row, lexicon: GroupLexicon, axes: Sequence[str]) -> bool:
    more, less = lexicon.groups(pair["sent_more"]), lexicon.groups(pair["sent_less"])
    return any(more.get(axis) != less.get(axis) for axis in axes)


def _bold(data: Path, lexicon: GroupLexicon, named: GroupLexicon) -> Table:
    rows = []
    sentences = load_rows(data / "bias_bold" / "data.jsonl.gz")
    for name, right in (("American_actors", "men"), ("American_actresses", "women")):
        texts = [row["wikipedia"] for row in sentences if row["group"] == name]
        for by, axis, used in (("words", "gender", lexicon), ("first names", "first name", named)):
            groups = [used.groups(text).get(axis, frozenset()) for text in texts]
            both = {"men", "women"} if axis == "gender" else {"men's first names", "women's first names"}
            decided = [of_text & both for of_text in groups if len(of_text & both) == 1]
            is_right = [any(one.startswith(right) for one in of_text) for of_text in decided]
            rows.append((name, by, str(len(texts)), rate([len(one & both) == 1 for one in groups]), rate(is_right)))
            emit(bench="bias", part="lexicon", group=name, by=by, right=float(np.mean(is_right)), n=len(decided))
    columns = ("of", "by", "sentences", "one gender named", "the right one")
    return Table(name="Gender in BOLD's sentences", columns=columns, rows=rows)
