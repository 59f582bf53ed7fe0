-- Call scores of a range by analyzer, field and step. Parameters as in score_groups.sql; step_s: length of a step in seconds.
-- Columns: analyzer, field, step_start (Unix s); n_scored, n_flagged (of them), n_unknown, n_failed.
SELECT
    toString(analyzer) AS analyzer, toString(field) AS field,
    intDiv(toInt64(toUnixTimestamp(minute)), {step_s:Int64}) * {step_s:Int64} AS step_start,
    sum(scored) AS n_scored, sum(flagged) AS n_flagged, sum(unknown) AS n_unknown, sum(failed) AS n_failed
FROM scores_1m FINAL
WHERE project = {project:String}
  AND minute >= toDateTime({from_s:Int64}, 'UTC')
  AND minute < toDateTime({to_s:Int64}, 'UTC')
  AND ({analyzer:String} = '' OR analyzer = {analyzer:String})
  AND ({field:String} = '' OR field = {field:String})
  AND ({service:String} = '' OR service = {service:String})
  AND ({model:String} = '' OR model = {model:String})
GROUP BY analyzer, field, step_start
HAVING n_scored + n_unknown + n_failed > 0
ORDER BY analyzer, field, step_start
