"""Does the drift test keep its false-alarm rate on real embeddings, and what does it see? Prints the figures of docs/detection-quality.md.

    python -m benchmarks.eval_drift [--trials 20] [--minutes 10] [--markdown FILE] [--data ../shared/data] [--cache .eval_cache]

Real texts (CLINC150, Banking77, PolyAI domains) embedded by the bundled model. A frozen reference lacks one domain; windows without drift
are other texts of the same traffic, drift is mixed into them. Every cell is kept on disk with the code that measured it: a second run
with the same options goes on where the first stopped, and --minutes stops it; what is missing then is counted in the last line.
CPU seconds of a test are of one thread.
"""

import argparse
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from benchmarks import drift_tables
from benchmarks.drift_cells import Cell, CellResult, measure
from benchmarks.drift_plan import cells
from benchmarks.drift_streams import CORPORA, Corpus, load_corpus
from benchmarks.report import emit, machine

_CORPORA: dict[str, Corpus] = {}


def _measure(cell: Cell, data: Path, cache: Path, deadline: float) -> CellResult | None:
    """In a worker process; None when the time is up."""
    if time.monotonic() > deadline:
        return None
    if cell.corpus not in _CORPORA:
        _CORPORA[cell.corpus] = load_corpus(cell.corpus, data=data, cache=cache)
    return measure(cell, _CORPORA[cell.corpus], cache=cache)


def main() -> int:
    """Measure, print, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path(".eval_cache"))
    parser.add_argument("--trials", type=int, default=20, help="windows of 250 a reference without drift")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="start nothing new after so long")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--markdown", type=Path, help="write the tables there")
    options = parser.parse_args()
    missing = [folder for folder in CORPORA.values() if not (options.data / folder / "data.jsonl.gz").exists()]
    if missing:
        emit(bench="eval_drift", skipped=f"no {', '.join(missing)} in {options.data}")
        return 0
    emit(bench="eval_drift", subject="machine", torch=torch.__version__, trials=options.trials, **machine())
    for name in CORPORA:
        load_corpus(name, data=options.data, cache=options.cache)
    plan = cells(trials=options.trials)
    deadline = time.monotonic() + options.minutes * 60
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=options.processes, mp_context=context) as pool:
        tasks = [pool.submit(_measure, cell, options.data, options.cache, deadline) for cell in plan]
        results = [result for task in tasks if (result := task.result()) is not None]
    tables = [
        drift_tables.false_alarms(results),
        drift_tables.power(results),
        drift_tables.run_lengths(results),
        drift_tables.delays(results),
        drift_tables.times(results),
    ]
    for table in tables:
        for row in table.rows:
            emit(bench="eval_drift", table=table.name, **dict(zip(table.columns, row, strict=True)))
    if options.markdown is not None:
        options.markdown.write_text("\n\n".join(table.markdown() for table in tables) + "\n")
    emit(bench="eval_drift", metric="cells", value=len(results), planned=len(plan))
    return 0


if __name__ == "__main__":
    sys.exit(main())
