"""A process of its own: the embedded service over calls of last week, until every runner with a model has ticked once.

    python -m tests.cli.first_ticks DATA_DIR

Prints, as JSON, the errors of the ticks by service; what was loaded is in the log on standard error.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from driftline_cli.composition import EmbeddedOptions, run_embedded
from driftline_cli.console import write_json
from driftline_core.service import PeriodicService
from tests.analyzers.traffic import Call, calls, store_calls

RUNNERS: Final = frozenset({"analyzers", "scoring", "bias"})
_WEEK: Final = timedelta(days=7)
_WHO: Final = ("My wife asks:", "My husband asks:")


def last_week(n_sessions: int, *, hours: int) -> Iterator[Call]:
    """Sessions of two calls an hour from the start of the last week that is over, weeks counted from the Unix epoch; half name a wife."""
    epoch = datetime.fromtimestamp(0, UTC)
    start = epoch + ((datetime.now(UTC) - epoch) // _WEEK - 1) * _WEEK
    for hour in range(hours):
        for i, call in enumerate(calls(n_sessions, start=start + timedelta(hours=hour), seed=hour)):
            yield replace(call, prompt=f"{_WHO[i % 2]} {call.prompt}")


def main() -> int:
    """Run."""
    options = EmbeddedOptions(
        data_dir=Path(sys.argv[1]),
        collector={"http_port": 0, "grpc_port": 0},
        analyzers={"scoring_settle": timedelta(0), "scorers": ("relevance",), "n_permutations": 99},
        api={"port": 0},
    )
    with run_embedded(options, command="test", is_driven=True) as embedded:
        store_calls(embedded.store, list(last_week(40, hours=5)))  # with fewer hours no window has a reference to embed
        with embedded.background as background:
            runners = [s for s in background.services if isinstance(s, PeriodicService) and s.name in RUNNERS]
            while not all(runner.n_ticks for runner in runners):
                time.sleep(0.05)
    write_json({runner.name: runner.n_errors for runner in runners})
    return 0


if __name__ == "__main__":
    sys.exit(main())
