"""Samples of recording rules, by the names that the rules gave them."""

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any, Final

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
_FOLDER: Final = files("driftline_api.promql") / "sql"
_SAMPLES: Final = (_FOLDER / "recorded.sql").read_text(encoding="utf-8")
_LABELS: Final = (_FOLDER / "recorded_labels.sql").read_text(encoding="utf-8")


class RecordedSource:
    """A `SeriesSource` over `recorded_samples` of one project. Raises ExecutionError when the store fails."""

    def __init__(self, store: Store, project: str) -> None:
        self._store = store
        self._project = project

    def select(self, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> list[Series]:
        """Every recorded series that passes all matchers with its samples in start_ms..end_ms, both inclusive."""
        table = self._table(_SAMPLES, matchers, start_ms, end_ms)
        columns = [table.column(name) for name in ("times_ms", "sample_values", "stale")]
        found = []
        for row, labels in enumerate(_labels(table)):
            if matches_all(matchers, labels):
                times, values, stale = (column[row].values.to_numpy(zero_copy_only=False) for column in columns)
                order = np.argsort(times, kind="stable")
                marked = np.where(stale[order] == 1, STALE_NAN, values[order])
                found.append(Series(labels=labels, timestamps=times[order].astype(np.int64), values=marked))
        return found

    def label_sets(self, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> list[Labels]:
        """The labels of every recorded series that passes all matchers and has a sample in start_ms..end_ms."""
        table = self._table(_LABELS, matchers, start_ms, end_ms)
        return [labels for labels in _labels(table) if matches_all(matchers, labels)]

    def _table(self, sql: str, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> Any:
        conditions, parameters = ["1"], {}
        for number, matcher in enumerate(matchers):
            if matcher.name == METRIC_NAME:
                conditions.append(_CONDITIONS[matcher.kind].format(number=number))
                is_pattern = matcher.kind in (MatchKind.MATCHES, MatchKind.NOT_MATCHES)
                parameters[f"matcher_{number}"] = anchored(matcher.value) if is_pattern else matcher.value
        bounds = {"project": self._project, "from_ms": max(start_ms, 0), "to_ms": end_ms}
        try:
            return self._store.arrow(sql.replace("-- conditions", " AND ".join(conditions)), {**bounds, **parameters})
        except StoreError as error:
            raise ExecutionError(f"the store failed on recorded samples: {error}") from error


def _labels(table: Any) -> Iterator[Labels]:
    for name, labels in zip(table.column("name").to_pylist(), table.column("labels").to_pylist(), strict=True):
        yield make_labels({**json.loads(labels), METRIC_NAME: name})
