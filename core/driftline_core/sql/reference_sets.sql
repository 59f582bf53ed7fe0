-- The newest version of the reference sets of a project that are not deleted, newest first. project; name: exact, '' is all.
-- Returns the set's columns (from_ms inclusive, to_ms exclusive: Unix ms; times UTC) and what was frozen of it: is_frozen, n_calls, n_blocks,
-- n_prompts, n_completions, n_retrievals, first_time, last_time; zeros and 1970 where nothing was.
SELECT
    s.name AS name, s.kind AS kind, s.version AS version, s.service AS service, s.model AS model, s.segment_by AS segment_by, s.segment AS segment,
    s.pinned_by AS pinned_by, s.pinned_value AS pinned_value, s.description AS description, s.created_at AS created_at,
    toUnixTimestamp64Milli(s.from_time) AS from_ms, toUnixTimestamp64Milli(s.to_time) AS to_ms,
    notEmpty(v.name) AS is_frozen, v.n_calls AS n_calls, v.n_blocks AS n_blocks, v.n_prompts AS n_prompts, v.n_completions AS n_completions,
    v.n_retrievals AS n_retrievals, v.first_time AS first_time, v.last_time AS last_time
FROM
(
    SELECT *
    FROM reference_sets FINAL
    WHERE project = {project:String} AND is_deleted = 0 AND ({name:String} = '' OR name = {name:String})
) AS s
LEFT JOIN
(
    SELECT *
    FROM reference_versions FINAL
    WHERE project = {project:String} AND ({name:String} = '' OR name = {name:String}) AND kind != 'previous_release'
) AS v ON v.name = s.name AND v.version = toString(s.version)
ORDER BY created_at DESC, name
