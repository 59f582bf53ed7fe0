"""Does the drift test keep its false-alarm rate on real embeddings, and what does it see? Prints the figures of docs/detection-quality.md.

    python -m benchmarks.eval_drift [--trials 20] [--minutes 10] [--markdown FILE] [--data ../shared/data] [--cache __cache__/eval_drift]

Real texts (CLINC150, Banking77, PolyAI domains) embedded by the bundled model. A frozen reference lacks one domain; windows without drift
are other texts of the same traffic, drift is mixed into them. Every cell is kept on disk with the code that measured it: a second run
with the same options goes on where the first stopped, and --minutes stops it (0: tables of what there is); the last line counts the cells.
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
from benchmarks.drift_cells import Cell, CellResult, kept, measure
from benchmarks.drift_plan import cells
from benchmarks.drift_streams import CORPORA, Corpus, load_corpus
from benchmarks.report import emit, machine

_BEGIN, _END = "<!-- eval_drift begins -->", "<!-- eval_drift ends -->"
_CORPORA: dict[str, Corpus] = {}


def _measure(cell: Cell, data: Path, cache: Path, deadline: float) -> CellResult | None:
    """In a worker process; None when it is not on disk and the time is up."""
    if (found := kept(cell, cache=cache)) is not None:
        return found
    if time.monotonic() > deadline:
        return None
    if cell.corpus not in _CORPORA:
        _CORPORA[cell.corpus] = load_corpus(cell.corpus, data=data, cache=cache)
    return measure(cell, _CORPORA[cell.corpus], cache=cache)


def write_tables(page: Path, tables: list[drift_tables.Table]) -> None:
    """Between the page's two markers, or as a page of their own where it has none."""
    text = "\n\n".join(table.markdown() for table in tables)
    before, found, rest = (page.read_text() if page.exists() else "").partition(_BEGIN)
    after = rest.partition(_END)[2]
    page.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}" if found else text + "\n")


def main() -> int:
    """Measure, print, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("__cache__/eval_drift"))
    parser.add_argument("--trials", type=int, default=20, help="windows of 250 a reference without drift")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="start nothing new after so long")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--markdown", type=Path, help="a page: the tables replace what is between its markers")
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
        drift_tables.reference_shares(results),
        drift_tables.run_lengths(results),
        drift_tables.delays(results),
        drift_tables.times(results),
    ]
    for table in tables:
        for row in table.rows:
            emit(bench="eval_drift", table=table.name, **dict(zip(table.columns, row, strict=True)))
    if options.markdown is not None:
        write_tables(options.markdown, tables)
    emit(bench="eval_drift", metric="cells", value=len(results), planned=len(plan))
    return 0


if __name__ == "__main__":
    sys.exit(main())
