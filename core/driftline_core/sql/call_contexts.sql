-- What the retrievals, rerankers and tools of some traces returned, in the order in which they ended.
-- project. traces: their ids in hex. from_ns, to_ns: start of the first and the last call, Unix ns; looked for an hour around. max_chars: longest text
-- returned; max_texts: most documents of one retrieval.
-- Columns: trace as lower-case hex; end_ns Unix ns; documents: (id, content, score); tool_result; and what was cut off: unread_document_chars of each
-- returned document, n_more_documents: not returned, unread_result_chars.
SELECT
    lower(hex(trace_id)) AS trace, toUnixTimestamp64Nano(start_time) + toInt64(duration_ms * 1e6) AS end_ns,
    arrayMap(one -> (one.1, leftUTF8(one.2, {max_chars:UInt64}), one.3), arraySlice(g.documents, 1, {max_texts:UInt32})) AS documents,
    leftUTF8(g.tool_result, {max_chars:UInt64}) AS tool_result,
    arrayMap(
        one -> greatest(lengthUTF8(one.2), {max_chars:UInt64}) - {max_chars:UInt64}, arraySlice(g.documents, 1, {max_texts:UInt32})
    ) AS unread_document_chars,
    greatest(length(g.documents), {max_texts:UInt32}) - {max_texts:UInt32} AS n_more_documents,
    greatest(lengthUTF8(g.tool_result), {max_chars:UInt64}) - {max_chars:UInt64} AS unread_result_chars
FROM generations AS g FINAL
WHERE project = {project:String}
  AND kind IN ('retrieval', 'reranker', 'tool')
  AND start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC') - INTERVAL 1 HOUR
  AND start_time <= fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC') + INTERVAL 1 HOUR
  AND trace_id IN (SELECT toFixedString(unhex(arrayJoin({traces:Array(String)})), 16))
ORDER BY end_ns, span_id
