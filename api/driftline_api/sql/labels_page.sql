-- One page of what people said, newest first.
-- project. from_ms (inclusive), to_ms (exclusive): when it was said, Unix ms. kind, name, field, annotator, source: exact, '' is any.
-- traces: ids of 32 hex digits, [] is any. sentiment: negative, neutral, positive, '' is any. cursor_us, cursor_key: the last row of the page before
-- (has_cursor = 1). max_rows.
-- Columns: as in the view judgements, ids as lower-case hex, time UTC; time_us: Unix µs; row_key: tells rows of one instant apart.
SELECT
    lower(hex(trace_id)) AS trace_id_hex, lower(hex(span_id)) AS span_id_hex,
    kind, name, field, value, label, comment, annotator, source, picked_by, time,
    toUnixTimestamp64Micro(time) AS time_us,
    lower(hex(sipHash64(trace_id, span_id, response_id, kind, name, field, annotator))) AS row_key
FROM judgements(project = {project:String}, traces = {traces:Array(String)}, from_ms = {from_ms:Int64}, to_ms = {to_ms:Int64})
WHERE ({kind:String} = '' OR kind = {kind:String})
  AND ({name:String} = '' OR name = {name:String})
  AND ({field:String} = '' OR field = {field:String})
  AND ({annotator:String} = '' OR annotator = {annotator:String})
  AND ({source:String} = '' OR source = {source:String})
  AND ({sentiment:String} = '' OR if(kind != 'feedback' OR value IS NULL, '', multiIf(value < 0, 'negative', value > 0, 'positive', 'neutral')) = {sentiment:String})
  AND ({has_cursor:UInt8} = 0 OR (time_us, row_key) < ({cursor_us:Int64}, {cursor_key:String}))
ORDER BY time_us DESC, row_key DESC
LIMIT {max_rows:UInt32}
