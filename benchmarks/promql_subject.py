"""The subject of the PromQL benchmark in a process of its own: `promql_subject DIR SERIES MINUTES`.

Fills a store under DIR with rollups from a formula, writes the same counters to DIR/samples.txt in OpenMetrics' format, and serves the
Prometheus API. Prints its port once it listens; ends when standard input does.
"""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from fastapi import FastAPI

from driftline_api.routes.prometheus import prometheus_router
from driftline_api.service import ApiServer
from driftline_api.settings import ApiSettings
from driftline_core.log import configure_logging
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate

BEGIN: Final = datetime(2026, 10, 1, tzinfo=UTC)
METRIC: Final = "driftline_requests_total"
LABELS: Final = ("service", "environment", "provider", "model", "prompt_version")
# Ten services, twenty models, the rest versions; one minute in twenty has no call, and so no row.
_FILL: Final = """
INSERT INTO rollup_1m (project, minute, service, environment, provider, model, kind, prompt_version, calls, errors, updated_at)
SELECT 'default', toDateTime({begin:Int64} + 60 * (number % {minutes:Int64}), 'UTC') AS minute,
    concat('service-', toString(series % 10)), 'production', 'house', concat('model-', toString(intDiv(series, 10) % 20)),
    'llm', concat('v', toString(intDiv(series, 200))), sipHash64(number) % 20 AS calls, 0, minute
FROM (SELECT number, intDiv(number, {minutes:Int64}) AS series FROM numbers({rows:Int64}))
WHERE calls > 0
"""
_READ: Final = """
SELECT service, environment, provider, model, prompt_version,
    groupArray(toInt64(toUnixTimestamp(minute))) AS minutes, groupArray(calls) AS calls
FROM rollup_1m FINAL GROUP BY service, environment, provider, model, prompt_version
"""


def fill(store: Store, *, n_series: int, minutes: int) -> None:
    """Rollups of every series at nearly every minute."""
    parameters = {"begin": int(BEGIN.timestamp()), "minutes": minutes, "rows": n_series * minutes}
    store.command(_FILL, parameters)


def open_metrics(store: Store, *, minutes: int) -> Iterator[str]:
    """What a process with these counters would have shown at the end of every minute, 0 before its first."""
    begin = int(BEGIN.timestamp())
    for row in store.rows(_READ):
        labels = ",".join(f'{name}="{row[name]}"' for name in LABELS)
        counted = np.zeros(minutes, dtype=np.int64)
        counted[(np.array(row["minutes"]) - begin) // 60] = row["calls"]
        first = (min(row["minutes"]) - begin) // 60
        values = [0, *np.cumsum(counted[first:]).tolist()]
        for i, value in enumerate(values):
            yield f"{METRIC}{{{labels}}} {value} {begin + 60 * (first + i)}\n"
    yield "# EOF\n"


def main(folder: Path, n_series: int, minutes: int) -> int:
    """Fill, write, serve."""
    configure_logging(level="warning")
    store = Store(StoreSettings(path=folder / "store"))
    migrate(store)
    fill(store, n_series=n_series, minutes=minutes)
    with (folder / "samples.txt").open("w", encoding="utf-8") as file:
        file.writelines(open_metrics(store, minutes=minutes))
    app = FastAPI()
    app.include_router(
        prometheus_router(store, alerts=None, clock=lambda: BEGIN + timedelta(minutes=minutes + 1)),
    )
    server = ApiServer(ApiSettings(host="127.0.0.1", port=0), app)
    server.start()
    answer: dict[str, Any] = {"port": server.port, "rows": store.scalar("SELECT count() FROM rollup_1m")}
    print(json.dumps(answer), flush=True)
    sys.stdin.read()
    server.stop(deadline_s=5)
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
