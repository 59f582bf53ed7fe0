-- What people said of one trace, newest first.
-- project. trace_id: 32 hex digits; traces: the same, alone in an array. span_id: 16 hex digits: of this call, and of the trace as a whole; '' is everything.
-- max_ms: Unix ms after which nothing is read. What names no span but the response_id of another answer of the trace is left out.
-- Columns: as in the view judgements, ids as lower-case hex, time UTC.
SELECT
    lower(hex(trace_id)) AS trace_id_hex, lower(hex(span_id)) AS span_id_hex,
    kind, name, field, value, label, comment, annotator, source, picked_by, time
FROM judgements(project = {project:String}, traces = {traces:Array(String)}, from_ms = 0, to_ms = {max_ms:Int64})
WHERE {span_id:String} = '' OR span_id = toFixedString(unhex({span_id:String}), 8)
   OR (span_id = toFixedString('', 8) AND (response_id = '' OR response_id IN
   (
       SELECT response_id
       FROM generations
       WHERE project = {project:String}
         AND trace_id = toFixedString(unhex({trace_id:String}), 16)
         AND span_id = toFixedString(unhex({span_id:String}), 8)
   )))
ORDER BY time DESC, kind, name, field, annotator
LIMIT 1000
