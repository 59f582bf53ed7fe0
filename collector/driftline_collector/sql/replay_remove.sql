-- Removes what a replay did not derive anew, and the versions that it replaced; rows whose span is not stored any more stay, and so do
-- rows that a collector derived since. Parameters: as in replay_outcome.sql.
DELETE FROM generations
WHERE start_time >= {start:DateTime64(3, 'UTC')} AND start_time < {end:DateTime64(3, 'UTC')}
  AND ({project:String} = '' OR project = {project:String})
  AND derived_at < {version:DateTime64(6, 'UTC')}
  AND (project, trace_id, span_id) IN
  (
      SELECT project, trace_id, span_id
      FROM spans
      WHERE start_time >= {start:DateTime64(3, 'UTC')} AND start_time < {end:DateTime64(3, 'UTC')}
        AND ({project:String} = '' OR project = {project:String})
  )
