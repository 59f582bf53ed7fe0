-- The newest finding with status drift of one segment, for the examples in an alert.
-- Parameters: project, analyzer, service, model, field; until: window_end at most (UTC). An empty model or field matches any.
-- Columns: as in findings; times UTC, effect_size in units of the statistic's null spread.
SELECT prompt_version, window_start, window_end, reference, p_value, p_value_corrected, effect_size, n_current, n_reference, explanation
FROM findings FINAL
WHERE project = {project:String}
  AND analyzer = {analyzer:String}
  AND service = {service:String}
  AND ({model:String} = '' OR model = {model:String})
  AND ({field:String} = '' OR field = {field:String})
  AND status = 'drift'
  AND window_end <= {until:DateTime64(3, 'UTC')}
ORDER BY window_end DESC, computed_at DESC
LIMIT 1
