"""What are the safety scorers worth: injection, toxicity, personal data, credentials?

    OMP_NUM_THREADS=1 python -m benchmarks.eval_safety [--markdown FILE] [--data ../shared/data] [--cache __cache__/training]
        [--parts injection,sources,packages,leaks,toxicity,patterns,speed] [--packages FOLDER]

Real texts for injection and toxicity (injection_jailbreak, toxicity_hatecheck and others), synthetic sentences for patterns. Heads of folds
are trained here, as training/ does with the same seed; the shipped scorers are run as they are. Minutes on one core the first time; vectors
are kept in --cache. Without the data it says so and ends with 0. Part packages needs unpacked wheels (safety_packages.py) in --packages.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from benchmarks import (
    safety_injection,
    safety_leaks,
    safety_packages,
    safety_patterns,
    safety_rows,
    safety_sources,
    safety_speed,
    safety_toxicity,
)
from benchmarks.report import emit, machine
from benchmarks.safety_measures import Table
from driftline_analyzers.safety.weights import load_weights
from training.injection import CachedVectors, load_set, merged

_BEGIN, _END = "<!-- eval_safety begins -->", "<!-- eval_safety ends -->"
_NEEDED = (
    "injection_jailbreak",
    "toxicity_hatecheck",
    "drift_clinc150",
    "drift_banking77",
    "bias_bold",
    "grounding_ragtruth_qa",
    "grounding_factscore",
    "model_versions_alpaca_eval",
)


def write_tables(page: Path, tables: Sequence[Table]) -> None:
    """Between the page's markers, where tables of other names stay, or as the whole page where it has none."""
    text = "\n\n".join(table.markdown() for table in tables)
    before, found, rest = (page.read_text(encoding="utf-8") if page.exists() else "").partition(_BEGIN)
    old, _, after = rest.partition(_END)
    page.write_text(
        f"{before}{_BEGIN}\n\n{merged(old, text)}\n\n{_END}{after}" if found else text + "\n", encoding="utf-8"
    )


def main() -> int:
    """Measure, print, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("__cache__/training"), help="vectors")
    parser.add_argument("--parts", default="injection,sources,packages,leaks,toxicity,patterns,speed")
    parser.add_argument(
        "--markdown", type=Path, help="a page: between its markers, the tables replace those of their name"
    )
    parser.add_argument("--packages", type=Path, help="unpacked wheels of safety_packages.PACKAGES")
    options = parser.parse_args()
    missing = [folder for folder in _NEEDED if not (options.data / folder).exists()]
    if missing:
        emit(bench="eval_safety", skipped=f"no {', '.join(missing)} in {options.data}")
        return 0
    torch.set_num_threads(1)
    emit(bench="eval_safety", subject="machine", torch=torch.__version__, **machine())
    vectors = {name: CachedVectors(options.cache / f"{name}.npz") for name in ("injection", "toxicity")}
    parts: dict[str, Callable[[], Iterator[Table]]] = {
        "injection": lambda: safety_injection.tables(options.data, vectors["injection"]),
        "sources": lambda: safety_sources.tables(
            safety_rows.load(options.data, vectors["injection"]),
            *(
                load_set(head, options.data, vectors["injection"], seed=int(load_weights("injection")["seed"]))
                for head in ("direct", "sentence")
            ),
        ),
        "packages": lambda: safety_packages.tables(
            safety_rows.load(options.data, vectors["injection"]),
            options.packages,
            options.data,
            vectors["injection"].vectors,
        ),
        "leaks": lambda: iter([safety_leaks.table(options.data, vectors["injection"].vectors)]),
        "toxicity": lambda: safety_toxicity.tables(options.data, vectors["toxicity"]),
        "patterns": lambda: safety_patterns.tables(options.data),
        "speed": lambda: iter([safety_speed.table(options.data, vectors["injection"].vectors)]),
    }
    tables = []
    for part in options.parts.split(","):
        if part == "packages" and (
            options.packages is None or not (options.packages / safety_packages.PACKAGES[0]).exists()
        ):
            emit(
                bench="eval_safety", skipped=f"packages: no {', '.join(safety_packages.PACKAGES)} in {options.packages}"
            )
            continue
        for table in parts[part]():
            tables.append(table)
            for row in table.rows:
                emit(bench="eval_safety", table=table.name, **dict(zip(table.columns, row, strict=True)))
    if options.markdown is not None:
        write_tables(options.markdown, tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())
