-- Segments into which rows were stored since a moment, of windows by count.
-- project; since_ms: Unix time of storing, exclusive, in ms; slicings: columns that calls are divided by.
-- Returns service, segment_by, segment, from_ms and to_ms (first and last start of those rows), first_stored_ms, last_stored_ms; Unix ms.
SELECT
    service,
    segment_by,
    multiIf(
        segment_by = 'service', toString(service),
        segment_by = 'model', toString(model),
        segment_by = 'prompt_version', toString(prompt_version),
        segment_by = 'prompt_name', toString(prompt_name),
        segment_by = 'environment', toString(environment),
        segment_by = 'release', toString(release),
        segment_by = 'provider', toString(provider),
        segment_by = 'user_id', user_id,
        segment_by = 'agent_name', toString(agent_name),
        startsWith(segment_by, 'metadata.'), metadata[substring(segment_by, 10)],
        ''
    ) AS segment,
    toUnixTimestamp64Milli(min(start_time)) AS from_ms,
    toUnixTimestamp64Milli(max(start_time)) AS to_ms,
    toUnixTimestamp64Milli(min(stored_at)) AS first_stored_ms,
    toUnixTimestamp64Milli(max(stored_at)) AS last_stored_ms
FROM
(
    SELECT *, model, arrayJoin({slicings:Array(String)}) AS segment_by
    FROM generations
    WHERE project = {project:String}
      AND kind = 'llm'
      AND is_error = 0
      AND (notEmpty(prompt) OR notEmpty(completion))
      AND stored_at > fromUnixTimestamp64Milli({since_ms:Int64})
) AS generations
GROUP BY service, segment_by, segment
ORDER BY service, segment_by, segment
