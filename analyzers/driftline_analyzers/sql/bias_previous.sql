-- What was said last, before a window, of each comparison of groups of a service.
-- project, service, model, version; from_time exclusive, to_time inclusive: ends of the windows that count as before.
-- Returns measure, axis_by, group_name, other; is_gap; gap in the measure's unit. Windows with too few sessions say nothing and give no row.
SELECT
    toString(field) AS measure,
    toString(segment_by) AS axis_by,
    toString(segment) AS group_name,
    reference AS other,
    argMax(status = 'gap', (window_end, computed_at)) AS is_gap,
    argMax(statistic, (window_end, computed_at)) AS gap
FROM findings FINAL
WHERE project = {project:String}
  AND analyzer = 'bias'
  AND analyzer_version = {version:String}
  AND service = {service:String}
  AND model = {model:String}
  AND status IN ('ok', 'gap')
  AND field != 'mentions'
  AND window_end > {from_time:DateTime64(3, 'UTC')}
  AND window_end <= {to_time:DateTime64(3, 'UTC')}
GROUP BY measure, axis_by, group_name, other
