"""Reads settled calls from the store with everything that a scorer may look at."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any, Final

from driftline_analyzers.runner.records import to_ms, to_parameter
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.records import CallHead, Scope, ScoreKey, ScoreRow, TouchedTrace
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.call_contexts import MAX_TEXTS, CallContexts, Unread, read_contexts
from driftline_core.store import Store

_SQL = files("driftline_analyzers") / "sql"
_TOUCHED = (_SQL / "scoring_touched.sql").read_text(encoding="utf-8")
_HOURS = (_SQL / "scoring_hours.sql").read_text(encoding="utf-8")
_TRACES = (_SQL / "scoring_traces.sql").read_text(encoding="utf-8")
_CALLS = (_SQL / "scoring_calls.sql").read_text(encoding="utf-8")
_TEXTS = (_SQL / "scoring_texts.sql").read_text(encoding="utf-8")
_CONTEXT_SIZES = (_SQL / "scoring_context_sizes.sql").read_text(encoding="utf-8")
_FORMATS = (_SQL / "scoring_formats.sql").read_text(encoding="utf-8")
_WRITTEN = (_SQL / "scoring_written.sql").read_text(encoding="utf-8")

MARGIN_MS: Final = 3_600_000
"""How far around a time the rest of a trace is looked for, as the view llm_calls does."""


class ScoringReader:
    """Queries of the scoring runner. Every method raises StoreError."""

    def __init__(self, store: Store, settings: AnalyzerSettings) -> None:
        self._store = store
        self._settings = settings
        self._limits = {"max_chars": settings.max_scored_chars, "max_texts": MAX_TEXTS}

    def projects(self) -> list[str]:
        """Names of the projects that have sent anything a scorer could look at."""
        rows = self._store.rows("SELECT DISTINCT toString(project) AS name FROM generations ORDER BY name")
        return [str(row["name"]) for row in rows]

    def now_ms(self) -> int:
        """The store's own time, which also stamps what it stores."""
        return int(self._store.scalar("SELECT toUnixTimestamp64Milli(now64(3, 'UTC'))"))

    def cursor_ms(self, name: str) -> int:
        """Where the job has got to, by the time rows were stored, in Unix ms; 0 at the start."""
        position = self._store.scalar("SELECT position FROM cursors FINAL WHERE name = {name:String}", {"name": name})
        return 0 if position is None else to_ms(position)

    def touched(self, *, project: str, since_ms: int, max_traces: int) -> list[TouchedTrace]:
        """The first traces that got rows after since_ms, in the order in which they did."""
        parameters = {"project": project, "since_ms": since_ms, "max_traces": max_traces}
        return [TouchedTrace(trace_id=row.pop("trace_id_hex"), **row) for row in self._store.rows(_TOUCHED, parameters)]

    def hours(self, *, project: str, from_ms: int, to_ms: int) -> list[tuple[int, int]]:
        """(start of the hour in Unix ms, traces) of the hours of a range in which calls began."""
        rows = self._store.rows(_HOURS, {"project": project, "from_ms": max(0, from_ms), "to_ms": to_ms})
        return [(row["hour_ms"], row["n_traces"]) for row in rows]

    def traces(self, *, project: str, from_ms: int, to_ms: int) -> list[str]:
        """Ids of the traces with calls that began in a range."""
        rows = self._store.rows(_TRACES, {"project": project, "from_ms": max(0, from_ms), "to_ms": to_ms})
        return [str(row["trace_id_hex"]) for row in rows]

    def calls(self, scope: Scope) -> list[CallHead]:
        """The calls, each once, in order of time."""
        rows = self._store.rows(_CALLS, self._around(scope) | {"max_chars": self._settings.max_scored_chars})
        return [
            CallHead(
                trace_id=row.pop("trace_id_hex"),
                span_id=row.pop("span_id_hex"),
                is_error=bool(row.pop("is_error")),
                **row,
            )
            for row in rows
        ]

    def context_sizes(self, scope: Scope) -> dict[str, int]:
        """Characters that retrievals and tools returned, by trace."""
        parameters = self._around(scope, margin_ms=MARGIN_MS) | {"max_chars": self._settings.max_scored_chars}
        return {row["trace_id_hex"]: int(row["n_chars"]) for row in self._store.rows(_CONTEXT_SIZES, parameters)}

    def filled(self, *, project: str, heads: Sequence[CallHead]) -> list[Call]:
        """Calls with their texts, in the same order. A failed call has no completion: what it said broke off."""
        scope = Scope(
            project=project,
            trace_ids=list(dict.fromkeys(head.trace_id for head in heads)),
            from_ms=min(head.start_ns for head in heads) // 1_000_000,
            to_ms=max(head.start_ns for head in heads) // 1_000_000 + 1,
        )
        ids = {"trace_ids": [head.trace_id for head in heads], "span_ids": [head.span_id for head in heads]}
        texts = {
            (row["trace_id_hex"], row["span_id_hex"]): row
            for row in self._store.rows(_TEXTS, self._around(scope) | ids | self._limits)
        }
        keys = [(head.start_ns, *head.key) for head in heads]
        contexts = read_contexts(self._store, project, keys, limits=self._limits)
        asked = {(row["trace_id_hex"], row["span_id_hex"]) for row in self._store.rows(_FORMATS, self._around(scope))}
        calls = [_call(head, texts[head.key], contexts) for head in heads if head.key in texts]
        return [
            replace(call, output_format="json") if (call.trace_id, call.span_id) in asked else call for call in calls
        ]

    def written(self, scope: Scope, *, analyzers: Sequence[str]) -> Iterator[ScoreRow]:
        """Scores of the calls that stand, without what they say."""
        for row in self._store.rows(_WRITTEN, self._around(scope) | {"analyzers": list(analyzers)}):
            yield ScoreRow(
                key=ScoreKey(
                    analyzer=row["analyzer"],
                    analyzer_version=row["analyzer_version"],
                    field=row["field"],
                    start_ns=row["start_ns"],
                    trace_id=row["trace_id_hex"],
                    span_id=row["span_id_hex"],
                ),
                service=row["service"],
                model=row["model"],
                prompt_version=row["prompt_version"],
                status="ok",
            )

    def _around(self, scope: Scope, *, margin_ms: int = 0) -> dict[str, Any]:
        return {
            "project": scope.project,
            "from_time": to_parameter(max(0, scope.from_ms - margin_ms)),
            "to_time": to_parameter(scope.to_ms + margin_ms),
            "trace_ids": list(scope.trace_ids),
        }


