-- The newest finding with status drift, or gap for bias, of one segment and reference, for the examples in an alert.
-- Parameters: project, analyzer, service, model, segment_by, segment, field, reference; until: window_end at most (UTC). An empty model,
-- segment_by, segment, field or reference matches any; a finding of an earlier build (segment_by '') is by its model.
-- Columns: as in findings; times UTC, effect_size in units of the statistic's null spread.
SELECT
    finding_id, prompt_version, window_start, window_end, reference, p_value, p_value_corrected, effect_size, moved_share, n_current, n_reference, explanation
FROM findings FINAL
WHERE project = {project:String}
  AND analyzer = {analyzer:String}
  AND service = {service:String}
  AND ({model:String} = '' OR model = {model:String})
  AND ({segment_by:String} = '' OR if(segment_by = '', 'model', segment_by) = {segment_by:String})
  AND ({segment:String} = '' OR if(segment_by = '', model, segment) = {segment:String})
  AND ({field:String} = '' OR field = {field:String})
  AND ({reference:String} = '' OR reference = {reference:String})
  AND status IN ('drift', 'gap')
  AND window_end <= {until:DateTime64(3, 'UTC')}
ORDER BY window_end DESC, computed_at DESC
LIMIT 1
