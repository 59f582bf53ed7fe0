-- Stored p-values of one analyzer, in order of time, by segment, field and reference. What had too few texts has none.
-- project; analyzer, analyzer_version; from_ms inclusive, to_ms exclusive: window starts, Unix ms; window_ms: length of windows by time, 0
-- for any; window_texts: texts of windows by count, 0 for windows by time.
-- Returns service, segment_by, segment, field, reference, reference_version, starts_ms and values of the same length.
SELECT
    toString(service) AS service,
    toString(segment_by) AS segment_by,
    segment,
    toString(field) AS field,
    reference,
    reference_version,
    groupArray(start_ms) AS starts_ms,
    groupArray(value) AS values
FROM
(
    SELECT *, toUnixTimestamp64Milli(window_start) AS start_ms, assumeNotNull(p_value) AS value
    FROM findings FINAL
    WHERE project = {project:String}
      AND analyzer = {analyzer:String}
      AND analyzer_version = {analyzer_version:String}
      AND p_value IS NOT NULL
      AND window_start >= fromUnixTimestamp64Milli({from_ms:Int64})
      AND window_start < fromUnixTimestamp64Milli({to_ms:Int64})
      AND window_texts = {window_texts:UInt32}
      AND ({window_ms:Int64} = 0 OR toUnixTimestamp64Milli(window_end) - toUnixTimestamp64Milli(window_start) = {window_ms:Int64})
    ORDER BY start_ms
)
GROUP BY service, segment_by, segment, field, reference, reference_version
