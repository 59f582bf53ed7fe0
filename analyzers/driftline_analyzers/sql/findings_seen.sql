-- What the newest finding of each window and segment saw.
-- project, analyzer, analyzer_version; from_ms inclusive, to_ms exclusive: window starts, Unix ms; window_ms: length in ms.
-- Returns start_ms, service, model, field, status, n_rows and last_stored_ms of the data it was made from.
SELECT
    toUnixTimestamp64Milli(window_start) AS start_ms,
    service,
    model,
    field,
    argMax(status, computed_at) AS status,
    argMax(JSONExtractUInt(explanation, 'seen', 'n_rows'), computed_at) AS n_rows,
    argMax(JSONExtractInt(explanation, 'seen', 'last_stored_ms'), computed_at) AS last_stored_ms
FROM findings FINAL
WHERE project = {project:String}
  AND analyzer = {analyzer:String}
  AND analyzer_version = {analyzer_version:String}
  AND window_start >= fromUnixTimestamp64Milli({from_ms:Int64})
  AND window_start < fromUnixTimestamp64Milli({to_ms:Int64})
  AND toUnixTimestamp64Milli(window_end) - toUnixTimestamp64Milli(window_start) = {window_ms:Int64}
GROUP BY start_ms, service, model, field