def _call(head: CallHead, texts: Mapping[str, Any], contexts: CallContexts) -> Call:
    if texts["documents"]:
        documents: Sequence[str] = texts["documents"]
        unread_documents = Unread(chars=sum(texts["unread_document_chars"]), texts=texts["n_more_documents"])
    else:
        given = contexts.documents(head.trace_id, until_ns=head.end_ns)
        documents, unread_documents = given.texts, given.unread
    results = contexts.tool_results(
        head.trace_id,
        until_ns=head.end_ns,
        messages=texts["input_messages"],
        unread_chars=texts["unread_message_chars"],
    )
    unread = {
        "system_prompt": Unread(chars=texts["unread_system_chars"]),
        "prompt": Unread(chars=texts["unread_prompt_chars"]),
        "completion": Unread(chars=0 if head.is_error else texts["unread_completion_chars"]),
        "document": unread_documents,
        "tool_result": results.unread,
    }
    return Call(
        trace_id=head.trace_id,
        span_id=head.span_id,
        start_ns=head.start_ns,
        service=head.service,
        model=head.model,
        prompt_version=head.prompt_version,
        session_id=head.session_id,
        system_prompt=texts["system_prompt"],
        prompt=texts["prompt"],
        completion="" if head.is_error else texts["completion"],
        documents=documents,
        tool_results=results.texts,
        unread={name: left for name, left in unread.items() if left},
    )
