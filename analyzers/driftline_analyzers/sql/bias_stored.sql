-- When the newest LLM call of each window was stored. project; from_time inclusive, to_time exclusive; window_ms: length.
-- Returns start_ms (the window's start) and last_stored_ms, Unix time in ms; windows without calls give no row.
SELECT
    intDiv(toUnixTimestamp64Milli(start_time), {window_ms:Int64}) * {window_ms:Int64} AS start_ms,
    toUnixTimestamp64Milli(max(stored_at)) AS last_stored_ms
FROM generations
WHERE project = {project:String}
  AND kind = 'llm'
  AND start_time >= {from_time:DateTime64(3, 'UTC')}
  AND start_time < {to_time:DateTime64(3, 'UTC')}
GROUP BY start_ms
