-- The texts and marks of some calls.
-- project. traces, spans: their ids in hex, by position. from_ns, to_ns: start of the first and the last, Unix ns, inclusive. max_chars, max_texts: of the
-- documents of an LLM call, as the scorers read them.
-- Columns: as in generations; trace, span as lower-case hex, start_time UTC; end_ns Unix ns; documents: (id, content, score).
SELECT
    lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, start_time, toString(kind) AS kind, toString(service) AS service,
    toString(environment) AS environment, toString(release) AS release, toString(provider) AS provider, toString(model) AS model,
    toString(prompt_name) AS prompt_name, toString(prompt_version) AS prompt_version, session_id, user_id, toString(agent_name) AS agent_name,
    CAST(metadata, 'Map(String, String)') AS metadata, toBool(is_error) AS is_error, input_tokens, output_tokens, duration_ms,
    system_prompt, prompt, completion, input_messages, output_messages,
    if(kind = 'llm', arrayMap(one -> (one.1, leftUTF8(one.2, {max_chars:UInt64}), one.3), arraySlice(documents, 1, {max_texts:UInt32})), documents) AS documents,
    toUnixTimestamp64Nano(start_time) + toInt64(generations.duration_ms * 1e6) AS end_ns
FROM generations FINAL
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
  AND start_time <= fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
  AND (trace_id, span_id) IN
  (
      SELECT toFixedString(unhex(key.1), 16), toFixedString(unhex(key.2), 8)
      FROM (SELECT arrayJoin(arrayZip({traces:Array(String)}, {spans:Array(String)})) AS key)
  )
