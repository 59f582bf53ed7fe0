"""Reads what the runner needs from the store."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from driftline_analyzers.runner.records import SeenFinding, TextRow, WindowContent, WindowKey, to_ms, to_parameter
from driftline_analyzers.runner.segments import LLM_ONLY, Segment
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.store import Store

_SQL = files("driftline_analyzers") / "sql"
_TOUCHED = (_SQL / "touched_windows.sql").read_text(encoding="utf-8")
_TOUCHED_SEGMENTS = (_SQL / "touched_segments.sql").read_text(encoding="utf-8")
_CALL_TIMES = (_SQL / "call_times.sql").read_text(encoding="utf-8")
_CONTENTS = (_SQL / "window_contents.sql").read_text(encoding="utf-8")
_TEXTS = (_SQL / "texts.sql").read_text(encoding="utf-8")
_KEPT_CALLS = (_SQL / "kept_calls.sql").read_text(encoding="utf-8")
_KEPT_TEXTS = (_SQL / "kept_texts.sql").read_text(encoding="utf-8")
_SEEN = (_SQL / "findings_seen.sql").read_text(encoding="utf-8")
_P_VALUES = (_SQL / "p_values.sql").read_text(encoding="utf-8")

_MAX_CALLS = 200_000
"""Calls of a segment whose times are read at once for windows by count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedWindow:
    """A window that rows were stored into: its start, and when the first and last of those rows were stored, in Unix ms."""

    start_ms: int
    first_stored_ms: int
    last_stored_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedSegment:
    """A segment that rows were stored into: first and last start of those rows, and when they were stored, in Unix ms."""

    segment: Segment
    from_ms: int
    to_ms: int
    first_stored_ms: int
    last_stored_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTimes:
    """Calls of a segment in order of time: start and storing in Unix ms, prompt version. is_cut: there are more."""

    starts_ms: Sequence[int]
    stored_ms: Sequence[int]
    prompt_versions: Sequence[str]
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PValues:
    """A segment's p-values against one reference, in order of time: window starts (Unix ms) and values."""

    segment: Segment
    field: str
    reference: str
    reference_version: str
    starts_ms: Sequence[int]
    values: Sequence[float]


