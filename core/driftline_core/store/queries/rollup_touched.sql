-- Minutes whose numbers may have changed since rows were last looked at.
-- Parameters: since, stored_at in UTC.
-- Columns: project; minutes: unix seconds of each minute's start, sorted.
-- A row can change whether another of its trace, or one with its response_id, counts as a call: their minutes are touched too.
WITH
    touched AS
    (
        SELECT project, trace_id, response_id, start_time
        FROM generations
        WHERE stored_at >= {since:DateTime64(3, 'UTC')}
    ),
    (SELECT (min(start_time) - INTERVAL 1 HOUR, max(start_time) + INTERVAL 1 HOUR) FROM touched) AS bounds
SELECT project, arraySort(groupUniqArray(toUnixTimestamp(toStartOfMinute(start_time)))) AS minutes
FROM generations
WHERE start_time >= bounds.1
  AND start_time <= bounds.2
  AND kind IN ('llm', 'embedding')
  AND ((project, trace_id) IN (SELECT project, trace_id FROM touched)
       OR (response_id != '' AND (project, response_id) IN (SELECT project, response_id FROM touched)))
GROUP BY project
ORDER BY project
