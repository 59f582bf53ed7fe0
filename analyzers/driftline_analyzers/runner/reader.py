"""Reads what the runner needs from the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from driftline_analyzers.runner.records import SeenFinding, TextRow, WindowContent, to_ms, to_time
from driftline_analyzers.runner.windows import WindowModel
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.store import Store

_SQL = files("driftline_analyzers") / "sql"
_TOUCHED = (_SQL / "touched_windows.sql").read_text(encoding="utf-8")
_CONTENTS = (_SQL / "window_contents.sql").read_text(encoding="utf-8")
_TEXTS = (_SQL / "texts.sql").read_text(encoding="utf-8")
_SEEN = (_SQL / "findings_seen.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedWindow:
    """A window that rows were stored into: its start, and when the first and last of those rows were stored, in Unix ms."""

    start_ms: int
    first_stored_ms: int
    last_stored_ms: int


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
        """Windows that got rows after since_ms, in order of time."""
        rows = self._store.rows(_TOUCHED, {"project": project, "since_ms": since_ms, "window_ms": self._window_ms})
        return [TouchedWindow(**row) for row in rows]

    def contents(self, *, project: str, from_ms: int, to_ms: int) -> list[WindowContent]:
        """What the windows of a time range hold, in order of time."""
        rows = self._store.rows(_CONTENTS, self._range(project, from_ms, to_ms))
        return [WindowContent(**row) for row in rows]

    def seen_findings(
        self, *, project: str, analyzer: str, analyzer_version: str, from_ms: int, to_ms: int
    ) -> list[SeenFinding]:
        """The newest finding of every window and segment of a time range, of windows of the length that is set now."""
        parameters = self._range(project, from_ms, to_ms) | {"analyzer": analyzer, "analyzer_version": analyzer_version}
        return [SeenFinding(**row) for row in self._store.rows(_SEEN, parameters)]

    def texts_of_range(
        self, *, project: str, service: str, model: str, from_ms: int, to_ms: int, max_texts: int
    ) -> list[TextRow]:
        """Sampled calls of a service in a time range, in order of time. model: '' for any."""
        rows = self._texts(
            project=project, service=service, model=model, from_ms=from_ms, to_ms=to_ms, max_texts=max_texts, windows=()
        )
        return [row for _, row in rows]

    def texts_of_windows(
        self, *, project: str, service: str, windows: Sequence[WindowModel]
    ) -> dict[WindowModel, list[TextRow]]:
        """Sampled calls of a service by window and model, each in order of time; in one query."""
        starts = [start for start, _ in windows]
        by_window: dict[WindowModel, list[TextRow]] = {window: [] for window in windows}
        rows = self._texts(
            project=project,
            service=service,
            model="",
            from_ms=min(starts),
            to_ms=max(starts) + self._window_ms,
            max_texts=self._settings.max_window_texts * len(windows),
            windows=windows,
        )
        for start_ms, row in rows:
            by_window[(start_ms, row.model)].append(row)
        return by_window

    def _texts(
        self,
        *,
        project: str,
        service: str,
        model: str,
        from_ms: int,
        to_ms: int,
        max_texts: int,
        windows: Sequence[WindowModel],
    ) -> list[tuple[int, TextRow]]:
        """(window start, row) in order of time."""
        parameters = {
            "project": project,
            "service": service,
            "model": model,
            "from_time": to_time(from_ms),
            "to_time": to_time(to_ms),
            "starts": [start for start, _ in windows],
            "models": [name for _, name in windows],
            "window_ms": self._window_ms,
            "max_chars": self._settings.max_text_chars,
            "max_per_session": self._settings.max_texts_per_session,
            "max_per_window": self._settings.max_window_texts if windows else max_texts,
            "max_texts": max_texts,
        }
        rows = [
            (
                row["window_start_ms"],
                TextRow(
                    trace_id=row["trace_id_hex"],
                    span_id=row["span_id_hex"],
                    start_ns=row["start_ns"],
                    model=row["model"],
                    prompt_version=row["prompt_version"],
                    session_id=row["session_id"],
                    prompt=row["prompt"],
                    completion=row["completion"],
                ),
            )
            for row in self._store.rows(_TEXTS, parameters)
        ]
        return sorted(rows, key=lambda pair: (pair[1].start_ns, pair[1].trace_id, pair[1].span_id))

    def _range(self, project: str, from_ms: int, to_ms: int) -> dict[str, object]:
        return {"project": project, "from_ms": from_ms, "to_ms": to_ms, "window_ms": self._window_ms}
