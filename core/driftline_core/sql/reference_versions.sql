-- Every version that was frozen of the reference sets of a project, newest first. project; name: exact, '' is all.
-- Returns the columns of reference_versions; times UTC.
SELECT
    name, version, segment_by, segment, service, kind, detail, n_calls, n_blocks, n_prompts, n_completions, n_retrievals, first_time, last_time,
    created_at
FROM reference_versions FINAL
WHERE project = {project:String} AND ({name:String} = '' OR name = {name:String})
ORDER BY created_at DESC, name, version DESC, segment_by, segment
