"""Thresholds that people's labels set for analyzers of single calls: versioned, by project, analyzer and field."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from driftline_core.errors import InputError, NotFound
from driftline_core.store import Store

Rule = Literal["precision", "false_positive_rate"]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS: Final = (
    "project", "analyzer", "field", "version", "threshold", "is_removed", "rule", "target", "confidence", "bound", "n_labels",
    "analyzer_version", "from_time", "to_time",
)  # fmt: skip
# The store has no unique keys: one writer at a time in this process makes a version's number its own.
_WRITING: Final = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzerThreshold:
    """A call is flagged when its value is at threshold or beyond it (driftline_core.directions).

    bound: of the rate that `rule` names, at `confidence`; target: as asked for.

    analyzer_version: whose values were labelled; it says nothing of another version's. is_removed: the analyzer's own counts again.
    from_time, to_time: of the labelled calls, UTC. version counts up.
    """

    project: str
    analyzer: str
    field: str
    threshold: float
    rule: Rule
    target: float
    confidence: float
    bound: float
    n_labels: int
    analyzer_version: str
    from_time: datetime
    to_time: datetime
    version: int = 0
    is_removed: bool = False
    created_at: datetime = _EPOCH


def active_thresholds(store: Store, *, project: str) -> Mapping[tuple[str, str, str], float]:
    """(analyzer, analyzer's version, field) -> threshold, of those that count now. Raises StoreError."""
    found = list_thresholds(store, project=project, is_newest=True)
    return {(one.analyzer, one.analyzer_version, one.field): one.threshold for one in found}


def list_thresholds(
    store: Store, *, project: str, analyzer: str = "", field: str = "", is_newest: bool = False
) -> list[AnalyzerThreshold]:
    """Every version, newest first; is_newest: those alone that count now. Raises StoreError."""
    parameters = {"project": project, "analyzer": analyzer, "field": field, "is_newest": int(is_newest)}
    return [_threshold(project, row) for row in store.rows(_sql(), parameters)]


def set_threshold(store: Store, wanted: AnalyzerThreshold) -> AnalyzerThreshold:
    """Store the next version; `version` and `created_at` of `wanted` do not count. Raises StoreError."""
    with _WRITING:
        known = list_thresholds(store, project=wanted.project, analyzer=wanted.analyzer, field=wanted.field)
        return _write(store, wanted, version=known[0].version + 1 if known else 1, is_removed=False)


def remove_threshold(store: Store, *, project: str, analyzer: str, field: str) -> None:
    """Let the analyzer's own threshold count again; field '' where one has a threshold. Raises NotFound, InputError, StoreError."""
    with _WRITING:
        known = list_thresholds(store, project=project, analyzer=analyzer, field=field, is_newest=True)
        if not known:
            raise NotFound(f"expected a threshold of {analyzer!r}, field {field!r}, in project {project!r}, got none")
        if len(known) > 1:
            raise InputError(f"expected a field, one of {', '.join(one.field for one in known)}, got none")
        _write(store, known[0], version=known[0].version + 1, is_removed=True)


def _write(store: Store, written: AnalyzerThreshold, *, version: int, is_removed: bool) -> AnalyzerThreshold:
    row = [getattr(written, column) for column in _COLUMNS]
    row[_COLUMNS.index("version")] = version
    row[_COLUMNS.index("is_removed")] = int(is_removed)
    store.insert("analyzer_thresholds", _COLUMNS, [row])
    return list_thresholds(store, project=written.project, analyzer=written.analyzer, field=written.field)[0]


def _threshold(project: str, row: Mapping[str, Any]) -> AnalyzerThreshold:
    times = {name: row[name].replace(tzinfo=UTC) for name in ("from_time", "to_time", "created_at")}
    return AnalyzerThreshold(project=project, **{**row, **times, "is_removed": bool(row["is_removed"])})


@cache
def _sql() -> str:
    return (files("driftline_core") / "sql" / "analyzer_thresholds.sql").read_text(encoding="utf-8")
