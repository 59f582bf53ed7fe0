"""Personal data and credentials in eval_safety.py: precision and recall on sentences of our own."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.outlier_streams import load_rows
from benchmarks.safety_corpus import PERSONAL, SECRET, Sentence, sentences
from benchmarks.safety_measures import Table, rate
from driftline_analyzers.safety.credentials import find_credentials
from driftline_analyzers.safety.findings import Finding
from driftline_analyzers.safety.personal_data import find_personal_data

_EACH: Final = 60
_SAME: Final = {
    "national phone": "phone",
    "wide phone": "phone",
    "small iban": "iban",
    "private_key of a service account": "private_key",
}


def tables(data: Path) -> Iterator[Table]:
    """Of the corpus, and how often real texts are flagged."""
    for name, of, find in (("Personal data", PERSONAL, find_personal_data), ("Credentials", SECRET, find_credentials)):
        yield _found(name, list(sentences(of, each=_EACH, seed=0)), find)
    lines = []
    for name, path, key in (
        ("CLINC150 queries", "drift_clinc150", "text"),
        ("Banking77 queries", "drift_banking77", "text"),
        ("Wikipedia sentences (BOLD)", "bias_bold", "wikipedia"),
        ("AlpacaEval answers", "model_versions_alpaca_eval", "output"),
    ):
        file = "outputs.jsonl.gz" if key == "output" else "data.jsonl.gz"
        texts = [row[key] for row in load_rows(data / path / file)]
        lines.append(
            (
                name,
                str(len(texts)),
                *(
                    rate(sum(bool(find(text)) for text in texts), len(texts))
                    for find in (find_personal_data, find_credentials)
                ),
            )
        )
    yield Table(
        name="How often real texts hold a finding (right or wrong)",
        columns=("texts", "n", "personal data", "credentials"),
        rows=lines,
    )


def _found(name: str, corpus: Sequence[Sentence], find: Callable[[str], list[Finding]]) -> Table:
    """A finding is right where kind and place are, to the character; credentials of a known form may go by another name."""
    hits: dict[str, int] = {}
    n: dict[str, int] = {}
    wrong = n_right = 0
    for one in corpus:
        n[one.kind] = n.get(one.kind, 0) + 1
        kind = _SAME.get(one.kind, one.kind)
        found = find(one.text)
        right = [f for f in found if (f.kind, f.start, f.end) == (kind, one.start, one.end)]
        hits[one.kind] = hits.get(one.kind, 0) + (bool(right) if one.kind else bool(found))
        n_right += len(right)
        wrong += len(found) - len(right)
    lines = [(kind, str(n[kind]), rate(hits[kind], n[kind])) for kind in n if kind]
    lines.append(("sentences with look-alikes alone: flagged", str(n[""]), rate(hits[""], n[""])))
    lines.append(("all findings: precision", str(n_right + wrong), rate(n_right, n_right + wrong)))
    return Table(name=f"{name}, synthetic sentences", columns=("kind", "n", "found in its exact place"), rows=lines)
