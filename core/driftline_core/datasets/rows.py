"""Reads the rows of a data set, a page at a time: calls with their documents, scores and labels."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from driftline_core.call_contexts import LIMITS, CallContexts, Passage, read_contexts
from driftline_core.datasets.selection import Selection
from driftline_core.sql_text import read_sql
from driftline_core.store import Store

PAGE_ROWS: Final = 200
_WHOLE_TRACE: Final = "0" * 16
_SETTINGS: Final = {"do_not_merge_across_partitions_select_final": 1}
_IDS: Final = frozenset({"trace", "span"})

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The chosen calls, oldest first: start in Unix ns, trace and span in hex. n_selected: all that match, chosen or not."""

    keys: Sequence[tuple[int, str, str]]
    n_selected: int


def read_keys(store: Store, selection: Selection, *, max_rows: int) -> Keys:
    """Raises StoreError."""
    rows = store.rows(read_sql("dataset_keys"), {**selection.parameters(), "max_rows": max_rows}, settings=_SETTINGS)
    return Keys(
        keys=[(row["start_ns"], row["trace"], row["span"]) for row in rows],
        n_selected=rows[0]["n_selected"] if rows else 0,
    )


def read_rows(store: Store, project: str, keys: Sequence[tuple[int, str, str]]) -> Iterator[list[Row]]:
    """Pages of at most PAGE_ROWS rows in the order of keys; a call that retention took meanwhile is left out. Raises StoreError."""
    rest = iter(keys)
    while page := list(islice(rest, PAGE_ROWS)):
        yield _page(store, project, page)


def _page(store: Store, project: str, page: Sequence[tuple[int, str, str]]) -> list[Row]:
    asked = {
        "project": project,
        "traces": [trace for _, trace, _ in page],
        "spans": [span for _, _, span in page],
        "from_ns": page[0][0],
        "to_ns": page[-1][0],
    }

    def read(name: str, *leave_out: str, more: Mapping[str, int] | None = None) -> list[Row]:
        wanted = {**{key: value for key, value in asked.items() if key not in leave_out}, **(more or {})}
        return store.rows(read_sql(f"dataset_{name}"), wanted, settings=_SETTINGS)

    calls = {(row["trace"], row["span"]): row for row in read("calls", more=LIMITS)}
    scores = _grouped(read("scores"))
    labels = _grouped(read("labels", "spans", "from_ns", "to_ns"))
    contexts = read_contexts(store, project, page)
    rows = []
    for _, trace, span in page:
        call = calls.get((trace, span))
        if call is not None:
            said = [*labels[(trace, span)], *labels[(trace, _WHOLE_TRACE)]]
            rows.append(_row(call, scores[(trace, span)], said, contexts))
    return rows


def _row(call: Row, scores: list[Row], labels: list[Row], contexts: CallContexts) -> Row:
    left_out = {*_IDS, "documents", "start_time", "end_ns", "metadata"}
    plain = {name: value for name, value in call.items() if name not in left_out}
    documents = [Passage.of_document(one) for one in call["documents"]]
    if not documents and call["kind"] == "llm":
        documents = list(contexts.documents(call["trace"], until_ns=call["end_ns"]).passages)
    return {
        "trace_id": call["trace"],
        "span_id": call["span"],
        "start_time": _rfc3339(call["start_time"]),
        **plain,
        "metadata": dict(sorted(call["metadata"].items())),
        "documents": [{"id": one.id, "content": one.text, "score": one.score} for one in documents],
        "scores": [_without_ids(one) for one in scores],
        "labels": [{**_without_ids(one), "time": _rfc3339(one["time"])} for one in labels],
    }


def _grouped(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[(row["trace"], row["span"])].append(row)
    return groups


def _without_ids(row: Mapping[str, Any]) -> Row:
    return {name: value for name, value in row.items() if name not in _IDS}


def _rfc3339(time: datetime) -> str:
    return time.replace(tzinfo=UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
