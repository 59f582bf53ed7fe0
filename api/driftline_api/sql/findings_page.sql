-- One page of findings, newest window first (window_end, finding_id); the newest version of an analyzer counts.
-- project. from_ms (inclusive), to_ms (exclusive): the window's end, Unix ms. not_analyzer: left out, '' is none. analyzer, service, segment_by, segment, model, field, status, reference,
-- finding_id: exact, '' is any. is_confirmed: 1 keeps those alone. cursor_ms, cursor_id: the last row of the page before (has_cursor = 1). max_rows. with_explanation: 1 adds the JSON.
-- Columns: as in the table findings, a segment of an earlier build (segment_by '') by its model; times UTC; window_end_ms Unix ms.
SELECT
    finding_id, analyzer, analyzer_version, service, segment_by, segment, model, field, prompt_version,
    window_start, window_end, toUnixTimestamp64Milli(window_end) AS window_end_ms, window_texts,
    reference, reference_version, status, statistic, p_value, p_value_corrected, alpha, effect_size,
    is_confirmed, is_small, moved_share, moved_share_low, moved_share_high,
    n_reference, n_current, n_effective, n_tested,
    if({with_explanation:UInt8} = 1, explanation, '') AS explanation, computed_at
FROM
(
    SELECT * REPLACE (if(findings.segment_by = '', 'model', findings.segment_by) AS segment_by, if(findings.segment_by = '', model, findings.segment) AS segment)
    FROM findings FINAL
    WHERE project = {project:String}
      AND window_end >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
      AND window_end < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      AND ({analyzer:String} = '' OR analyzer = {analyzer:String})
      AND ({not_analyzer:String} = '' OR analyzer != {not_analyzer:String})
      AND ({service:String} = '' OR service = {service:String})
      AND ({model:String} = '' OR model = {model:String})
      AND ({segment_by:String} = '' OR if(findings.segment_by = '', 'model', findings.segment_by) = {segment_by:String})
      AND ({segment:String} = '' OR if(findings.segment_by = '', model, findings.segment) = {segment:String})
      AND ({field:String} = '' OR field = {field:String})
      AND ({reference:String} = '' OR reference = {reference:String})
      AND ({finding_id:String} = '' OR finding_id = {finding_id:String})
    ORDER BY computed_at DESC
    LIMIT 1 BY analyzer, service, model, segment_by, segment, field, window_start, window_end, reference
)
WHERE ({status:String} = '' OR status = {status:String})
  AND ({is_confirmed:UInt8} = 0 OR is_confirmed = 1)
  AND
  (
      {has_cursor:UInt8} = 0
      OR (window_end, finding_id) < (fromUnixTimestamp64Milli({cursor_ms:Int64}, 'UTC'), {cursor_id:String})
  )
ORDER BY window_end DESC, finding_id DESC
LIMIT {max_rows:UInt32}
