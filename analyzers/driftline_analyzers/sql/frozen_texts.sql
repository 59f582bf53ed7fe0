-- Texts of one version of a reference set, whole sessions in the order of a hash of their id. project, name, version, segment_by, segment.
-- max_chars: longest text returned; max_per_session: rows of one session; max_texts: rows of each kind.
-- Returns the columns of texts.sql without the window.
SELECT *
FROM
(
    SELECT
        lower(hex(trace_id)) AS trace_id_hex,
        lower(hex(span_id)) AS span_id_hex,
        toUnixTimestamp64Nano(start_time) AS start_ns,
        toString(kind) AS kind,
        session_id,
        toString(model) AS model,
        toString(prompt_version) AS prompt_version,
        toString(prompt_name) AS prompt_name,
        toString(environment) AS environment,
        toString(release) AS release,
        toString(provider) AS provider,
        user_id,
        toString(agent_name) AS agent_name,
        metadata,
        toFloat64(input_tokens) AS input_tokens,
        toFloat64(output_tokens) AS output_tokens,
        duration_ms,
        time_to_first_token_ms,
        leftUTF8(prompt, {max_chars:UInt64}) AS prompt,
        leftUTF8(completion, {max_chars:UInt64}) AS completion,
        arrayMap(document -> leftUTF8(document, {max_chars:UInt64}), documents) AS documents,
        if(session_id != '', session_id, trace_id_hex) AS session_key
    FROM reference_texts FINAL
    WHERE project = {project:String}
      AND name = {name:String}
      AND version = {version:String}
      AND reference_texts.segment_by = {segment_by:String}
      AND reference_texts.segment = {segment:String}
    ORDER BY cityHash64(session_key), session_key, start_ns, trace_id_hex, span_id_hex
    LIMIT {max_per_session:UInt64} BY session_key, kind
)
ORDER BY cityHash64(session_key), session_key, start_ns, trace_id_hex, span_id_hex
LIMIT {max_texts:UInt64} BY kind
