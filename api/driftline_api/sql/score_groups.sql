-- Call scores of a range by analyzer, field, service and model, from the minutes' counts.
-- project. from_s (inclusive), to_s (exclusive): minutes of event time, Unix s. analyzer, field, service, model: exact, '' is any.
-- Columns: the group; n_scored, n_flagged (of them), n_unknown, n_failed; value_mean of the scored, NULL when there are none.
SELECT
    toString(analyzer) AS analyzer, toString(field) AS field, toString(service) AS service, toString(model) AS model,
    sum(scored) AS n_scored, sum(flagged) AS n_flagged, sum(unknown) AS n_unknown, sum(failed) AS n_failed,
    if(n_scored = 0, NULL, sum(value_sum) / n_scored) AS value_mean
FROM scores_1m FINAL
WHERE project = {project:String}
  AND minute >= toDateTime({from_s:Int64}, 'UTC')
  AND minute < toDateTime({to_s:Int64}, 'UTC')
  AND ({analyzer:String} = '' OR analyzer = {analyzer:String})
  AND ({field:String} = '' OR field = {field:String})
  AND ({service:String} = '' OR service = {service:String})
  AND ({model:String} = '' OR model = {model:String})
GROUP BY analyzer, field, service, model
HAVING n_scored + n_unknown + n_failed > 0
ORDER BY analyzer, field, service, model
