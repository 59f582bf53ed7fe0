-- What the retrievals and tools of some traces returned. project; from_time inclusive, to_time exclusive: around them; trace_ids: hex;
-- max_chars: longest text returned; max_texts: most documents of one retrieval.
-- Returns trace_id_hex (lower hex), end_ns (Unix ns), documents (texts), tool_result, and what was cut off: unread_document_chars of each
-- returned document, n_more_documents: not returned, unread_result_chars; in the order in which they ended.
SELECT
    lower(hex(trace_id)) AS trace_id_hex,
    toUnixTimestamp64Nano(start_time) + toInt64(duration_ms * 1e6) AS end_ns,
    arrayMap(document -> leftUTF8(document.2, {max_chars:UInt64}), arraySlice(g.documents, 1, {max_texts:UInt32})) AS documents,
    leftUTF8(g.tool_result, {max_chars:UInt64}) AS tool_result,
    arrayMap(
        document -> greatest(lengthUTF8(document.2), {max_chars:UInt64}) - {max_chars:UInt64}, arraySlice(g.documents, 1, {max_texts:UInt32})
    ) AS unread_document_chars,
    greatest(length(g.documents), {max_texts:UInt32}) - {max_texts:UInt32} AS n_more_documents,
    greatest(lengthUTF8(g.tool_result), {max_chars:UInt64}) - {max_chars:UInt64} AS unread_result_chars
FROM generations AS g FINAL
WHERE project = {project:String}
  AND kind IN ('retrieval', 'reranker', 'tool')
  AND start_time >= {from_time:DateTime64(3, 'UTC')}
  AND start_time < {to_time:DateTime64(3, 'UTC')}
  AND trace_id IN (SELECT toFixedString(unhex(arrayJoin({trace_ids:Array(String)})), 16))
ORDER BY end_ns, span_id
