-- The named reference sets of a project that are not deleted, newest first. project.
-- Returns name, service, model ('' for any), from_ms inclusive, to_ms exclusive (Unix ms), description.
SELECT
    name,
    service,
    model,
    toUnixTimestamp64Milli(from_time) AS from_ms,
    toUnixTimestamp64Milli(to_time) AS to_ms,
    description
FROM reference_sets FINAL
WHERE project = {project:String} AND is_deleted = 0
ORDER BY created_at DESC, name