class Reader:
    """Queries of the runner. Every method raises StoreError."""

    def __init__(self, store: Store, settings: AnalyzerSettings) -> None:
        self._store = store
        self._settings = settings
        self._window_ms = int(settings.window.total_seconds() * 1000)

    def projects(self) -> list[str]:
        """Names of the projects that have sent LLM calls."""
        return [
            str(row["project"]) for row in self._store.rows("SELECT DISTINCT project FROM generations ORDER BY project")
        ]

    def cursor_ms(self, name: str) -> int:
        """Where the job has got to, by the time rows were stored, in Unix ms; 0 at the start."""
        position = self._store.scalar("SELECT position FROM cursors FINAL WHERE name = {name:String}", {"name": name})
        return 0 if position is None else to_ms(position)

    def touched_windows(self, *, project: str, since_ms: int) -> list[TouchedWindow]:
        """Windows by time that got rows after since_ms, in order of time."""
        rows = self._store.rows(_TOUCHED, {"project": project, "since_ms": since_ms, "window_ms": self._window_ms})
        return [TouchedWindow(**row) for row in rows]

    def touched_segments(self, *, project: str, since_ms: int) -> list[TouchedSegment]:
        """Segments that got rows after since_ms."""
        slicings = list(self._settings.segments)
        rows = self._store.rows(_TOUCHED_SEGMENTS, {"project": project, "since_ms": since_ms, "slicings": slicings})
        return [TouchedSegment(segment=_pop_segment(row), **row) for row in rows]

    def call_times(self, *, project: str, service: str, by: str, from_ms: int, to_ms: int) -> dict[Segment, CallTimes]:
        """When the calls of each segment of a slicing were, of a time range."""
        parameters = {
            "project": project,
            "service": service,
            "segment_by": by,
            "from_time": to_parameter(from_ms),
            "to_time": to_parameter(to_ms),
            "max_calls": _MAX_CALLS,
        }
        return {
            Segment(service=service, by=by, value=row["segment"]): CallTimes(
                starts_ms=row["starts"],
                stored_ms=row["stored"],
                prompt_versions=row["prompt_versions"],
                is_cut=len(row["starts"]) >= _MAX_CALLS,
            )
            for row in self._store.rows(_CALL_TIMES, parameters)
        }

    def contents(self, *, project: str, from_ms: int, to_ms: int) -> list[WindowContent]:
        """What the windows by time of a time range hold, in order of time."""
        parameters = self._range(project, from_ms, to_ms) | {
            "window_ms": self._window_ms,
            "slicings": list(self._settings.segments),
            "llm_only": sorted(LLM_ONLY),
        }
        return [
            WindowContent(
                segment=_pop_segment(row),
                end_ms=row["start_ms"] + self._window_ms,
                prompt_version=row.pop("newest_version"),
                **row,
            )
            for row in self._store.rows(_CONTENTS, parameters)
        ]

    def seen_findings(self, *, project: str, from_ms: int, to_ms: int) -> list[SeenFinding]:
        """The newest finding of every window, segment, field and analyzer of a time range, of windows as they are set now."""
        parameters = self._range(project, from_ms, to_ms) | {
            "window_ms": 0 if self._settings.window_texts else self._window_ms,
            "window_texts": self._settings.window_texts,
        }
        return [SeenFinding(segment=_pop_segment(row), **row) for row in self._store.rows(_SEEN, parameters)]

    def p_values(
        self, *, project: str, analyzer: str, analyzer_version: str, from_ms: int, to_ms: int
    ) -> list[PValues]:
        """Stored p-values of an analyzer by segment, field and reference, each in order of time."""
        parameters = self._range(project, from_ms, to_ms) | {
            "analyzer": analyzer,
            "analyzer_version": analyzer_version,
            "window_ms": 0 if self._settings.window_texts else self._window_ms,
            "window_texts": self._settings.window_texts,
        }
        return [PValues(segment=_pop_segment(row), **row) for row in self._store.rows(_P_VALUES, parameters)]

    def texts(self, *, project: str, windows: Sequence[WindowKey]) -> dict[WindowKey, list[TextRow]]:
        """Sampled calls and retrievals by window, each in order of time; one query a service and slicing."""
        limits = {
            "max_chars": self._settings.max_text_chars,
            "max_per_session": self._settings.max_texts_per_session,
            "max_per_window": self._settings.max_window_texts,
        }
        found: dict[WindowKey, list[TextRow]] = {window: [] for window in windows}
        for parameters, by_start in _slicings(project, windows):
            for row in self._store.rows(_TEXTS, parameters | limits):
                found[by_start[(row["segment"], row["window_start_ms"])]].append(text_row(row))
        return {window: in_order(rows) for window, rows in found.items()}

    def kept_calls(self, *, project: str, windows: Sequence[WindowKey]) -> dict[WindowKey, list[TextRow]]:
        """Calls that are looked at beside the sample, by window, each in order of time, as the setting keep wants it."""
        found: dict[WindowKey, list[TextRow]] = {window: [] for window in windows}
        wanted = {"keep": list(self._settings.keep), "max_kept": self._settings.max_kept_texts}
        for parameters, by_start in _slicings(project, windows):
            kept = {
                (row["trace_id_hex"], row["span_id_hex"]): row
                for row in self._store.rows(_KEPT_CALLS, parameters | wanted)
            }
            if not kept:
                continue
            ids = {"trace_ids": [trace for trace, _ in kept], "span_ids": [span for _, span in kept]}
            around = {name: parameters[name] for name in ("project", "service", "from_time", "to_time")}
            for text in self._store.rows(_KEPT_TEXTS, around | ids | {"max_chars": self._settings.max_text_chars}):
                row = kept[(text["trace_id_hex"], text["span_id_hex"])]
                found[by_start[(row["segment"], row["window_start_ms"])]].append(
                    TextRow(
                        trace_id=text.pop("trace_id_hex"),
                        span_id=text.pop("span_id_hex"),
                        kept_for=row["kept_for"],
                        **text,
                    )
                )
        return {window: in_order(rows) for window, rows in found.items()}

    def _range(self, project: str, from_ms: int, to_ms: int) -> dict[str, object]:
        return {"project": project, "from_ms": max(0, from_ms), "to_ms": to_ms}


def _slicings(
    project: str, windows: Sequence[WindowKey]
) -> Iterator[tuple[dict[str, Any], dict[tuple[str, int], WindowKey]]]:
    """For each service and slicing: a query's parameters, and which window a segment's value and start mean."""
    by_slicing: dict[tuple[str, str], list[WindowKey]] = defaultdict(list)
    for window in windows:
        by_slicing[window[0].slicing].append(window)
    for (service, by), of_slicing in by_slicing.items():
        parameters = {
            "project": project,
            "service": service,
            "segment_by": by,
            "values": [segment.value for segment, _, _ in of_slicing],
            "starts": [start for _, start, _ in of_slicing],
            "ends": [end for _, _, end in of_slicing],
            "from_time": to_parameter(min(start for _, start, _ in of_slicing)),
            "to_time": to_parameter(max(end for _, _, end in of_slicing)),
        }
        yield parameters, {(window[0].value, window[1]): window for window in of_slicing}


def text_row(row: Mapping[str, Any]) -> TextRow:
    """A row of texts.sql or frozen_texts.sql."""
    return TextRow(
        trace_id=row["trace_id_hex"],
        span_id=row["span_id_hex"],
        start_ns=row["start_ns"],
        kind=row["kind"],
        model=row["model"],
        prompt_version=row["prompt_version"],
        prompt_name=row["prompt_name"],
        environment=row["environment"],
        release=row["release"],
        provider=row["provider"],
        user_id=row["user_id"],
        agent_name=row["agent_name"],
        metadata=row["metadata"],
        session_id=row["session_id"],
        prompt=row["prompt"],
        completion=row["completion"],
        documents=row["documents"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        duration_ms=row["duration_ms"],
        time_to_first_token_ms=row["time_to_first_token_ms"],
    )


def in_order(rows: Sequence[TextRow]) -> list[TextRow]:
    """Rows in order of time, and always the same order."""
    return sorted(rows, key=lambda row: (row.start_ns, row.trace_id, row.span_id))


def _pop_segment(row: dict[str, Any]) -> Segment:
    return Segment(service=row.pop("service"), by=row.pop("segment_by"), value=row.pop("segment"))
