"""What a call was given to read by others: documents of its trace's retrievals, results of its tools."""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from driftline_analyzers.scoring.call import Unread


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Texts, and what was left out beside them."""

    texts: Sequence[str]
    unread: Unread


@dataclass(frozen=True, slots=True)
class _Text:
    """unread_chars: of it, cut off; n_more: texts that were not returned beside it."""

    end_ns: int
    text: str
    unread_chars: int = 0
    n_more: int = 0


class Contexts:
    """Of some traces, from rows of scoring_context.sql in the order in which they ended. max_texts: of one kind and call, the newest."""

    def __init__(self, rows: Iterable[Mapping[str, Any]], *, max_texts: int) -> None:
        self.max_texts = max_texts
        self._documents: dict[str, list[_Text]] = defaultdict(list)
        self._results: dict[str, list[_Text]] = defaultdict(list)
        for row in rows:
            texts = list(zip(row["documents"], row["unread_document_chars"], strict=True))
            for number, (text, unread_chars) in enumerate(texts, start=1):
                n_more = row["n_more_documents"] if number == len(texts) else 0
                self._documents[row["trace_id_hex"]].append(_Text(row["end_ns"], text, unread_chars, n_more))
            self._results[row["trace_id_hex"]].append(
                _Text(row["end_ns"], row["tool_result"], row["unread_result_chars"])
            )

    def documents(self, trace_id: str, *, until_ns: int) -> Given:
        """Texts that retrievals had returned until then, each once, in order of time."""
        return self._newest(_until(self._documents.get(trace_id, []), until_ns))

    def tool_results(self, trace_id: str, *, until_ns: int, messages: str, unread_chars: int) -> Given:
        """Texts that tools had returned until then, each once; those that the call's own messages (JSON) hold come last. unread_chars: of
        messages that were too long to be given.
        """
        said = [_Text(until_ns, text) for text in _said_by_tools(messages)]
        given = self._newest([*_until(self._results.get(trace_id, []), until_ns), *said])
        return Given(
            texts=given.texts, unread=Unread(chars=given.unread.chars + unread_chars, texts=given.unread.texts)
        )

    def _newest(self, texts: Sequence[_Text]) -> Given:
        newest = {one.text: one for one in reversed(texts) if one.text.strip()}
        kept = list(newest.values())[: self.max_texts]
        return Given(
            texts=tuple(one.text for one in reversed(kept)),
            unread=Unread(
                chars=sum(one.unread_chars for one in kept),
                texts=len(newest) - len(kept) + sum(one.n_more for one in texts),
            ),
        )


def _until(timed: Sequence[_Text], until_ns: int) -> list[_Text]:
    return list(timed[: bisect_right(timed, until_ns, key=lambda one: one.end_ns)])


def _said_by_tools(messages: str) -> Iterator[str]:
    """Contents of the messages with the role tool; nothing where the JSON is not whole."""
    if not messages:
        return
    try:
        turns = json.loads(messages)
    except ValueError:
        return
    for turn in turns if isinstance(turns, list) else ():
        if isinstance(turn, dict) and turn.get("role") == "tool":
            content = turn.get("content")
            if content:
                yield content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
