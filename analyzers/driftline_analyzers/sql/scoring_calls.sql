-- LLM calls of some traces, each once, without their texts. project; from_time inclusive, to_time exclusive; trace_ids: hex;
-- max_chars: of one text.
-- Returns ids in lower hex, start_ns and end_ns (Unix ns), service, model, prompt_version, session_id, is_error, n_chars: of its texts.
SELECT
    lower(hex(trace_id)) AS trace_id_hex,
    lower(hex(span_id)) AS span_id_hex,
    toUnixTimestamp64Nano(start_time) AS start_ns,
    start_ns + toInt64(duration_ms * 1e6) AS end_ns,
    toString(service) AS service,
    toString(model) AS model,
    toString(prompt_version) AS prompt_version,
    session_id,
    is_error = 1 AS is_error,
    least(lengthUTF8(system_prompt), {max_chars:UInt64}) + least(lengthUTF8(prompt), {max_chars:UInt64})
        + least(lengthUTF8(completion), {max_chars:UInt64})
        + arraySum(document -> least(lengthUTF8(document.2), {max_chars:UInt64}), documents)
        + if(position(input_messages, '"tool"') > 0, least(lengthUTF8(input_messages), {max_chars:UInt64}), 0) AS n_chars
FROM llm_calls(project = {project:String}, from_time = {from_time:DateTime64(3, 'UTC')}, to_time = {to_time:DateTime64(3, 'UTC')})
WHERE kind = 'llm'
  AND trace_id IN (SELECT toFixedString(unhex(arrayJoin({trace_ids:Array(String)})), 16))
ORDER BY start_ns, trace_id_hex, span_id_hex
