"""What the outbox of direct alerts costs a page, and how long after the receiver's answer a kill would repeat it.

    python -m benchmarks.bench_outbox [--pages 200]

The embedded engine on a temporary directory, fsync included; one alert a page.
"""

import argparse
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from benchmarks.report import emit, machine, percentile
from driftline_alerts.outbox import Mark, Outbox, Parcel, Taken
from driftline_core.clock import utc_now
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from tests.alerts.notices import notice


def measure(outbox: Outbox, number: int) -> tuple[float, float]:
    """Milliseconds of writing one page and of marking it."""
    now = utc_now()
    page = notice(f"service-{number}")
    begun = time.perf_counter()
    outbox.write(Parcel(delivery_id=str(number), written_at=now, notifications=(page,)))
    written = time.perf_counter()
    outbox.mark([Mark(key=page.key, taken=Taken(active_at=page.active_at, status=page.status, sent_at=now))])
    return (written - begun) * 1e3, (time.perf_counter() - written) * 1e3


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=200)
    options = parser.parse_args()
    emit(bench="outbox", subject="machine", **machine())
    with tempfile.TemporaryDirectory() as folder:
        store = Store(StoreSettings(path=Path(folder) / "store"))
        migrate(store)
        outbox = Outbox(store, "bench")
        both = [measure(outbox, number) for number in range(options.pages)]
        begun = time.perf_counter()
        owed = outbox.owed(since=utc_now() - timedelta(days=1))
        load_ms = (time.perf_counter() - begun) * 1e3
        store.close()
    for metric, values in (("write", [write for write, _ in both]), ("mark", [mark for _, mark in both])):
        for percent in (50, 95):
            value = percentile(values, percent)
            emit(bench="outbox", metric=f"{metric}_p{percent}", value=value, unit="ms", pages=options.pages)
    emit(bench="outbox", metric="load_owed", value=load_ms, unit="ms", owed=len(owed), pages=options.pages)
    return 0


if __name__ == "__main__":
    sys.exit(main())
