-- Traces with LLM calls that began in a range of event time. project; from_ms (inclusive), to_ms (exclusive): Unix ms.
-- Returns trace_id_hex (lower hex), in order of the first such call.
SELECT lower(hex(trace_id)) AS trace_id_hex
FROM generations
WHERE project = {project:String}
  AND kind = 'llm'
  AND start_time >= fromUnixTimestamp64Milli({from_ms:Int64})
  AND start_time < fromUnixTimestamp64Milli({to_ms:Int64})
GROUP BY trace_id
ORDER BY min(start_time), trace_id
