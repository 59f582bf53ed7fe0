-- What each window of a time range holds, by segment: calls that succeeded and carry a text, and retrievals.
-- project; from_ms inclusive, to_ms exclusive: Unix time in ms; window_ms: length in ms. slicings: columns that calls are divided by;
-- llm_only: those that retrievals do not have. What is divided by language is counted whole, with an empty value.
-- Returns start_ms, service, segment_by, segment, n_rows, n_retrievals, last_stored_ms (Unix ms), newest_version (of the prompt).
SELECT
    start_ms,
    service,
    segment_by,
    segment,
    uniqExactIf((trace_id, span_id), kind = 'llm') AS n_rows,
    uniqExactIf((trace_id, span_id), kind = 'retrieval') AS n_retrievals,
    toUnixTimestamp64Milli(max(stored_at)) AS last_stored_ms,
    argMaxIf(version, start_time, kind = 'llm') AS newest_version
FROM
(
    SELECT
        start_ms,
        toString(service) AS service,
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
        toString(kind) AS kind,
        trace_id,
        span_id,
        start_time,
        stored_at,
        toString(prompt_version) AS version
    FROM
    (
        SELECT
            *,
            model,
            intDiv(toUnixTimestamp64Milli(start_time), {window_ms:Int64}) * {window_ms:Int64} AS start_ms,
            arrayJoin(if(
                kind = 'llm',
                {slicings:Array(String)},
                arrayDistinct(arrayPushBack(arrayFilter(name -> NOT has({llm_only:Array(String)}, name), {slicings:Array(String)}), 'service'))
            )) AS segment_by
        FROM generations
        WHERE project = {project:String}
          AND is_error = 0
          AND ((kind = 'llm' AND (notEmpty(prompt) OR notEmpty(completion))) OR (kind = 'retrieval' AND (notEmpty(prompt) OR notEmpty(documents))))
          AND start_time >= fromUnixTimestamp64Milli({from_ms:Int64})
          AND start_time < fromUnixTimestamp64Milli({to_ms:Int64})
    )
)
GROUP BY start_ms, service, segment_by, segment
ORDER BY start_ms, service, segment_by, segment
