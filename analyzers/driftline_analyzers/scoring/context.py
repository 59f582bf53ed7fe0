"""What a call was given to read by others: documents of its trace's retrievals, results of its tools."""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


class Contexts:
    """Of some traces, from rows of scoring_context.sql in the order in which they ended. max_texts: of one kind and call, the newest."""

    def __init__(self, rows: Iterable[Mapping[str, Any]], *, max_texts: int) -> None:
        self.max_texts = max_texts
        self._documents: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._results: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for row in rows:
            for text in row["documents"]:
                self._documents[row["trace_id_hex"]].append((row["end_ns"], text))
            self._results[row["trace_id_hex"]].append((row["end_ns"], row["tool_result"]))

    def documents(self, trace_id: str, *, until_ns: int) -> Sequence[str]:
        """Texts that retrievals had returned until then, each once, in order of time."""
        return self._newest(_until(self._documents.get(trace_id, []), until_ns))

    def tool_results(self, trace_id: str, *, until_ns: int, messages: str) -> Sequence[str]:
        """Texts that tools had returned until then, each once; those that the call's own messages (JSON) hold come last."""
        return self._newest([*_until(self._results.get(trace_id, []), until_ns), *_said_by_tools(messages)])

    def _newest(self, texts: Sequence[str]) -> Sequence[str]:
        newest = dict.fromkeys(text for text in reversed(texts) if text.strip())
        return tuple(reversed(list(newest)[: self.max_texts]))


def _until(timed: Sequence[tuple[int, str]], until_ns: int) -> list[str]:
    return [text for _, text in timed[: bisect_right(timed, until_ns, key=lambda one: one[0])]]


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
