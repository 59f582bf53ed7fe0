-- Counts the call scores of some minutes anew, whole. project; analyzers: names; from_time, to_time: range that holds the minutes, UTC;
-- minutes: Unix seconds of each minute's start. A slice that was counted and has no score any more gets a row of zeros.
-- Of several versions of an analyzer the one that scored last counts.
INSERT INTO scores_1m (project, minute, analyzer, field, service, model, scored, flagged, unknown, failed, value_sum, updated_at)
SELECT
    {project:String}, minute, analyzer, field, service, model,
    sum(is_ok), sum(is_ok AND is_flagged), sum(is_unknown), sum(is_failed), sum(if(is_ok, value, 0)), now64(6, 'UTC')
FROM
(
    SELECT
        toStartOfMinute(start_time)::DateTime('UTC') AS minute, analyzer, field, service, model,
        newest = 'ok' AS is_ok, newest = 'unknown' AS is_unknown, newest = 'error' AS is_failed, is_flagged, value
    FROM
    (
        SELECT
            start_time, analyzer, field, service, model, status AS newest, is_flagged, value
        FROM scores FINAL
        WHERE project = {project:String}
          AND analyzer IN {analyzers:Array(String)}
          AND start_time >= {from_time:DateTime64(3, 'UTC')}
          AND start_time < {to_time:DateTime64(3, 'UTC')}
          AND toUnixTimestamp(toStartOfMinute(start_time)) IN {minutes:Array(UInt32)}
        ORDER BY status = 'withdrawn', computed_at DESC
        LIMIT 1 BY analyzer, field, start_time, trace_id, span_id
    )
    UNION ALL
    SELECT minute, analyzer, field, service, model, 0, 0, 0, 0, 0.0
    FROM scores_1m
    WHERE project = {project:String}
      AND analyzer IN {analyzers:Array(String)}
      AND toUnixTimestamp(minute) IN {minutes:Array(UInt32)}
)
GROUP BY minute, analyzer, field, service, model
