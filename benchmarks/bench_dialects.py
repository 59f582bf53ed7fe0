"""Do the recordings of real SDKs land with their expected values? One JSON object a recording, then one for all.

    python -m benchmarks.bench_dialects [--recordings ../shared/otlp/dev] [--dialect otel-genai --dialect openinference]

Every recording goes in as a collector would put it in (an envelope around each request, FORMAT Protobuf, the views, the deriver) and what
comes out of `generations`, `spans`, `evaluations` and `llm_calls` is compared with the recording's `.meta.json`. Exits with 1 on a
mismatch, and with 0 and a reason where the folder is not there.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.dialect_checks import check, landed
from benchmarks.recordings import load_recordings, replay
from benchmarks.report import emit
from driftline_collector.views import ensure_ingest
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=Path, default=Path("../shared/otlp/dev"))
    parser.add_argument("--dialect", action="append", help="repeatable; all by default")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    if not arguments.recordings.is_dir():
        emit(bench="dialects", metric="skipped", reason=f"no folder {arguments.recordings}")
        return 0
    recordings = load_recordings(arguments.recordings, arguments.dialect)
    counts = {"ok": 0, "mismatch": 0, "skipped": 0}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(StoreSettings(path=Path(folder) / "store", dsn=None))
        migrate(store)
        ensure_ingest(store)
        replay(store, recordings)
        for recording in recordings:
            checks = check(recording, landed(store, recording))
            by_outcome = {outcome: [item for item in checks if item.outcome == outcome] for outcome in counts}
            for outcome, items in by_outcome.items():
                counts[outcome] += len(items)
            emit(
                bench="dialects",
                subject=recording.group,
                dialect=recording.dialect,
                metric="fields_right",
                value=len(by_outcome["ok"]),
                unit="fields",
                mismatches={item.field: item.why for item in by_outcome["mismatch"]},
                skipped={item.field: item.why for item in by_outcome["skipped"]},
            )
        store.close()
    for outcome, count in counts.items():
        emit(
            bench="dialects",
            subject="all",
            metric=f"fields_{outcome}",
            value=count,
            unit="fields",
            recordings=len(recordings),
        )
    return 1 if counts["mismatch"] or not recordings else 0


if __name__ == "__main__":
    sys.exit(main())
