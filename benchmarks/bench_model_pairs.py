"""Is a change of model, version or prompt seen, and a plain re-run not? The way a user would: import two logs, set a reference, analyse.

    python -m benchmarks.bench_model_pairs [--data ../shared/data/model_versions_alpaca_eval] [--change family --change prompt ...]
        [--data-dir DIR]

Every pair of `pairs.jsonl.gz` is a service of its own: `driftline import` brings the reference model's 805 answers to one day and the
current model's to the next, a named reference set freezes the first, the runner tests the second (field completion, alpha 0.01).
Both models answered the same prompts, so the runner compares answers in pairs.
--data-dir keeps the store and its embeddings.
Exits with 1 when a family or prompt change is missed or a null re-run is flagged, with 0 and a reason without the data.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.report import emit, machine
from driftline_analyzers import AnalysisRunner, AnalyzerSettings, create_reference
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate

ALPHA: Final = 0.01
MUST_FLAG: Final = frozenset({"family", "prompt"})
MUST_NOT_FLAG: Final = frozenset({"null_rerun"})
FIRST_DAY: Final = datetime(2026, 6, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)
SETTINGS: Final = AnalyzerSettings(
    alpha=ALPHA,
    window=DAY,
    fields=("completion",),
    analyzers=("semantic_drift",),
    max_window_texts=1000,
    max_reference_texts=1000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A reference and a current model, what changed between them, and the day on which the reference's answers lie."""

    reference: str
    current: str
    change: str
    day: datetime

    @property
    def service(self) -> str:
        return f"{self.reference}-to-{self.current}".lower()


def load_pairs(folder: Path, changes: list[str]) -> list[Pair]:
    """The pairs of these kinds of change, or all; each on days of its own, so that each is corrected alone."""
    with gzip.open(folder / "pairs.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Pair(reference=row["reference"], current=row["current"], change=row["change"], day=FIRST_DAY + 2 * i * DAY)
        for i, row in enumerate(rows)
        if not changes or row["change"] in changes
    ]


def import_answers(folder: Path, data_dir: Path, *, model: str, service: str, start: datetime) -> None:
    """`driftline import` of one model's answers with their prompts, one a minute from start."""
    command = [
        *(sys.executable, "-m", "driftline_cli.main", "import", str(folder / "outputs.jsonl.gz")),
        *("--filter", f"model={model}", "--join", f"{folder / 'prompts.jsonl.gz'}:prompt_id"),
        *("--prompt", "instruction", "--completion", "output", "--model-column", "model", "--service", service),
        *("--start", start.isoformat(), "--spacing", "60", "--rejected", str(data_dir / "rejected.jsonl")),
        *("--embedded", "--data-dir", str(data_dir), "--json"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"driftline import failed with {done.returncode}: {done.stderr.strip()[-2000:]}")


def analyse_pairs(store: Store, pairs: list[Pair]) -> Iterator[tuple[Pair, dict[str, Any]]]:
    """Each pair and its finding."""
    for pair in pairs:
        create_reference(
            store,
            project="default",
            name=pair.service,
            service=pair.service,
            from_time=pair.day,
            to_time=pair.day + DAY,
        )

        def progress(phase: str, done: int, total: int) -> None:
            if sys.stderr.isatty():
                print(f"\r{phase} {done}/{total}   ", end="", file=sys.stderr)

        runner = AnalysisRunner(SETTINGS, store, progress=progress)
        report = runner.run_range("default", from_time=pair.day, to_time=pair.day + 2 * DAY)
        (finding,) = store.rows(
            "SELECT * FROM findings FINAL WHERE service = {service:String} AND reference = {service:String}",
            {"service": pair.service},
        )
        yield pair, finding | {"report": report, "explanation": json.loads(finding["explanation"])}


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory() as temporary:
        yield Path(temporary)


def main() -> int:
    """Run and say whether the targets hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/model_versions_alpaca_eval"))
    parser.add_argument("--change", action="append", default=[], help="only pairs of this kind of change; repeatable")
    parser.add_argument("--data-dir", type=Path, default=None, help="keep the store here")
    options = parser.parse_args()
    if not (options.data / "pairs.jsonl.gz").exists():
        emit(bench="model_pairs", subject="driftline", skipped=f"no data at {options.data}")
        return 0
    pairs = load_pairs(options.data, options.change)
    wrong = []
    with _folder(options.data_dir) as data_dir:
        for pair in pairs:
            import_answers(options.data, data_dir, model=pair.reference, service=pair.service, start=pair.day)
            import_answers(options.data, data_dir, model=pair.current, service=pair.service, start=pair.day + DAY)
        store = Store(StoreSettings(path=data_dir / "store"))
        migrate(store)
        try:
            for pair, finding in analyse_pairs(store, pairs):
                is_flagged = finding["status"] == "drift"
                if (pair.change in MUST_FLAG and not is_flagged) or (pair.change in MUST_NOT_FLAG and is_flagged):
                    wrong.append(pair.service)
                emit(
                    bench="model_pairs",
                    subject="driftline",
                    metric="p_value",
                    value=finding["p_value"],
                    unit="probability",
                    change=pair.change,
                    reference=pair.reference,
                    current=pair.current,
                    flagged=is_flagged,
                    alpha=ALPHA,
                    effect_size=finding["effect_size"],
                    n_reference=finding["n_reference"],
                    n_current=finding["n_current"],
                    n_effective=finding["n_effective"],
                    design=finding["explanation"].get("design"),
                    status=finding["status"],
                    texts_embedded=finding["report"].texts_embedded,
                    embed_s=finding["report"].seconds["embed"],
                    test_s=finding["report"].seconds["test"],
                )
        finally:
            store.close()
    emit(
        bench="model_pairs",
        subject="driftline",
        metric="wrong_decisions",
        value=len(wrong),
        unit="pairs",
        pairs=len(pairs),
        wrong=wrong,
        seed=SETTINGS.seed,
        **machine(),
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
