-- Every span of one trace, in order of start.
-- project. trace_id: 32 hex digits. max_rows.
-- Columns: start_time UTC; start_ns Unix ns; duration_ns; ids as lower-case hex, parent NULL at a root; attributes as maps;
-- events as (time_unix_nano, name, attributes); links as (trace_id, span_id in hex, attributes).
SELECT
    start_time,
    toUnixTimestamp64Nano(start_time) AS start_ns,
    lower(hex(span_id)) AS span_id_hex,
    if(parent_span_id = toFixedString('', 8), NULL, lower(hex(parent_span_id))) AS parent_span_id_hex,
    service, name, kind, duration_ns, status_code, status_message, scope_name, scope_version,
    is_time_received = 1 AS is_time_received,
    resource_attributes, scope_attributes, attributes, events, links
FROM spans FINAL
WHERE project = {project:String}
  AND trace_id = toFixedString(unhex({trace_id:String}), 16)
ORDER BY start_time, span_id_hex
LIMIT {max_rows:UInt32}
