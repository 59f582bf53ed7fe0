-- When the calls of one slicing of a service started and were stored, for windows by count: LLM calls with text, each once, in order of time.
-- project, service, segment_by; from_time inclusive, to_time exclusive; max_calls: of a segment.
-- Returns segment, starts (Unix ms, ascending) and stored (Unix ms, of the same calls).
SELECT segment, groupArray(at_ms) AS starts, groupArray(stored_ms) AS stored, groupArray(version) AS prompt_versions
FROM
(
    SELECT
        multiIf(
            {segment_by:String} = 'service', toString(service),
            {segment_by:String} = 'model', toString(model),
            {segment_by:String} = 'prompt_version', toString(prompt_version),
            {segment_by:String} = 'prompt_name', toString(prompt_name),
            {segment_by:String} = 'environment', toString(environment),
            {segment_by:String} = 'release', toString(release),
            {segment_by:String} = 'provider', toString(provider),
            {segment_by:String} = 'user_id', user_id,
            {segment_by:String} = 'agent_name', toString(agent_name),
            startsWith({segment_by:String}, 'metadata.'), metadata[substring({segment_by:String}, 10)],
            ''
        ) AS segment,
        toUnixTimestamp64Milli(start_time) AS at_ms,
        toUnixTimestamp64Milli(stored_at) AS stored_ms,
        toString(prompt_version) AS version
    FROM llm_calls(
        project = {project:String}, from_time = {from_time:DateTime64(3, 'UTC')}, to_time = {to_time:DateTime64(3, 'UTC')}
    )
    WHERE service = {service:String} AND kind = 'llm' AND is_error = 0 AND (notEmpty(prompt) OR notEmpty(completion))
    ORDER BY at_ms
    LIMIT {max_calls:UInt64} BY segment
)
GROUP BY segment
ORDER BY segment
