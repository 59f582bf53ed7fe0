-- Minutes whose calls may count otherwise once the old versions of a range are gone. Parameters: as in replay_outcome.sql.
-- Columns: project; minutes: unix seconds of each minute's start, sorted. As core's rollup_touched.sql, by version instead of by stored_at.
WITH
    old AS
    (
        SELECT project, trace_id, response_id
        FROM generations
        WHERE start_time >= {start:DateTime64(3, 'UTC')} AND start_time < {end:DateTime64(3, 'UTC')}
          AND ({project:String} = '' OR project = {project:String})
          AND derived_at < {version:DateTime64(6, 'UTC')}
    )
SELECT project, arraySort(groupUniqArray(toUnixTimestamp(toStartOfMinute(start_time)))) AS minutes
FROM generations
WHERE start_time >= {start:DateTime64(3, 'UTC')} - INTERVAL 1 HOUR
  AND start_time < {end:DateTime64(3, 'UTC')} + INTERVAL 1 HOUR
  AND kind IN ('llm', 'embedding')
  AND ((project, trace_id) IN (SELECT project, trace_id FROM old)
       OR (response_id != '' AND (project, response_id) IN (SELECT project, response_id FROM old)))
GROUP BY project
ORDER BY project
