-- What each window of a time range holds, by service and model: calls that succeeded and carry a text.
-- project; from_ms inclusive, to_ms exclusive: Unix time in ms; window_ms: length in ms.
-- Returns start_ms, service, model, n_rows, last_stored_ms (Unix ms), prompt_version (the newest).
SELECT
    intDiv(toUnixTimestamp64Milli(start_time), {window_ms:Int64}) * {window_ms:Int64} AS start_ms,
    service,
    model,
    uniqExact(trace_id, span_id) AS n_rows,
    toUnixTimestamp64Milli(max(stored_at)) AS last_stored_ms,
    argMax(prompt_version, start_time) AS prompt_version
FROM generations
WHERE project = {project:String}
  AND kind = 'llm'
  AND is_error = 0
  AND (notEmpty(prompt) OR notEmpty(completion))
  AND start_time >= fromUnixTimestamp64Milli({from_ms:Int64})
  AND start_time < fromUnixTimestamp64Milli({to_ms:Int64})
GROUP BY start_ms, service, model
ORDER BY start_ms, service, model
