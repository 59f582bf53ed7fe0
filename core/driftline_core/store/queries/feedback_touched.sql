-- Minutes in which feedback was given whose numbers may have changed since rows were last looked at.
-- Parameters: since: when it was stored, UTC; again_s: minutes of the last seconds are looked at again, because the call may have come after.
-- Columns: project; minutes: unix seconds of each minute's start, sorted.
SELECT project, arraySort(groupUniqArray(toUnixTimestamp(toStartOfMinute(said_at)))) AS minutes
FROM
(
    SELECT toString(project) AS project, CAST(created_at, 'DateTime64(9, \'UTC\')') AS said_at
    FROM human_labels
    WHERE kind = 'feedback'
      AND created_at >= least({since:DateTime64(3, 'UTC')}, now64(6, 'UTC') - toIntervalSecond({again_s:UInt32}))
    UNION ALL
    SELECT toString(project) AS project, time AS said_at
    FROM evaluations
    WHERE derived_at >= least({since:DateTime64(3, 'UTC')}, now64(6, 'UTC') - toIntervalSecond({again_s:UInt32}))
      AND (name = 'user_feedback' OR upper(kind) = 'HUMAN')
)
GROUP BY project
ORDER BY project
