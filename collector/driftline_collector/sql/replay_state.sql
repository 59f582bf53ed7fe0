-- Whether a range of time needs a replay. Parameters: start, end, project: as in replay_plan.sql; mapping: the present fingerprint;
-- keys: of recognisers. Columns: n_others: rows of another mapping; n_missing: spans with such a key and no row of this mapping.
WITH
    mine AS
    (
        SELECT project, trace_id, span_id, mapping
        FROM generations
        WHERE start_time >= {start:DateTime64(3, 'UTC')} AND start_time < {end:DateTime64(3, 'UTC')}
          AND ({project:String} = '' OR project = {project:String})
    )
SELECT
    (SELECT countIf(mapping != {mapping:String}) FROM mine) AS n_others,
    (
        SELECT count()
        FROM spans
        WHERE start_time >= {start:DateTime64(3, 'UTC')} AND start_time < {end:DateTime64(3, 'UTC')}
          AND ({project:String} = '' OR project = {project:String})
          AND (hasAny(mapKeys(attributes), {keys:Array(String)})
               OR arrayExists(e -> hasAny(mapKeys(e.3), {keys:Array(String)}), events))
          AND (project, trace_id, span_id) NOT IN (SELECT project, trace_id, span_id FROM mine WHERE mapping = {mapping:String})
    ) AS n_missing
