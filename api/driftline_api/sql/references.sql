-- Named reference sets, newest first.
-- project. name: exact, '' is all.
-- Columns: as in the table reference_sets; from_ms, to_ms: Unix ms; times UTC.
SELECT
    name, service, model, from_time, to_time, description, created_at,
    toUnixTimestamp64Milli(from_time) AS from_ms, toUnixTimestamp64Milli(to_time) AS to_ms
FROM reference_sets FINAL
WHERE project = {project:String} AND is_deleted = 0 AND ({name:String} = '' OR name = {name:String})
ORDER BY created_at DESC, name
