-- What stands in a range after its replay. Parameters: start, end, project: as in replay_plan.sql; version: least derived_at of the replay.
-- Columns: dialect; n_written: rows of the replay or of a live run since; n_removed: rows that it did not derive anew although their
-- span is stored; n_old: versions that are to go.
SELECT dialect, countIf(newest >= {version:DateTime64(6, 'UTC')}) AS n_written,
       countIf(newest < {version:DateTime64(6, 'UTC')}) AS n_removed, sum(older) AS n_old
FROM
(
    SELECT argMax(dialect, derived_at) AS dialect, max(derived_at) AS newest, countIf(derived_at < {version:DateTime64(6, 'UTC')}) AS older
    FROM generations
    WHERE start_time >= {start:DateTime64(3, 'UTC')} AND start_time < {end:DateTime64(3, 'UTC')}
      AND ({project:String} = '' OR project = {project:String})
      AND (project, trace_id, span_id) IN
      (
          SELECT project, trace_id, span_id
          FROM spans
          WHERE start_time >= {start:DateTime64(3, 'UTC')} AND start_time < {end:DateTime64(3, 'UTC')}
            AND ({project:String} = '' OR project = {project:String})
      )
    GROUP BY project, service, start_time, trace_id, span_id
)
GROUP BY dialect
ORDER BY dialect
