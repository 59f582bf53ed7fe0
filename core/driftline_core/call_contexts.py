"""What a call was given to read by others: documents of its trace's retrievals, results of its tools.

The scorers, data sets and the review queue read it here, so that all speak of the same texts.
"""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from driftline_core.sql_text import read_sql
from driftline_core.store import Store

MAX_TEXTS: Final = 64
"""Documents, and tool results, of one call: the newest."""
MAX_CHARS: Final = 200_000
"""Of one text: what DRIFTLINE_ANALYZERS_MAX_SCORED_CHARS is unless it is set."""
LIMITS: Final = {"max_chars": MAX_CHARS, "max_texts": MAX_TEXTS}
_SETTINGS: Final = {"do_not_merge_across_partitions_select_final": 1}

CallKey = tuple[int, str, str]
"""Start in Unix ns (it may be cut to the microsecond), trace and span in hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """What of a field's texts their reader left out. chars: of those given, beyond the longest allowed; texts: not given at all."""

    chars: int = 0
    texts: int = 0

    def __bool__(self) -> bool:
        return self.chars > 0 or self.texts > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A document or a tool's result. unread_chars: of it, cut off."""

    text: str
    id: str = ""
    score: float | None = None
    unread_chars: int = 0

    @classmethod
    def of_document(cls, value: Any, *, unread_chars: int = 0) -> "Passage":
        """A document as the store's client hands it out: a tuple (id, content, score), or a dict in the same order."""
        document_id, content, score = value.values() if isinstance(value, dict) else value
        return cls(text=content, id=document_id, score=score, unread_chars=unread_chars)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """passages: in order of time; unread: what was left out beside them."""

    passages: Sequence[Passage]
    unread: Unread

    @property
    def texts(self) -> tuple[str, ...]:
        """Of the passages."""
        return tuple(one.text for one in self.passages)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Returned:
    """What one span returned. n_more: passages that were not read beside these."""

    end_ns: int
    passages: Sequence[Passage]
    n_more: int = 0


class CallContexts:
    """Of some traces, from rows of call_contexts.sql in the order in which they ended."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._documents: dict[str, list[_Returned]] = defaultdict(list)
        self._results: dict[str, list[_Returned]] = defaultdict(list)
        for row in rows:
            documents = [
                Passage.of_document(one, unread_chars=unread_chars)
                for one, unread_chars in zip(row["documents"], row["unread_document_chars"], strict=True)
            ]
            result = Passage(text=row["tool_result"], unread_chars=row["unread_result_chars"])
            self._documents[row["trace"]].append(
                _Returned(end_ns=row["end_ns"], passages=documents, n_more=row["n_more_documents"])
            )
            self._results[row["trace"]].append(_Returned(end_ns=row["end_ns"], passages=[result]))

    def documents(self, trace: str, *, until_ns: int) -> Given:
        """What retrievals had returned until then: each text once, the newest MAX_TEXTS."""
        return _newest(_until(self._documents.get(trace, []), until_ns))

    def tool_results(self, trace: str, *, until_ns: int, messages: str, unread_chars: int = 0) -> Given:
        """What tools had returned until then, each text once; what the call's own messages (JSON) hold comes last.

        unread_chars: of messages that were too long to be given.
        """
        said = [Passage(text=text) for text in _said_by_tools(messages)]
        given = _newest(
            [
                *_until(self._results.get(trace, []), until_ns),
                _Returned(end_ns=until_ns, passages=said),
            ]
        )
        unread = Unread(chars=given.unread.chars + unread_chars, texts=given.unread.texts)
        return Given(passages=given.passages, unread=unread)


def read_contexts(
    store: Store, project: str, keys: Sequence[CallKey], *, limits: Mapping[str, int] = LIMITS
) -> CallContexts:
    """Of the traces of some calls. limits: max_chars, max_texts. Raises StoreError."""
    starts = [start_ns for start_ns, _, _ in keys]
    asked = {
        "project": project,
        "traces": list({trace for _, trace, _ in keys}),
        "from_ns": min(starts),
        "to_ns": max(starts),
    }
    return CallContexts(store.rows(read_sql("call_contexts"), {**asked, **limits}, settings=_SETTINGS))


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
        results = contexts.tool_results(trace, until_ns=until_ns, messages=row["input_messages"])
        given[(trace, row["span"])] = {
            "document": row["documents"] or contexts.documents(trace, until_ns=until_ns).texts,
            "tool_result": results.texts,
        }
    return given


def _newest(returned: Sequence[_Returned]) -> Given:
    newest: dict[str, Passage] = {}
    for passage in (one for span in reversed(returned) for one in reversed(span.passages)):
        if passage.text.strip():
            newest.setdefault(passage.text, passage)
    kept = list(newest.values())[:MAX_TEXTS]
    unread = Unread(
        chars=sum(one.unread_chars for one in kept),
        texts=len(newest) - len(kept) + sum(one.n_more for one in returned),
    )
    return Given(passages=kept[::-1], unread=unread)


def _until(timed: Sequence[_Returned], until_ns: int) -> list[_Returned]:
    return list(timed[: bisect_right(timed, until_ns, key=lambda one: one.end_ns)])


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
