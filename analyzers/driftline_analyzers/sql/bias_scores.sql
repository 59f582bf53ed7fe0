-- Newest scores of single calls. project; analyzer, field: whose; from_time inclusive, to_time exclusive: around the calls;
-- trace_ids, span_ids: the calls, hex. Returns trace_id_hex, span_id_hex (lower hex) and value; unknown ones give no row.
SELECT
    lower(hex(trace_id)) AS trace_id_hex,
    lower(hex(span_id)) AS span_id_hex,
    argMax(value, computed_at) AS newest_value
FROM scores FINAL
WHERE project = {project:String}
  AND analyzer = {analyzer:String}
  AND field = {field:String}
  AND start_time >= {from_time:DateTime64(3, 'UTC')}
  AND start_time < {to_time:DateTime64(3, 'UTC')}
  AND (trace_id, span_id) IN (
      SELECT toFixedString(unhex(call.1), 16), toFixedString(unhex(call.2), 8)
      FROM (SELECT arrayJoin(arrayZip({trace_ids:Array(String)}, {span_ids:Array(String)})) AS call)
  )
GROUP BY trace_id, span_id
HAVING isFinite(newest_value) AND argMax(status, computed_at) = 'ok'
