-- Scores that stand of some traces. project; analyzers: names; from_time inclusive, to_time exclusive: starts of the calls; trace_ids: hex.
-- Returns the key of each (ids in lower hex, start_ns in Unix ns) and the slice it is counted in.
SELECT
    toString(analyzer) AS analyzer,
    toString(analyzer_version) AS analyzer_version,
    toString(field) AS field,
    toUnixTimestamp64Nano(start_time) AS start_ns,
    lower(hex(trace_id)) AS trace_id_hex,
    lower(hex(span_id)) AS span_id_hex,
    toString(service) AS service,
    toString(model) AS model,
    toString(prompt_version) AS prompt_version
FROM scores FINAL
WHERE project = {project:String}
  AND analyzer IN {analyzers:Array(String)}
  AND start_time >= {from_time:DateTime64(3, 'UTC')}
  AND start_time < {to_time:DateTime64(3, 'UTC')}
  AND trace_id IN (SELECT toFixedString(unhex(arrayJoin({trace_ids:Array(String)})), 16))
  AND status != 'withdrawn'
