"""What /metrics says of the process, written down over time: so that PromQL and alert rules can ask how Driftline itself is."""

import json
from collections.abc import Sequence
from typing import Final

from driftline_api.process_metrics import StateCollector
from driftline_core import Service
from driftline_core.clock import Clock, utc_now
from driftline_core.store import Store

_COLUMNS: Final = ("project", "name", "labels", "at", "value", "rule_uid")
_WRITER: Final = "driftline-self"


class SelfSamples:
    """Writes one sample of each metric of services and store into `recorded_samples` of a project."""

    def __init__(self, store: Store, services: Sequence[Service], *, project: str, clock: Clock = utc_now) -> None:
        self._store = store
        self._collector = StateCollector(store, services)
        self._project = project
        self._clock = clock

    def tick(self) -> int:
        """Write the samples of now; returns how many. Raises StoreError."""
        now = self._clock()
        rows = [
            (
                self._project,
                sample.name,
                json.dumps(sample.labels, ensure_ascii=False, sort_keys=True),
                now,
                sample.value,
                _WRITER,
            )
            for family in self._collector.collect()
            for sample in family.samples
        ]
        return self._store.insert("recorded_samples", _COLUMNS, rows)
