"""What a call was given to read by others, as scorers see it: documents of its trace's retrievals, results of its tools.

The analyzers read the same rows in the same order and within the same limits (driftline_analyzers.scoring.context); that both say the same
is tested in tests/analyzers/scoring/test_call_contexts.py.
"""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from driftline_core.sql_text import read_sql
from driftline_core.store import Store

MAX_TEXTS: Final = 64
"""Documents, and tool results, of one call: the newest."""
MAX_CHARS: Final = 200_000
"""Of one text: what DRIFTLINE_ANALYZERS_MAX_SCORED_CHARS is unless it is set."""
LIMITS: Final = {"max_chars": MAX_CHARS, "max_texts": MAX_TEXTS}
_SETTINGS: Final = {"do_not_merge_across_partitions_select_final": 1}

T = TypeVar("T")
Document = tuple[str, str, float | None]
"""id, content, score"""
CallKey = tuple[int, str, str]
"""Start in Unix ns (it may be cut to the microsecond), trace and span in hex."""


class CallContexts:
    """Of some traces, from rows of call_contexts.sql in the order in which they ended."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._documents: dict[str, list[tuple[int, Document]]] = defaultdict(list)
        self._results: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for row in rows:
            for one in row["documents"]:
                self._documents[row["trace"]].append((row["end_ns"], as_document(one)))
            self._results[row["trace"]].append((row["end_ns"], row["tool_result"]))

    def documents(self, trace: str, *, until_ns: int) -> list[Document]:
        """What retrievals had returned until then, each text once, in order of time, the newest MAX_TEXTS."""
        return _newest(_until(self._documents.get(trace, []), until_ns), text_of=lambda one: one[1])

    def tool_results(self, trace: str, *, until_ns: int, messages: str) -> list[str]:
        """Texts that tools had returned until then, each once; those that the call's own messages (JSON) hold come last."""
        said = [*_until(self._results.get(trace, []), until_ns), *_said_by_tools(messages)]
        return _newest(said, text_of=lambda one: one)


def read_contexts(store: Store, project: str, keys: Sequence[CallKey]) -> CallContexts:
    """Of the traces of some calls. Raises StoreError."""
    starts = [start_ns for start_ns, _, _ in keys]
    asked = {
        "project": project,
        "traces": list({trace for _, trace, _ in keys}),
        "from_ns": min(starts),
        "to_ns": max(starts),
    }
    return CallContexts(store.rows(read_sql("call_contexts"), {**asked, **LIMITS}, settings=_SETTINGS))


def read_given_texts(
    store: Store, project: str, keys: Sequence[CallKey]
) -> dict[tuple[str, str], dict[str, Sequence[str]]]:
    """By call (trace, span in hex): its `document` and `tool_result` texts, by the names of the scored fields. Raises StoreError."""
    if not keys:
        return {}
    starts = [start_ns for start_ns, _, _ in keys]
    asked = {
        "project": project,
        "traces": [trace for _, trace, _ in keys],
        "spans": [span for _, _, span in keys],
        "from_ns": min(starts),
        "to_ns": max(starts) + 999,
    }
    contexts = read_contexts(store, project, keys)
    given: dict[tuple[str, str], dict[str, Sequence[str]]] = {}
    for row in store.rows(read_sql("call_texts"), {**asked, **LIMITS}, settings=_SETTINGS):
        trace, until_ns = row["trace"], row["end_ns"]
        given[(trace, row["span"])] = {
            "document": row["documents"] or [one[1] for one in contexts.documents(trace, until_ns=until_ns)],
            "tool_result": contexts.tool_results(trace, until_ns=until_ns, messages=row["input_messages"]),
        }
    return given


def as_document(value: Any) -> Document:
    """A document as the store's client hands it out: a tuple, or a dict in the same order."""
    document_id, content, score = value.values() if isinstance(value, dict) else value
    return document_id, content, score


def _newest(values: Sequence[T], *, text_of: Callable[[T], str]) -> list[T]:
    newest: dict[str, T] = {}
    for value in reversed(values):
        if text_of(value).strip():
            newest.setdefault(text_of(value), value)
    return list(newest.values())[:MAX_TEXTS][::-1]


def _until(timed: Sequence[tuple[int, T]], until_ns: int) -> list[T]:
    return [value for _, value in timed[: bisect_right(timed, until_ns, key=lambda one: one[0])]]


def _said_by_tools(messages: str) -> Iterator[str]:
    """Contents of the messages with the role tool; nothing where the JSON is not whole."""
    try:
        turns = json.loads(messages) if messages else ()
    except ValueError:
        return
    for turn in turns if isinstance(turns, list) else ():
        if isinstance(turn, dict) and turn.get("role") == "tool" and turn.get("content"):
            content = turn["content"]
            yield content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
