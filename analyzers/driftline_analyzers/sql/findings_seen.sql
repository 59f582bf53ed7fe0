-- What the newest finding of each window, segment, field and analyzer saw and said.
-- project; from_ms inclusive, to_ms exclusive: window starts, Unix ms; window_ms: length in ms of windows by time, 0 for any;
-- window_texts: texts of windows by count, 0 for windows by time.
-- Returns start_ms, end_ms, service, segment_by, segment, analyzer, analyzer_version, field, reference, reference_version, status, p_value,
-- n_rows, n_retrievals, last_stored_ms of the data it was made from, window_texts. Rows of an earlier build are segments by model.
SELECT
    toUnixTimestamp64Milli(window_start) AS start_ms,
    toUnixTimestamp64Milli(window_end) AS end_ms,
    toString(service) AS service,
    if(segment_by = '', 'model', toString(segment_by)) AS segment_by,
    if(findings.segment_by = '', toString(model), segment) AS segment,
    toString(analyzer) AS analyzer,
    toString(analyzer_version) AS analyzer_version,
    toString(field) AS field,
    reference,
    reference_version,
    toString(status) AS status,
    p_value,
    JSONExtractUInt(explanation, 'seen', 'n_rows') AS n_rows,
    JSONExtractUInt(explanation, 'seen', 'n_retrievals') AS n_retrievals,
    JSONExtractInt(explanation, 'seen', 'last_stored_ms') AS last_stored_ms,
    window_texts
FROM findings FINAL
WHERE project = {project:String}
  AND window_start >= fromUnixTimestamp64Milli({from_ms:Int64})
  AND window_start < fromUnixTimestamp64Milli({to_ms:Int64})
  AND window_texts = {window_texts:UInt32}
  AND ({window_ms:Int64} = 0 OR toUnixTimestamp64Milli(window_end) - toUnixTimestamp64Milli(window_start) = {window_ms:Int64})
ORDER BY computed_at DESC
LIMIT 1 BY start_ms, end_ms, service, segment_by, segment, analyzer, field
