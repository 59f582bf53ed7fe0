-- Hours of event time in which LLM calls began. project; from_ms (inclusive), to_ms (exclusive): Unix ms.
-- Returns hour_ms (the hour's start, Unix ms), n_traces.
SELECT
    intDiv(toUnixTimestamp64Milli(start_time), 3600000) * 3600000 AS hour_ms,
    uniqExact(trace_id) AS n_traces
FROM generations
WHERE project = {project:String}
  AND kind = 'llm'
  AND start_time >= fromUnixTimestamp64Milli({from_ms:Int64})
  AND start_time < fromUnixTimestamp64Milli({to_ms:Int64})
GROUP BY hour_ms
ORDER BY hour_ms
