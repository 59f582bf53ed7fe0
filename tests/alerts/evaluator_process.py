"""An evaluator as a process of its own, to be killed: `python -m tests.alerts.evaluator_process STORE RULES QUERY_URL`.

Receivers are read from the environment as always. Writes `ready` once it evaluates.
"""

import sys
import time
from pathlib import Path
from typing import Final

from driftline_alerts.query import HttpQuerySource
from driftline_alerts.service import AlertEvaluator
from driftline_alerts.settings import AlertSettings
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, load_migrations, migrate

_TABLES: Final = ("alerts", "alert_outbox")  # those it needs: all of them take seconds


def main(store_path: str, rules: str, query_url: str) -> None:
    """Evaluate every second until somebody kills this."""
    store = Store(StoreSettings(path=Path(store_path)))
    migrate(store, [each for each in load_migrations() if each.name in _TABLES])
    settings = AlertSettings(rule_paths=(Path(rules),), interval_s=1, query_offset_s=0)
    evaluator = AlertEvaluator(settings, store, HttpQuerySource(query_url, timeout_s=2))
    evaluator.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
