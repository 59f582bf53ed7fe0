"""Reads calls for the comparison of groups from the store."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

from driftline_analyzers.bias.call import BiasCall
from driftline_analyzers.bias.finding_rows import BiasWindow, ComparisonKey
from driftline_analyzers.bias.settings import BiasSettings
from driftline_analyzers.runner.records import to_parameter
from driftline_core.store import Store

_SQL = files("driftline_analyzers") / "sql"
_SERVICES = (_SQL / "bias_services.sql").read_text(encoding="utf-8")
_CALLS = (_SQL / "bias_calls.sql").read_text(encoding="utf-8")
_SCORES = (_SQL / "bias_scores.sql").read_text(encoding="utf-8")
_PREVIOUS = (_SQL / "bias_previous.sql").read_text(encoding="utf-8")
_STORED = (_SQL / "bias_stored.sql").read_text(encoding="utf-8")
_CALLS_PER_QUERY = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCalls:
    """Calls of a window, and of each whether it said which template was asked."""

    calls: Sequence[BiasCall]
    is_template: Sequence[bool]


class BiasReader:
    """Queries of the comparison of groups. Every method raises StoreError."""

    def __init__(self, store: Store, settings: BiasSettings, *, version: str) -> None:
        """version: of the findings that its windows will get."""
        self._store = store
        self._version = version
        self._settings = settings

    def projects(self) -> list[str]:
        """Names of the projects that have sent LLM calls."""
        rows = self._store.rows("SELECT DISTINCT project FROM generations WHERE kind = 'llm' ORDER BY project")
        return [str(row["project"]) for row in rows]

    def windows(self, project: str, *, start_ms: int, end_ms: int) -> list[BiasWindow]:
        """Services (and models) with calls in the window, those with the most calls first, at most max_services."""
        parameters = {
            "project": project,
            "from_time": to_parameter(start_ms),
            "to_time": to_parameter(end_ms),
            "per_model": int(self._settings.per_model),
        }
        return [
            BiasWindow(
                project=project,
                service=row["service_name"],
                model=row["model_name"],
                prompt_version=row["newest_prompt_version"],
                start_ms=start_ms,
                end_ms=end_ms,
                version=self._version,
            )
            for row in self._store.rows(_SERVICES, parameters)[: self._settings.max_services]
        ]

    def calls(self, window: BiasWindow) -> ReadCalls:
        """A sample of the window's calls by whole sessions, with the stored scores that are measures."""
        settings = self._settings
        rows = self._store.rows(
            _CALLS,
            self._range(window)
            | {
                "service": window.service,
                "model": window.model,
                "declared": list(settings.declared),
                "template_by": settings.template_by,
                "pair_by": settings.pair_by,
                "max_calls": settings.max_calls,
                "max_per_session": settings.max_per_session,
                "max_chars": settings.max_chars,
            },
        )
        calls = [
            BiasCall(
                trace_id=row["trace_id_hex"],
                span_id=row["span_id_hex"],
                session=row["session_key"],
                prompt=row["prompt"],
                completion=row["completion"],
                matched_by=f"{row['model_name']}\x1f{row['template']}",
                pair=row["pair"],
                declared={
                    name: value for name, value in zip(settings.declared, row["declared_values"], strict=True) if value
                },
            )
            for row in rows
        ]
        calls = self._with_scores(self._with_frequent_groups(calls), window)
        return ReadCalls(calls=calls, is_template=[bool(row["template"]) for row in rows])

    def gaps_before(self, window: BiasWindow) -> dict[ComparisonKey, float]:
        """Gaps that were found when each comparison last said anything, at most max_windows before."""
        length_ms = window.end_ms - window.start_ms
        rows = self._store.rows(
            _PREVIOUS,
            {
                "project": window.project,
                "service": window.service,
                "model": window.model,
                "version": window.version,
                "from_time": to_parameter(window.start_ms - self._settings.max_windows * length_ms),
                "to_time": to_parameter(window.start_ms),
            },
        )
        return {
            (row["measure"], row["axis_by"], row["group_name"], row["other"]): float(row["gap"])
            for row in rows
            if row["is_gap"]
        }

    def last_stored(self, project: str, *, start_ms: int, end_ms: int) -> dict[int, int]:
        """When the newest LLM call of each window in the range was stored, Unix ms by the window's start."""
        window_ms = int(self._settings.window.total_seconds() * 1000)
        parameters = {
            "project": project,
            "from_time": to_parameter(start_ms),
            "to_time": to_parameter(end_ms),
            "window_ms": window_ms,
        }
        return {int(row["start_ms"]): int(row["last_stored_ms"]) for row in self._store.rows(_STORED, parameters)}

    def _with_frequent_groups(self, calls: Sequence[BiasCall]) -> list[BiasCall]:
        """Declared values that are not among the most frequent of their column are forgotten: an id declares no groups."""
        frequent = {
            name: {
                value
                for value, _ in Counter(call.declared[name] for call in calls if name in call.declared).most_common(
                    self._settings.max_declared_groups
                )
            }
            for name in self._settings.declared
        }
        return [
            replace(call, declared={name: value for name, value in call.declared.items() if value in frequent[name]})
            for call in calls
        ]

    def _with_scores(self, calls: Sequence[BiasCall], window: BiasWindow) -> list[BiasCall]:
        found: dict[tuple[str, str], dict[str, float]] = {}
        for measure, (analyzer, field) in self._settings.scores.items():
            for begin in range(0, len(calls), _CALLS_PER_QUERY):
                asked = calls[begin : begin + _CALLS_PER_QUERY]
                parameters = self._range(window) | {
                    "analyzer": analyzer,
                    "field": field,
                    "trace_ids": [call.trace_id for call in asked],
                    "span_ids": [call.span_id for call in asked],
                }
                for row in self._store.rows(_SCORES, parameters):
                    of_call = found.setdefault((row["trace_id_hex"], row["span_id_hex"]), {})
                    of_call[measure] = float(row["newest_value"])
        return [replace(call, values=found.get((call.trace_id, call.span_id), {})) for call in calls]

    def _range(self, window: BiasWindow) -> dict[str, object]:
        return {
            "project": window.project,
            "from_time": to_parameter(window.start_ms),
            "to_time": to_parameter(window.end_ms),
        }
