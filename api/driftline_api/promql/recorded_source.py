"""Samples of recording rules, by the names that the rules gave them."""

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Final

import numpy as np

from driftline_api.promql.errors import ExecutionError
from driftline_api.promql.matchers import LabelMatcher, MatchKind, anchored, matches_all
from driftline_api.promql.values import METRIC_NAME, STALE_NAN, Labels, Series, make_labels
from driftline_core.errors import StoreError
from driftline_core.store import Store

_CONDITIONS: Final = {
    MatchKind.EQUAL: "name = {{matcher_{number}:String}}",
    MatchKind.NOT_EQUAL: "name != {{matcher_{number}:String}}",
    MatchKind.MATCHES: "match(name, {{matcher_{number}:String}})",
    MatchKind.NOT_MATCHES: "NOT match(name, {{matcher_{number}:String}})",
}
_SQL: Final = (files("driftline_api.promql") / "sql" / "recorded.sql").read_text(encoding="utf-8")


class RecordedSource:
    """A `SeriesSource` over `recorded_samples` of one project. Raises ExecutionError when the store fails."""

    def __init__(self, store: Store, project: str) -> None:
        self._store = store
        self._project = project

    def select(self, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> list[Series]:
        """Every recorded series that passes all matchers with its samples in start_ms..end_ms, both inclusive."""
        conditions, parameters = ["1"], {}
        for number, matcher in enumerate(matchers):
            if matcher.name == METRIC_NAME:
                conditions.append(_CONDITIONS[matcher.kind].format(number=number))
                is_pattern = matcher.kind in (MatchKind.MATCHES, MatchKind.NOT_MATCHES)
                parameters[f"matcher_{number}"] = anchored(matcher.value) if is_pattern else matcher.value
        bounds = {"project": self._project, "from_ms": max(start_ms, 0), "to_ms": end_ms}
        try:
            rows = self._store.rows(_SQL.replace("-- conditions", " AND ".join(conditions)), {**bounds, **parameters})
        except StoreError as error:
            raise ExecutionError(f"the store failed on recorded samples: {error}") from error
        found = []
        for row in rows:
            labels = make_labels({**json.loads(row["labels"]), METRIC_NAME: row["name"]})
            if matches_all(matchers, labels):
                times = np.asarray(row["times_ms"], dtype=np.int64)
                values = np.array(row["sample_values"], dtype=np.float64)
                values[np.asarray(row["stale"], dtype=np.bool_)] = STALE_NAN
                order = np.argsort(times, kind="stable")
                found.append(Series(labels=labels, timestamps=times[order], values=values[order]))
        return found

    def label_sets(self, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> list[Labels]:
        """The labels of every recorded series that passes all matchers and has a sample in start_ms..end_ms."""
        return [series.labels for series in self.select(matchers, start_ms, end_ms)]
