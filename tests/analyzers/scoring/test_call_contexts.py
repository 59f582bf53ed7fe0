"""What data sets and the review queue show of a call is what the scorers were given: the same texts, order and limits."""

import json

from driftline_analyzers.scoring.reader import ScoringReader
from driftline_analyzers.scoring.records import Scope
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.call_contexts import read_given_texts
from driftline_core.datasets.rows import read_rows
from driftline_core.store import Store
from tests.analyzers.scoring.spans import NOON, llm, retrieval, store_spans

HOUR_MS = 3_600_000


def test_data_sets_hold_the_documents_that_were_scored_and_no_later_ones(store: Store) -> None:
    messages = json.dumps([{"role": "tool", "content": "said by a tool"}, {"role": "tool", "content": {"a": 1}}])
    store_spans(
        store,
        [
            retrieval(101, "first", "again", " ", trace=1),
            retrieval(102, "reranked", "again", trace=1, kind="reranker", minutes=1),
            llm(103, trace=1, minutes=1, kind="tool", tool_result="of a tool"),
            llm(1, trace=1, minutes=2, input_messages=messages),
            retrieval(104, "later", trace=1, minutes=3),
            *(retrieval(200 + n, *(f"{n} {at}" for at in range(70)), trace=2, minutes=n) for n in range(3)),
            llm(2, trace=2, minutes=5),
            retrieval(301, "x" * 200_500, trace=3),
            llm(3, trace=3, minutes=1),
            llm(4, minutes=1, documents=[("own", f"own {at}", 0.5) for at in range(70)]),
            retrieval(401, "not read", trace=4),
        ],
    )
    reader = ScoringReader(store, AnalyzerSettings())
    start_ms = int(NOON.timestamp() * 1000)
    traces = reader.traces(project="default", from_ms=start_ms, to_ms=start_ms + HOUR_MS)
    scope = Scope(project="default", trace_ids=traces, from_ms=start_ms, to_ms=start_ms + HOUR_MS)
    calls = reader.filled(project="default", heads=reader.calls(scope))
    assert [len(call.documents) for call in calls] == [1, 64, 3, 64]
    keys = [(call.start_ns, call.trace_id, call.span_id) for call in calls]

    (page,) = read_rows(store, "default", keys)
    assert [[one["content"] for one in row["documents"]] for row in page] == [list(call.documents) for call in calls]
    by_trace = {int(row["trace_id"], 16): row["documents"] for row in page}
    assert [one["content"] for one in by_trace[1]] == ["first", "reranked", "again"]
    assert by_trace[4][0] == {"id": "own", "content": "own 0", "score": 0.5}

    given = read_given_texts(store, "default", keys)
    for call in calls:
        texts = given[(call.trace_id, call.span_id)]
        assert (tuple(texts["document"]), texts["tool_result"]) == (tuple(call.documents), call.tool_results)
    assert given[keys[2][1:]]["tool_result"] == ("of a tool", "said by a tool", '{"a": 1}')
