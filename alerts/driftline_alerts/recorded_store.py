"""Samples of recording rules in the store, where PromQL reads them."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from driftline_alerts.recording import RecordedSample, SeriesKey
from driftline_alerts.sql_files import read_sql
from driftline_alerts.state import sql_time
from driftline_core.store import Store

_COLUMNS: Final = ("project", "name", "labels", "at", "value", "is_stale", "rule_uid")
# PromQL's lookback: a series whose newest sample is older has ended anyway.
_LOOKBACK: Final = timedelta(minutes=5)


class RecordedStore:
    """A `RecordSink` over `recorded_samples` of one project. Methods raise StoreError."""

    def __init__(self, store: Store, *, project: str) -> None:
        self._store = store
        self._project = project

    def write(self, samples: Sequence[RecordedSample]) -> None:
        """Write samples in one block."""
        self._store.insert("recorded_samples", _COLUMNS, [self._row(sample) for sample in samples])

    def live(self, now: datetime) -> Mapping[str, frozenset[SeriesKey]]:
        """By rule uid the series that had not ended just before now: a restart goes on from them."""
        parameters = {"project": self._project, "since": sql_time(now - _LOOKBACK)}
        found: defaultdict[str, set[SeriesKey]] = defaultdict(set)
        for row in self._store.rows(read_sql("newest_recorded"), parameters):
            found[row["rule_uid"]].add(tuple(sorted(json.loads(row["labels"]).items())))
        return {uid: frozenset(series) for uid, series in found.items()}

    def _row(self, sample: RecordedSample) -> tuple[object, ...]:
        return (
            self._project,
            sample.name,
            json.dumps(dict(sample.labels), ensure_ascii=False, sort_keys=True),
            sample.at,
            sample.value,
            int(sample.is_stale),
            sample.rule_uid,
        )
