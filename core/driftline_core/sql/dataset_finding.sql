-- One finding by its id, the newest computation.
-- project. finding_id.
-- Columns: as in findings; a finding of an earlier build (segment_by '') is by its model. Times UTC.
SELECT
    finding_id, analyzer, analyzer_version, service, if(findings.segment_by = '', 'model', findings.segment_by) AS segment_by,
    if(findings.segment_by = '', model, findings.segment) AS segment, field, window_start, window_end, reference, reference_version, statistic,
    p_value, p_value_corrected, effect_size, moved_share, n_current, n_reference
FROM findings FINAL
WHERE project = {project:String} AND finding_id = {finding_id:String}
ORDER BY computed_at DESC
LIMIT 1
