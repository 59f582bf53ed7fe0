-- When each release of a segment was first seen. project, service; pinned_by: the column that names releases; segment_by and segment: the
-- segment's slicing and value. from_time inclusive, to_time exclusive, by start.
-- Returns value and first_time (UTC).
SELECT
    multiIf({pinned_by:String} = 'release', toString(release), {pinned_by:String} = 'model', toString(model), toString(prompt_version)) AS value,
    min(start_time) AS first_time
FROM generations
WHERE project = {project:String}
  AND service = {service:String}
  AND kind = 'llm'
  AND is_error = 0
  AND start_time >= {from_time:DateTime64(3, 'UTC')}
  AND start_time < {to_time:DateTime64(3, 'UTC')}
  AND notEmpty(value)
  AND multiIf(
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
  ) = {segment:String}
GROUP BY value
ORDER BY first_time
