-- Windows of event time into which rows were stored since a moment.
-- project; since_ms: Unix time of storing, exclusive, in ms; window_ms: length in ms.
-- Returns start_ms (the window's start), first_stored_ms and last_stored_ms (earliest and latest storing seen), all Unix time in ms.
SELECT
    intDiv(toUnixTimestamp64Milli(start_time), {window_ms:Int64}) * {window_ms:Int64} AS start_ms,
    toUnixTimestamp64Milli(min(stored_at)) AS first_stored_ms,
    toUnixTimestamp64Milli(max(stored_at)) AS last_stored_ms
FROM generations
WHERE project = {project:String}
  AND kind IN ('llm', 'retrieval')
  AND stored_at > fromUnixTimestamp64Milli({since_ms:Int64})
GROUP BY start_ms
ORDER BY start_ms
