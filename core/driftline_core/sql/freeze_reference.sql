-- Copies the texts of a reference set, so that nothing changes them any more. Whole sessions, in the order of a hash of their id.
-- project, name, version; segment_by and segment: as they are filed. service; where_by, where_value and pinned_by, pinned_value: columns of
-- analysis_calls.segments that the calls must have, '' for any. from_time inclusive, to_time exclusive. max_calls: of each kind.
-- Retrievals are those of the traces of the calls that are copied; with no column asked for, every one.
INSERT INTO reference_texts
(
    project, name, version, segment_by, segment, kind, start_time, trace_id, span_id, session_id, model, prompt_version, prompt_name, environment,
    release, provider, user_id, agent_name, metadata, input_tokens, output_tokens, duration_ms, time_to_first_token_ms, prompt, completion, documents
)
WITH
    calls AS
    (
        SELECT *, if(session_id != '', session_id, lower(hex(trace_id))) AS session_key
        FROM analysis_calls(
            project = {project:String}, from_time = {from_time:DateTime64(3, 'UTC')}, to_time = {to_time:DateTime64(3, 'UTC')}
        )
        WHERE service = {service:String} AND is_error = 0
    ),
    wanted AS
    (
        SELECT trace_id, span_id
        FROM calls
        WHERE kind = 'llm'
          AND (notEmpty(prompt) OR notEmpty(completion))
          AND ({where_by:String} = '' OR segments[{where_by:String}] = {where_value:String})
          AND ({pinned_by:String} = '' OR segments[{pinned_by:String}] = {pinned_value:String})
        ORDER BY cityHash64(session_key), session_key, start_time, trace_id, span_id
        LIMIT {max_calls:UInt64}
    )
SELECT
    {project:String}, {name:String}, {version:String}, {segment_by:String}, {segment:String}, kind, start_time, trace_id, span_id, session_id,
    model, prompt_version, prompt_name, environment, release, provider, user_id, agent_name, metadata, input_tokens, output_tokens, duration_ms,
    time_to_first_token_ms, prompt, completion, documents
FROM calls
WHERE (kind = 'llm' AND (trace_id, span_id) IN (SELECT trace_id, span_id FROM wanted))
   OR (kind = 'retrieval' AND (({where_by:String} = '' AND {pinned_by:String} = '') OR trace_id IN (SELECT trace_id FROM wanted)))
ORDER BY cityHash64(session_key), session_key, start_time, trace_id, span_id
LIMIT {max_calls:UInt64} BY kind
