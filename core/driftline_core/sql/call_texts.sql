-- What some calls themselves hold of documents and of tools' results.
-- project. traces, spans: their ids in hex, by position. from_ns, to_ns: start of the first and the last, Unix ns, inclusive. max_chars: longest text
-- returned; max_texts: most documents of one call.
-- Columns: trace, span as lower-case hex; end_ns Unix ns; documents: their texts; input_messages: JSON, '' unless a tool spoke in them.
SELECT
    lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, toUnixTimestamp64Nano(start_time) + toInt64(duration_ms * 1e6) AS end_ns,
    arrayMap(one -> leftUTF8(one.2, {max_chars:UInt64}), arraySlice(documents, 1, {max_texts:UInt32})) AS documents,
    if(position(input_messages, '"tool"') > 0 AND lengthUTF8(input_messages) <= {max_chars:UInt64}, input_messages, '') AS input_messages
FROM generations FINAL
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
  AND start_time <= fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
  AND (trace_id, span_id) IN
  (
      SELECT toFixedString(unhex(key.1), 16), toFixedString(unhex(key.2), 8)
      FROM (SELECT arrayJoin(arrayZip({traces:Array(String)}, {spans:Array(String)})) AS key)
  )
