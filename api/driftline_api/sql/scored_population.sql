-- How many calls each analyzer scored and flagged. The newest version of a score counts.
-- project. from_ns (inclusive), to_ns (exclusive): event time of the call, Unix ns. analyzer, field, service, model, version (of the analyzer): exact,
-- '' is any. low_analyzers: whose low values are bad.
-- Columns: analyzer, field; newest_version; n_scored, n_flagged; n_with_p_value: of them with a p-value; flagged_from: lowest value that is
-- flagged, NULL when none is; unflagged_to: highest that is not, NULL when all are; grid: the values above which the shares 1/2, 1/3, 1/5, 1/8, 1/12, 1/20, 1/30, 1/50, 1/80, 1/120, 1/200 and 1/500 of the scored lie. In these three the
-- values of low_analyzers have their sign turned.
SELECT
    analyzer, field, argMax(analyzer_version, computed_at) AS newest_version, count() AS n_scored, countIf(is_flagged = 1) AS n_flagged,
    countIf(p_value IS NOT NULL) AS n_with_p_value,
    minOrNullIf(value, is_flagged = 1) AS flagged_from, maxOrNullIf(value, is_flagged = 0) AS unflagged_to,
    quantilesExactHigh(0.5, 0.6666667, 0.8, 0.875, 0.9166667, 0.95, 0.9666667, 0.98, 0.9875, 0.9916667, 0.995, 0.998)(value) AS grid
FROM
(
    SELECT
        toString(analyzer) AS analyzer, toString(field) AS field, analyzer_version, computed_at, status, p_value, is_flagged,
        if(scores.analyzer IN {low_analyzers:Array(String)}, -scores.value, scores.value) AS value
    FROM scores FINAL
    WHERE project = {project:String}
      AND ({analyzer:String} = '' OR scores.analyzer = {analyzer:String})
      AND ({field:String} = '' OR scores.field = {field:String})
      AND start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
      AND start_time < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
      AND ({service:String} = '' OR service = {service:String})
      AND ({model:String} = '' OR model = {model:String})
      AND ({version:String} = '' OR analyzer_version = {version:String})
    ORDER BY computed_at DESC
    LIMIT 1 BY analyzer, field, trace_id, span_id
)
WHERE status = 'ok' AND isFinite(value)
GROUP BY analyzer, field
ORDER BY analyzer, field
