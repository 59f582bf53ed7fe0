"""What Presidio costs beside our own patterns of personal data, and how much more it flags: `python -m benchmarks.bench_presidio
[--data ../shared/data] [--calls N] [--model NAME_OR_FOLDER]`.

The calls of benchmarks.safety_speed (a question, an answer and a document, 3,000 characters on average), scored by patterns alone, with
Presidio over an empty spaCy pipeline that knows one name, and over the English model given. CPU seconds of one process, the shortest of
three, embedding nothing. JSON lines. Needs `driftline[presidio]`; without it or the data it says so and ends with 0.
"""

import argparse
import importlib.metadata
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import emit, machine
from benchmarks.safety_speed import calls_of
from driftline_analyzers.safety.pii import PiiScorer
from driftline_analyzers.safety.presidio import PresidioFinder
from driftline_analyzers.scoring.call import Call

_REPEATS = 3


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--model", help="an English spaCy model, an installed package or a folder")
    options = parser.parse_args()
    if find_spec("presidio_analyzer") is None or not options.data.is_dir():
        emit(bench="presidio", skipped=f"needs driftline[presidio] and {options.data}")
        return 0
    versions = {name: importlib.metadata.version(name) for name in ("presidio-analyzer", "spacy")}
    emit(bench="presidio", subject="machine", **versions, **machine())
    calls = calls_of(options.data)[: options.calls]
    _measure("patterns alone", PiiScorer(), calls)
    with tempfile.TemporaryDirectory() as folder:
        _measure("an empty pipeline", PiiScorer(presidio=PresidioFinder({"en": _empty(Path(folder))})), calls)
    if options.model is not None:
        for entities in ((), ("PERSON",)):
            what = f"{options.model}, {', '.join(entities) or 'every type but ours'}"
            _measure(what, PiiScorer(presidio=PresidioFinder({"en": options.model}, entities=entities)), calls)
    return 0


def _measure(what: str, scorer: PiiScorer, calls: Sequence[Call]) -> None:
    scorer.score(calls[:1], embed=_no_embedding)
    seconds = []
    for _ in range(_REPEATS):
        begun = time.process_time()
        found = scorer.score(calls, embed=_no_embedding)
        seconds.append(time.process_time() - begun)
    flagged = Counter(one.field for scores in found for one in scores if one.is_flagged)
    kinds = Counter(kind for scores in found for one in scores for kind in one.evidence.get("kinds", ()))
    emit(
        bench="presidio", finder=what, version=scorer.version, calls=len(calls), value=len(calls) / min(seconds),
        unit="calls/s", flagged_of_calls=dict(sorted(flagged.items())), fields_by_kind=dict(kinds.most_common()),
    )  # fmt: skip


def _empty(folder: Path) -> str:
    import spacy

    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Ada Lovelace"}])
    pipeline.to_disk(folder)
    return str(folder)


def _no_embedding(texts: Sequence[str]) -> NDArray[np.float32]:
    raise AssertionError(f"expected no text to be embedded, got {len(texts)}")


if __name__ == "__main__":
    sys.exit(main())
